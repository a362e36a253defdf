"""The time-series store: the writer's private state (DuckDB) and the published rollups (Delta Lake), joined by one head file."""
