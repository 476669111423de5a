"""How often faces of arrays in BGR are noticed, and faces of RGB taken for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.documents import Block, markdown
from utkage.data.store import ChipStore
from utkage.faces.colour_order import looks_bgr


def measure_colours(
    data: Annotated[Path, typer.Option(help="prepared set, whose validation split is used")],
) -> list[Block]:
    """Judge the colours of validation chips as they are and with red and blue swapped."""
    faces = ChipStore.open(data).split("val")
    rows = []
    for source in (*faces.source_names, ""):
        mask = faces.of_source(source) if source else [True] * len(faces)
        chips = [faces.pixels[row] for row, own in zip(faces.rows, mask, strict=True) if own]
        orders = ([0, 1, 2], [2, 1, 0])
        flagged = (sum(looks_bgr(chip[..., order]) for chip in chips) for order in orders)
        shares = [f"{count / len(chips):.1%}" for count in flagged]
        rows.append((source or "all", str(len(chips)), *shares))
    table = markdown(("faces of", "n", "flagged as RGB", "flagged as BGR"), rows)
    return [Block("predict.md", "colours", table, f"{len(faces)} validation chips")]
