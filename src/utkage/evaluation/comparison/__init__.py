"""Several predictors on the same faces: paired differences, and tables side by side."""
