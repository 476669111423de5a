"""Make inputs for trying the commands, from the pictures in examples/."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tools.documents import ROOT
from tools.examples.clip import FRAME_RATE, write_clip
from tools.examples.demo_set import make_demo_set
from tools.program import new_app, run_app
from utkage.images.decode import load_image

FACES = ROOT / "examples" / "faces"
app = new_app(__doc__)


@app.command()
def demo_set(
    out: Annotated[Path, typer.Argument(help="folder for the chips")],
    count: Annotated[int, typer.Option(help="number of chips")] = 240,
    seed: int = 0,
    faces: Annotated[Path, typer.Option(help="folder of averaged faces")] = FACES,
) -> None:
    """Make a small labelled set of synthetic chips."""
    print(f"{len(make_demo_set(faces, out, count, seed))} chips in {out}")


@app.command()
def clip(
    picture: Annotated[Path, typer.Argument(help="a picture")],
    out: Annotated[Path, typer.Argument(help="an .mp4 file")],
    seconds: Annotated[float, typer.Option(help="length")] = 5.0,
) -> None:
    """Make a clip of a moving still picture."""
    write_clip(out, load_image(picture), round(seconds * FRAME_RATE))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make one of them."""
    return run_app(app, "tools.examples", arguments)


if __name__ == "__main__":
    sys.exit(main())
