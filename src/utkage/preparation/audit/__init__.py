"""The data audit: duplicates, conflicting labels, heaped ages and uneven splits."""
