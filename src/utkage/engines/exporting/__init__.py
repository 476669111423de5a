"""Writing models for other runtimes, and proving that they answer the same."""
