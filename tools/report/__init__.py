"""Measures, and writes the measured pages of the documents."""
