"""Results as pictures. Only workflows import these, and only where they draw."""
