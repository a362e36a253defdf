"""The metric language: YAML files to a `Project`."""
