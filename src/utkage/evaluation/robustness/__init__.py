"""Errors on corrupted pictures."""
