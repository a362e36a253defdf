"""DuckDB, the embedded engine: the only package that imports `duckdb`."""
