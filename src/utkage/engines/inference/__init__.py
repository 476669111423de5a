"""From chips to answers: the predictor interface and its implementations."""
