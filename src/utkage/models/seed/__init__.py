"""The seed system: the three jointly trained networks of the original project description."""
