"""``audit-labels``: labels that are probably wrong."""
