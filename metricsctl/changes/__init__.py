"""Change events: deploys, configuration, merges, incidents; read, kept beside the series, joined to what they may move."""
