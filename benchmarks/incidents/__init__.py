"""A generator of incidents whose truth is known: random metric graphs with event-level data, faults, guilty and innocent changes."""
