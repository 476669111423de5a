"""Makes the files that the package ships."""
