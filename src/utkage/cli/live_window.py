"""A window that shows a video with its answers while it is watched."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from utkage.core.errors import UsageError

if TYPE_CHECKING:
    from utkage.prediction.predict_videos import ShownFrame

_QUIT_KEYS = (ord("q"), 27)
# Larger frames are shown smaller, so that the window fits on ordinary displays.
_LARGEST = (1280, 720)


@contextmanager
def live_window(
    videos: Sequence[str | int], show: bool | None
) -> Iterator[Callable[[ShownFrame], bool] | None]:
    """Open a window if one is wanted; what comes takes a frame and says whether to go on.

    Args:
        videos: What will be watched.
        show: Whether a window is wanted; None: for cameras and streams where there is a display.

    Raises:
        UsageError: a window is wanted and there is no display.
    """
    from utkage.images.video import is_stream

    live = any(isinstance(video, int) or is_stream(video) for video in videos)
    if show and not has_display():
        raise UsageError("--show needs a display; leave it out, answers are on stderr as well")
    if not (live and has_display() if show is None else show):
        yield None
        return
    import cv2

    # Qt, which OpenCV brings, complains of fonts that it came without; no word here is drawn by it.
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
    opened: set[str] = set()

    def draw(shown: ShownFrame) -> bool:
        picture = shown.picture
        if shown.name not in opened:
            opened.add(shown.name)
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(shown.name, flags)
            cv2.resizeWindow(shown.name, *_window_size(picture.shape[1], picture.shape[0]))
        elif cv2.getWindowProperty(shown.name, cv2.WND_PROP_VISIBLE) < 1:
            # Its button was used; another picture would open it again.
            return False
        cv2.imshow(shown.name, picture[..., ::-1])
        return cv2.waitKey(1) & 0xFF not in _QUIT_KEYS

    try:
        yield draw
    finally:
        cv2.destroyAllWindows()


def _window_size(width: int, height: int) -> tuple[int, int]:
    """Size of the window for frames of a size, in pixels."""
    scale = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
    return round(width * scale), round(height * scale)


def has_display() -> bool:
    """Whether a window can be opened; without a display the toolkit would end the process."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
