"""Training: recipes, the loop, losses, schedules, checkpoints and run folders."""
