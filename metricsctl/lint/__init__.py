"""The metric linter: rules with codes, positions and pages, and the engine that runs them."""
