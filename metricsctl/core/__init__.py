"""What every layer stands on; the standard library only."""
