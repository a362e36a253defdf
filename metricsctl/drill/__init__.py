"""Faults planted in a project's own history: what would have been caught, how soon, by what, and what is blind."""
