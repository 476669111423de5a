"""Predictions over HTTP: requests, the queue of pictures, and the application of FastAPI."""
