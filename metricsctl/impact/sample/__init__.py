"""The value diff: both versions of the affected metrics run on sample events, and the fewest rows on which they differ."""
