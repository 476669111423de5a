"""The flags covered and unusual on faces as they are, and on the same faces painted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tools.documents import ROOT, Block, markdown
from tools.quality.coverings import COVERINGS, PLAIN_ADDITIONS
from tools.quality.face_frame import Image, Painter
from tools.quality.looks import LOOKS, USUAL_LOOKS
from tools.quality.unseen import UNSEEN_COVERINGS, UNSEEN_LOOKS
from tools.report.evaluation import Data
from utkage import FaceRow, Predictor
from utkage.data.chips import LabelledChips
from utkage.data.labels import RACES
from utkage.data.sources.registry import open_source
from utkage.data.store import ChipStore
from utkage.faces.face_appearance import COVERED, UNUSUAL, shipped_face_appearance
from utkage.images.decode import load_image
from utkage.images.discover import expand_inputs

DOCUMENT = "predict.md"
# One photograph of so many in each set is painted in every way.
STEP = 16
# Largest distance of the middles of two boxes of one face, in widths of the box.
_SAME_FACE = 0.5


@dataclass(frozen=True)
class Portrait:
    """A photograph with its plain prediction; ``age`` is its label in years, or None."""

    image: Image
    row: FaceRow
    age: float | None


@dataclass
class Tally:
    """What happened to faces that were painted in one way, or not at all."""

    painted: int = 0
    rows: list[FaceRow] = field(default_factory=list)
    ages: list[float | None] = field(default_factory=list)

    def add(self, row: FaceRow | None, age: float | None) -> None:
        """Add a face; ``row`` is None if the detector did not find it any more."""
        self.painted += 1
        if row is not None:
            self.rows.append(row)
            self.ages.append(age)

    def share(self, *flags: str) -> float:
        """Share of the faces found that have one of the flags."""
        flagged = [bool(set(flags) & set(row.flags or ())) for row in self.rows]
        return float(np.mean(flagged)) if flagged else float("nan")

    def error(self) -> str:
        """MAE in years, over faces with a label."""
        errors = [
            abs((row.age or 0) - age)
            for row, age in zip(self.rows, self.ages, strict=True)
            if age is not None
        ]
        return f"{np.mean(errors):.1f}" if errors else "-"

    def coverage(self) -> str:
        """Share of the 80 % intervals that contain the label, over faces with one."""
        held = [
            (row.age_low or 0) <= age <= (row.age_high or 0)
            for row, age in zip(self.rows, self.ages, strict=True)
            if age is not None
        ]
        return f"{np.mean(held):.0%}" if held else "-"

    def width(self) -> str:
        """Mean width of the intervals, years."""
        widths = [(row.age_high or 0) - (row.age_low or 0) for row in self.rows]
        return f"{np.mean(widths):.0f}" if widths else "-"


def measure_covered(
    data: Data,
    aaf: Annotated[list[Path], typer.Option(help="archives of AAF photographs")],
    congress: Annotated[Path, typer.Option(help="folder of portraits")],
    fairface: Annotated[Path, typer.Option(help="archive of FairFace photographs")],
) -> list[Block]:
    """Count flags on photographs as they are, and on the same ones painted in every way."""
    predictor = Predictor.shipped(workers=1)
    test = ChipStore.open(data).split("test")
    sets = {
        "AAF, test split": _labelled(aaf, set(test.names)),
        "members of Congress": _unlabelled(congress),
        "FairFace": _labelled([fairface]),
        "made faces": _unlabelled(ROOT / "examples"),
    }
    alarms: list[tuple[str, ...]] = []
    chosen: list[Portrait] = []
    for name, pictures in sets.items():
        flags: list[tuple[str, ...]] = []
        for portrait in _portraits(predictor, pictures):
            if len(flags) % STEP == 0:
                chosen.append(portrait)
            flags.append(portrait.row.flags or ())
        alarms.append((name, *_alarms(flags)))
    alarms += _chip_alarms(test.take(np.flatnonzero(test.of_source("UTKFace"))))
    plain = Tally()
    for portrait in chosen:
        plain.add(portrait.row, portrait.age)
    columns = ("pictures as they are", "faces", "`covered`", "`unusual`", "one of them")
    return [
        Block(DOCUMENT, "false-alarms", markdown(columns, alarms)),
        Block(DOCUMENT, "covered", *_painted_table(predictor, chosen, plain)),
    ]


def _chip_alarms(faces: LabelledChips) -> list[tuple[str, ...]]:
    """The chips of UTKFace, all together and by race."""
    classifier = shipped_face_appearance()
    found = [
        classifier.flags(chip)
        for batch in faces.batches(64, faces.contract.without_margin())
        for chip in batch
    ]
    rows = [("chips of UTKFace, test split", *_alarms(found))]
    for race, name in enumerate(RACES):
        own = [found[index] for index in np.flatnonzero(faces.races == race)]
        rows.append((f"of these: {name}", *_alarms(own)))
    return rows


def _alarms(flags: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Number of faces, and the shares with each flag and with one of them."""
    names = (COVERED,), (UNUSUAL,), (COVERED, UNUSUAL)
    shares = (np.mean([bool(set(own) & set(each)) for each in flags]) for own in names)
    return (str(len(flags)), *(f"{share:.1%}" for share in shares))


def _painted_table(
    predictor: Predictor, portraits: Sequence[Portrait], plain: Tally
) -> tuple[str, str]:
    groups: Sequence[tuple[str, str, Mapping[str, Painter]]] = (
        (COVERED, "", COVERINGS),
        (COVERED, " *", UNSEEN_COVERINGS),
        (UNUSUAL, "", LOOKS),
        (UNUSUAL, " *", UNSEEN_LOOKS),
        ("", "", {**PLAIN_ADDITIONS, **USUAL_LOOKS}),
    )
    rows: list[tuple[str, ...]] = [_cells("nothing", plain)]
    totals = {COVERED: Tally(), UNUSUAL: Tally(), "": Tally()}
    for flag, mark, painters in groups:
        for kind, painter in painters.items():
            tally = _tally(predictor, portraits, painter)
            rows.append(_cells(kind + mark, tally))
            totals[flag].rows += tally.rows
    scores = [
        f"`{flag}`: recall {totals[flag].share(flag):.1%}, "
        f"precision {_precision(totals, flag, plain):.1%}"
        for flag in (COVERED, UNUSUAL)
    ]
    columns = (
        *("painted on the face", "found", "`covered`", "`unusual`", "MAE, years"),
        *("80 % interval holds", "its width, years"),
    )
    origin = (
        f"{len(portraits)} faces, every {STEP}th of each set of photographs, painted in every way "
        "and predicted again; "
        "kinds with a * were not painted for the fit. MAE and coverage are those of faces with an "
        "age in years. Over all kinds, where as many faces are plain as are painted: "
        f"{'; '.join(scores)}. Shipped weights"
    )
    return markdown(columns, rows), origin


def _precision(totals: Mapping[str, Tally], flag: str, plain: Tally) -> float:
    """Share of right flags if as many faces are plain as are painted with what the flag means."""
    right, wrong = totals[flag].share(flag), plain.share(flag)
    return right / max(right + wrong, 1e-9)


def _cells(kind: str, tally: Tally) -> tuple[str, ...]:
    return (
        kind,
        f"{len(tally.rows)} of {tally.painted}",
        f"{tally.share(COVERED):.1%}",
        f"{tally.share(UNUSUAL):.1%}",
        tally.error(),
        tally.coverage(),
        tally.width(),
    )


def _tally(predictor: Predictor, portraits: Sequence[Portrait], painter: Painter) -> Tally:
    tally, random = Tally(), np.random.default_rng(0)
    images = (painter(own.image, own.row.landmarks or (), random) for own in portraits)
    for portrait, image in zip(portraits, images, strict=True):
        found = predictor.predict_all(image)
        tally.add(_same_face(found, portrait.row), portrait.age)
    return tally


def _same_face(rows: Sequence[FaceRow], plain: FaceRow) -> FaceRow | None:
    """The face whose box has its middle nearest to that of the plain face; None if far away."""
    assert plain.box is not None
    x0, y0, x1, y1 = plain.box
    middle, width = np.array([x0 + x1, y0 + y1]) / 2, x1 - x0

    def distance(row: FaceRow) -> float:
        box = np.array(row.box or (np.inf,) * 4)
        return float(np.hypot(*((box[:2] + box[2:]) / 2 - middle)) / width)

    nearest = min(rows, key=distance)
    return nearest if distance(nearest) <= _SAME_FACE else None


def _portraits(
    predictor: Predictor, pictures: Iterator[tuple[Image, float | None]]
) -> Iterator[Portrait]:
    """The pictures in which a face is found; of several, the largest counts."""
    for image, age in pictures:
        row = predictor.predict_all(image)[0]
        if row.face is not None:
            yield Portrait(image, row, age)


def _labelled(
    archives: Sequence[Path], names: set[str] | None = None
) -> Iterator[tuple[Image, float | None]]:
    for archive in archives:
        for entry in open_source(archive).entries():
            if entry.label is not None and (names is None or entry.name in names):
                yield load_image(entry.content), entry.label.age


def _unlabelled(folder: Path) -> Iterator[tuple[Image, float | None]]:
    for path in expand_inputs([folder]):
        yield load_image(path), None
