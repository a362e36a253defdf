"""From a metric that moved to the reason: evidence in the order that rules things out, then ranked hypotheses."""
