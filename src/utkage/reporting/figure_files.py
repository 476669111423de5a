"""Matplotlib figures without a display, as PNG and SVG files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.files import replacing
from utkage.core.outputs import contains

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers tell apart; series also differ in marker or
# dash, so that a grey print can be read.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#5b6570"
FORMATS = ("png", "svg")
# Width of a chart in a page, inches. A telephone shows it with letters as large as its text, and a
# wider screen shows several charts side by side.
CHART_WIDTH = 4.4
# The program that wrote a figure, as both formats say it.
_NAME = "utkage"
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": _NAME},
    "svg": {"Creator": _NAME, "Date": None},
}
_MARKS = {".png": f"Software\0{_NAME}", ".svg": f"<dc:title>{_NAME}</dc:title>"}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches; unlike one of pyplot, it needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(
    figure: Figure, folder: Path, name: str, formats: Sequence[str] = FORMATS
) -> dict[str, Path]:
    """Write ``<name>.<format>`` for each format, atomically; return the files by format.

    Texts are drawn as they are: a name with two dollar signs is no formula.
    """
    from matplotlib.text import Text

    files = {form: folder / f"{name}.{form}" for form in formats}
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with _reproducible_svg(name), warnings.catch_warnings():
        # Names may have characters that no font has; boxes are drawn for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        for form, path in files.items():
            with replacing(path) as partial:
                figure.savefig(partial, dpi=160, metadata=_METADATA.get(form))
    return files


def is_saved_figure(path: Path) -> bool:
    """Whether ``save_figure`` wrote a PNG or SVG file."""
    return contains(path, _MARKS.get(path.suffix.lower(), _NAME))


@contextmanager
def _reproducible_svg(name: str) -> Iterator[None]:
    """Keep text as text, and write the same bytes each time."""
    import matplotlib

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False}
    with matplotlib.rc_context(settings):
        yield
