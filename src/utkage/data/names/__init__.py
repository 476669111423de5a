"""Labels from the names of pictures: one file a data set, and ``registry.py`` that lists them."""
