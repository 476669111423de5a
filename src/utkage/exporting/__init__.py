"""Exporting weights to other runtimes, and checking that they predict the same."""
