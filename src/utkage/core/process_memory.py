"""How much memory this process has taken."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_memory() -> int | None:
    """The largest size of this process so far, bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    if (found := _linux_peak()) is not None:
        return found
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts in bytes, others in KiB.
    return largest if sys.platform == "darwin" else largest * 1024


def _linux_peak() -> int | None:
    # On Linux, ``ru_maxrss`` of a program begins at the size of the one that started it.
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, ValueError):
        return None
    return int(found[1]) * 1024 if found else None
