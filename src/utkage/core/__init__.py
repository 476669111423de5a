"""The ground floor: errors, atomic writes, progress reporting, versions. Imports nothing above."""
