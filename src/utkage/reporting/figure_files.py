"""A matplotlib figure without a display, saved as PNG for eyes and SVG for print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from utkage.core.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers tell apart; series also differ in marker or
# dash, so that a grey print can be read.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#5b6570"
FORMATS = ("png", "svg")


def new_figure(width: float, height: float) -> Figure:
    """A figure of that size in inches, with Agg: pyplot would look for a display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, folder: Path, name: str) -> dict[str, Path]:
    """Write ``<name>.png`` and ``<name>.svg``, atomically; the files by format."""
    import matplotlib

    files = {format_: folder / f"{name}.{format_}" for format_ in FORMATS}
    # Text stays text, and two runs give the same bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        for format_, path in files.items():
            with replacing(path) as partial:
                metadata = {"Date": None} if format_ == "svg" else None
                figure.savefig(partial, dpi=120, metadata=metadata)
    return files
