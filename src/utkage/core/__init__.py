"""The lowest layer: errors, atomic writes, progress reporting, devices. Imports no other room."""
