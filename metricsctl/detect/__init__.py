"""Anomaly detection on metric series: scores that never see the future, calibrated thresholds, episodes."""
