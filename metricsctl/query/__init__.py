"""Metrics at any grain, split and period that the stored states allow."""
