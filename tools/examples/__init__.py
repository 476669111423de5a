"""Makes demo sets and clips from the pictures in ``examples/``."""
