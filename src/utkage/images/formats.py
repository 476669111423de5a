"""Which files count as pictures."""

from __future__ import annotations

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""Suffixes, lower case, of the files that a folder or a pattern contributes."""
