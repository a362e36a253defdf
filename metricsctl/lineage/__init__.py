"""Lineage: which columns, models and metrics a number is made of, and what is made of it."""
