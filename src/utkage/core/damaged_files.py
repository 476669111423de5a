"""The exceptions of parsers of binary files that other programs' authors wrote."""

from __future__ import annotations

import pickle
import struct
import zipfile
import zlib

DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError, AttributeError),
    *(AssertionError, ArithmeticError, MemoryError),
    *(pickle.UnpicklingError, struct.error, zlib.error, zipfile.BadZipFile),
)
"""What torch, SciPy and h5py raise on a damaged file, depending on where the damage is."""
