"""Measures speed and memory against bars."""
