"""Event files to published states, exactly once."""
