"""Finding faces, and cutting them out exactly as the models were trained on them."""
