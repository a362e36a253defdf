"""One detector a file; `metricsctl.detect.registry` finds them by name."""
