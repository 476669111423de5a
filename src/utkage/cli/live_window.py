"""A window that shows a video with its predictions while it is processed."""

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
# Larger frames are scaled down, so that the window fits on common displays.
_LARGEST = (1280, 720)


@contextmanager
def live_window(
    videos: Sequence[str | int], show: bool | None
) -> Iterator[Callable[[ShownFrame], bool] | None]:
    """Open a window if requested; yields a function that draws a frame, or None.

    The function returns False once the window is closed, which ends the video. With ``show`` None,
    a window opens for cameras and streams on a display; with True, a missing display is a
    ``UsageError``.
    """
    from utkage.images.video import is_stream

    live = any(isinstance(video, int) or is_stream(video) for video in videos)
    if show and not has_display():
        raise UsageError("--show needs a display; without it, predictions are printed on stderr")
    if not (live and has_display() if show is None else show):
        yield None
        return
    import cv2

    # OpenCV's Qt warns about missing fonts, which this window does not use.
    os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
    opened: set[str] = set()

    def draw(shown: ShownFrame) -> bool:
        picture = shown.picture
        if shown.name not in opened:
            opened.add(shown.name)
            flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
            cv2.namedWindow(shown.name, flags)
            height, width = picture.shape[:2]
            scale = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
            cv2.resizeWindow(shown.name, round(width * scale), round(height * scale))
        elif cv2.getWindowProperty(shown.name, cv2.WND_PROP_VISIBLE) < 1:
            # The user closed the window; drawing another frame would open it again.
            return False
        cv2.imshow(shown.name, picture[..., ::-1])
        return cv2.waitKey(1) & 0xFF not in _QUIT_KEYS

    try:
        yield draw
    finally:
        cv2.destroyAllWindows()


def has_display() -> bool:
    """Whether there is a display; without one, opening a window would end the process."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
