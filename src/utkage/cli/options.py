"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from utkage.data.label_files.settings import LabelSettings

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
        help="Label file: CSV, JSONL, Parquet or .mat with path, age, gender[, race, split], or "
        "of a data set that docs/data.md lists. A label file inside the source is used without "
        "this option.",
        rich_help_panel=DATA,
        metavar="FILE",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="Which column of the label file is which, such as path=file,age=years,gender=sex; "
        "numbers are places, from 1.",
        rich_help_panel=DATA,
        metavar="ROLE=TITLE,...",
    ),
]
GenderCoding = Annotated[
    str | None,
    typer.Option(
        help="How the label file codes gender, such as 1=male,2=female. Default: words of several "
        "languages; 0 male, 1 female.",
        rich_help_panel=DATA,
        metavar="VALUE=GENDER,...",
    ),
]
TrustLabels = Annotated[
    bool,
    typer.Option(
        "--trust-labels",
        help="Use a label file that contradicts the labels in the names of the pictures.",
        rich_help_panel=DATA,
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


def parse_label_settings(columns: str | None, gender_coding: str | None) -> LabelSettings:
    """The values of ``--columns`` and ``--gender-coding``.

    Raises:
        ConfigError: one of them is not a list of pairs.
    """
    from utkage.data.label_files.settings import LabelSettings, parse_pairs

    return LabelSettings(
        columns={} if columns is None else parse_pairs(columns, "columns"),
        gender_coding={} if gender_coding is None else parse_pairs(gender_coding, "gender_coding"),
    )
