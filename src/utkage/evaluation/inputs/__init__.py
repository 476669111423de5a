"""What an evaluation reads: labelled faces, and predictions of the same faces."""
