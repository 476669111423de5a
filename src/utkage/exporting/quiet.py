"""Silence for exporters that print, warn and log what users cannot change."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silenced(logger_name: str | None = None) -> Iterator[None]:
    """Drop warnings, standard output and log messages below errors while the body runs.

    Only messages of the named logger are dropped; None is the root logger.
    """
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
