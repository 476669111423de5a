"""Training of the multi-task network, with or without teachers."""
