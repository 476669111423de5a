"""The machinery under the workflows: training, evaluation, inference, exporting."""
