"""The annotated copy of a video, whose failure ends neither the video nor its rows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError
from utkage.images.video_writer import AddFrame, video_file


class AnnotatedVideo:
    """Writes frames to ``path`` at ``rate`` frames per second, until that fails.

    ``on_unwritten`` receives the error, and further frames are dropped.
    """

    def __init__(self, path: Path, rate: float, on_unwritten: Callable[[ImageError], None]) -> None:
        self._path = path
        self._on_unwritten = on_unwritten
        self._stack = ExitStack()
        self._write: AddFrame | None = None
        try:
            self._write = self._stack.enter_context(video_file(path, rate))
        except (ImageError, OSError) as error:
            self._note(error)

    def __enter__(self) -> AnnotatedVideo:
        return self

    def __exit__(self, *raised: Any) -> None:
        """Finish the file, or remove it if the body raised."""
        self._close(raised)

    def add(self, rgb: NDArray[np.uint8], seconds: float) -> None:
        """Add a frame, uint8 RGB (height, width, 3), at its time in seconds."""
        if self._write is None:
            return
        try:
            self._write(rgb, seconds)
        except (ImageError, OSError) as error:
            self._write = None
            self._close((type(error), error, error.__traceback__))
            self._note(error)

    def _close(self, raised: tuple[Any, ...]) -> None:
        """Close the file; it is removed if an exception was ``raised``."""
        try:
            self._stack.__exit__(*raised)
        except (ImageError, OSError) as error:
            if error is not raised[1]:
                self._note(error)

    def _note(self, error: Exception) -> None:
        reason = str(error) if isinstance(error, ImageError) else f"{self._path}: {error}"
        self._on_unwritten(ImageError(reason))
