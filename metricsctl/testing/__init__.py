"""Unit tests of metrics: events in, expected points out, through the real engine."""
