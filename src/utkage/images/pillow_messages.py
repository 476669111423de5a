"""Pillow's own messages on damaged files, which commands replace by one reason per picture."""

from __future__ import annotations

import warnings


def silence_pillow() -> None:
    """Turn off Pillow's warnings and log lines in this process, which a command owns."""
    # Pillow imports it as well; --help needs neither.
    import logging

    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
