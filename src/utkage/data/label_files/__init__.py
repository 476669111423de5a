"""Label files: tables that give the pictures of a data set their labels.

``registry.py`` lists the file formats and the layouts, and is the place to add one. A *format*
(CSV, JSON Lines, Parquet, MATLAB) turns bytes into a ``Table`` of texts. A *layout* (columns that
are named in the header, the folds of Adience) turns each line of a table into a ``Row``: the path
of a picture and its label. ``ages``, ``genders`` and ``races`` read single cells.
"""

from utkage.data.label_files.read import LabelFile, read_label_file
from utkage.data.label_files.row import Row

__all__ = ["LabelFile", "Row", "read_label_file"]
