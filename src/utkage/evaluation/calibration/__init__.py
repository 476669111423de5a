"""``evaluate --calibrate``: temperatures, interval levels and the age prior."""
