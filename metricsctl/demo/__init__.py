"""The playground of `metricsctl demo`: an example shop, six weeks of its events, and three incidents whose truth is known."""
