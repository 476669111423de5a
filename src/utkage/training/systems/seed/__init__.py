"""Joint training of the seed system."""
