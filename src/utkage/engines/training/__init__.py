"""Losses, schedule, averaging, checkpoints and the loop itself."""
