"""Dividing faces into groups, by label, source, person or picture quality, and their metrics."""
