"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from utkage.core.errors import ConfigError

OUTPUT = "Output"
DATA = "Data"
MODEL = "Model"
OPTIMISATION = "Optimisation"
RECIPE = "Recipe"
VIDEO = "Videos and cameras"

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="Print only results, warnings and errors.", rich_help_panel=OUTPUT
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Print the traceback of an error.", rich_help_panel=OUTPUT)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout.", rich_help_panel=OUTPUT)
]
Device = Annotated[
    str,
    typer.Option(
        "--device", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MODEL, metavar="NAME"
    ),
]
WeightsChoice = Annotated[
    str,
    typer.Option(
        "--weights",
        "-w",
        help="auto (the newest run below runs/, else the shipped weights), shipped, a weights "
        "file, a run folder, or an exported .onnx file (for prediction).",
        rich_help_panel=MODEL,
        metavar="CHOICE",
    ),
]
Flip = Annotated[
    bool,
    typer.Option(
        "--flip/--no-flip",
        help="Average with the prediction of the mirrored chip: a little better, half as fast.",
        rich_help_panel=MODEL,
    ),
]
DetectorChoice = Annotated[
    str,
    typer.Option(
        "--detector", help="retinaface, or yunet:FILE.", rich_help_panel=DATA, metavar="NAME"
    ),
]
PreparedData = Annotated[
    Path,
    typer.Option(
        "--data", help="Folder of the prepared set.", rich_help_panel=DATA, metavar="FOLDER"
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="CSV or JSONL manifest with path, age, gender[, race, split]. A labels.csv inside "
        "the source is used without this option.",
        rich_help_panel=DATA,
        metavar="FILE",
    ),
]
ALIGNED: dict[str, bool | None] = {"auto": None, "yes": True, "no": False}
Aligned = Annotated[
    str,
    typer.Option(
        help="yes: the pictures are chips; no: they are photographs, whose largest face is found "
        "and aligned; auto: chips if the names end in .chip.jpg or all pictures are square.",
        rich_help_panel=DATA,
    ),
]


def parse_aligned(choice: str) -> bool | None:
    """The value of ``--aligned``: True, False, or None for auto.

    Raises:
        ConfigError: neither auto, yes nor no.
    """
    if choice not in ALIGNED:
        raise ConfigError(f"--aligned {choice}: choose one of {', '.join(ALIGNED)}")
    return ALIGNED[choice]
