"""Makes the pictures in ``examples/``, demo sets and clips."""
