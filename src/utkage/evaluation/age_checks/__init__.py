"""Checks of an age: thresholds, challenge ages, and demands with a guarantee."""
