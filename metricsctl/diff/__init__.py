"""What changed between two projects: each change with its category and its reason; the base out of git without a checkout."""
