"""One file a verb; each stands in `metricsctl.cli.app.COMMANDS`."""
