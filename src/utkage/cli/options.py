"""Options that several commands share."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from utkage.cli.choices import choices, completing
from utkage.core.errors import ConfigError

if TYPE_CHECKING:
    from utkage.data.label_files.settings import LabelSettings
    from utkage.data.sources.options import SourceOptions

output_option = partial(typer.Option, rich_help_panel="Output")
data_option = partial(typer.Option, rich_help_panel="Data")
model_option = partial(typer.Option, rich_help_panel="Model")
optimisation_option = partial(typer.Option, rich_help_panel="Optimisation")
recipe_option = partial(typer.Option, rich_help_panel="Recipe")
limits_option = partial(typer.Option, rich_help_panel="Limits on what is read")
video_option = partial(typer.Option, rich_help_panel="Videos and cameras")

Quiet = Annotated[
    bool, output_option("--quiet", "-q", help="Print only results, warnings and errors.")
]
Debug = Annotated[bool, output_option("--debug", help="Print the traceback of an error.")]
Json = Annotated[bool, output_option("--json", help="Print the result as JSON on stdout.")]
Device = Annotated[
    str,
    model_option(
        "--device",
        help="Device to compute on; cuda:N is the GPU of that number, from 0.",
        **choices("auto", "cpu", "cuda", "mps", other="cuda:N"),
    ),
]
WeightsChoice = Annotated[
    str,
    model_option(
        "--weights",
        "-w",
        help="shipped, latest (the newest run below runs/), auto (latest, else shipped), a weights "
        "file, a run folder or its name below runs/, or an exported .onnx file (for prediction).",
        **choices("shipped", "latest", "auto", other="PATH"),
    ),
]
Flip = Annotated[
    bool,
    model_option(
        "--flip/--no-flip",
        help="Average with the prediction of the mirrored chip: a little better, half as fast.",
    ),
]
Overwrite = Annotated[
    bool,
    output_option(
        "--overwrite",
        help="Allow an output to replace a file that is not an earlier output of its kind.",
    ),
]
CsvSafe = Annotated[
    bool,
    output_option(
        "--csv-safe",
        help="Put ' before texts of CSV that begin with =, +, - or @, which a spreadsheet would "
        "take for formulas. Numbers stay as they are.",
    ),
]
Workers = Annotated[
    int | None,
    data_option(
        "--workers",
        help="Number of pictures processed at once; fewer need less memory. Default: one for each "
        "CPU core.",
        metavar="NUMBER",
    ),
]
DetectorChoice = Annotated[
    str,
    data_option(
        "--detector",
        help="Face detector: retinaface, or yunet:FILE with a YuNet model of OpenCV.",
        metavar="NAME",
        autocompletion=completing(lambda: ("retinaface", "yunet:")),
    ),
]
PreparedData = Annotated[
    Path, data_option("--data", help="Folder of the prepared set.", metavar="FOLDER")
]
Labels = Annotated[
    Path | None,
    data_option(
        help="Label file: CSV, JSONL, Parquet or .mat with path, age, gender[, race, split], or "
        "of a public data set, such as FairFace, Adience or IMDB-WIKI. A label file inside the "
        "source is used without this option.",
        metavar="FILE",
    ),
]
Columns = Annotated[
    str | None,
    data_option(
        help="Which column of the label file is which, such as path=file,age=years; numbers are "
        "places, from 1.",
        metavar="ROLE=TITLE,...",
    ),
]
KeepColumns = Annotated[
    list[str] | None,
    data_option(
        "--keep-columns",
        help="Further columns of the label file to keep, such as glasses,skin_tone, with commas "
        "between them; repeatable. none: keep none.",
        metavar="COLUMNS",
        show_default="those with few, short values that identify nobody",
    ),
]
GenderCoding = Annotated[
    str | None,
    data_option(
        help="How the label file codes gender, such as 1=male,2=female. Default: words of several "
        "languages; 0 male, 1 female.",
        metavar="VALUE=GENDER,...",
    ),
]
TrustLabels = Annotated[
    bool,
    data_option(
        "--trust-labels",
        help="Use a label file that contradicts the labels in the names of the pictures.",
    ),
]
MaxEntries = Annotated[int | None, limits_option(help="Number of files in a source.")]
MaxEntryBytes = Annotated[int | None, limits_option(help="Size of one file, bytes.")]
MaxTotalBytes = Annotated[int | None, limits_option(help="Unpacked size of a source, bytes.")]
MaxRatio = Annotated[float | None, limits_option(help="Unpacked size divided by packed size.")]
FollowLinks = Annotated[
    bool,
    data_option(
        "--follow-links/--no-follow-links", help="Enter linked folders in folders, each once."
    ),
]
MaxPixels = Annotated[
    int | None,
    data_option(
        help="Width x height of the largest picture that is read at its own size. Larger JPEGs are "
        "reduced while they are read, others if they have at most twice as many pixels.",
        show_default="100000000",
    ),
]
ALIGNED: dict[str, bool | None] = {"auto": None, "yes": True, "no": False}
Aligned = Annotated[
    str,
    data_option(
        help="yes: the pictures are chips; no: they are photographs, whose largest face is found "
        "and aligned; auto: chips if the names end in .chip.jpg or all pictures are square.",
        **choices("auto", "yes", "no"),
    ),
]


def given_only(**values: Any) -> dict[str, Any]:
    """The values of the options that were given; the library has the other defaults."""
    return {name: value for name, value in values.items() if value is not None}


def parse_aligned(choice: str) -> bool | None:
    """The value of ``--aligned``: True, False, or None for auto."""
    if choice not in ALIGNED:
        raise ConfigError(f"--aligned {choice}: choose one of {', '.join(ALIGNED)}")
    return ALIGNED[choice]


def split_commas(given: list[str] | None) -> tuple[str, ...]:
    """The parts of a repeatable option between commas, without empty ones."""
    parts = (part.strip() for text in given or () for part in text.split(","))
    return tuple(part for part in parts if part)


def parse_label_settings(
    columns: str | None, gender_coding: str | None, keep_columns: list[str] | None
) -> LabelSettings:
    """The values of ``--columns``, ``--gender-coding`` and ``--keep-columns``."""
    from utkage.data.label_files.settings import LabelSettings, parse_pairs

    return LabelSettings(
        columns={} if columns is None else parse_pairs(columns, "columns"),
        gender_coding={} if gender_coding is None else parse_pairs(gender_coding, "gender_coding"),
        keep_columns=None if keep_columns is None else split_commas(keep_columns),
    )


def source_options(
    *,
    labels: Path | None,
    aligned: str,
    max_pixels: int | None,
    settings: LabelSettings,
    trust_labels: bool,
) -> SourceOptions:
    """How a command that scores labelled faces reads a plain folder or archive."""
    from utkage.data.sources.options import SourceOptions
    from utkage.images.containers.limits import Limits

    return SourceOptions(
        labels=labels,
        aligned=parse_aligned(aligned),
        limits=Limits() if max_pixels is None else Limits(max_pixels=max_pixels),
        settings=settings,
        trust_labels=trust_labels,
    )
