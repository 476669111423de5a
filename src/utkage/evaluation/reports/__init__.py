"""Reports of an evaluation: charts, the HTML page and the model card."""
