"""The data audit: copies, contradicting labels, heaped ages, uneven splits, and what to do."""
