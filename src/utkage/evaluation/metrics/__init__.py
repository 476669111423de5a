"""Metrics of predictions, with bootstrap intervals: the registry and the functions behind it."""
