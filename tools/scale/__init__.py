"""Measures the stages of ``predict`` and simulates many nodes from their times."""
