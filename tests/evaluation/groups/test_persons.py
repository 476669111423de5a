"""Repeated pictures of one person: groups that are resampled, and the spread within persons."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import UsageError
from utkage.data.chips import LabelledChips
from utkage.data.label_files.settings import LabelSettings
from utkage.data.sources.options import SourceOptions
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.groups.persons import find_persons, grouped_by_person, person_report
from utkage.evaluation.inputs.labelled_predictions import LabelledPredictions
from utkage.evaluation.metrics.bootstrap import Bootstrap
from utkage.evaluation.request import EvaluateRequest
from utkage.faces.contract import utkface_contract

Labelled = Callable[..., LabelledPredictions]


def chips_of(
    persons: list[str], copies: list[str], sources: list[str] | None = None
) -> LabelledChips:
    """Faces of these persons; ``copies`` are the ids of their duplicate groups."""
    count = len(persons)
    return LabelledChips(
        pixels=np.zeros((count, 8, 8, 3), dtype=np.uint8),
        rows=np.arange(count),
        sources=tuple(sources or ["set"] * count),
        names=tuple(f"{row}.jpg" for row in range(count)),
        ages=np.arange(count) + 20,
        genders=np.arange(count) % 2,
        races=np.full(count, -1),
        pixel_hashes=tuple(f"{row:08x}" for row in range(count)),
        contract=utkface_contract(64),
        groups=tuple(copies),
        attributes={"subject": tuple(persons)},
    )


def test_persons_and_their_copies_are_one_group() -> None:
    #               0    1    2    3   4   5    6    7
    persons = ["a", "b", "a", "c", "", "", "d", "e"]
    copies = ["1", "2", "3", "4", "2", "5", "6", "6"]
    chips = chips_of(persons, copies)
    grouped = grouped_by_person(chips, find_persons(chips, " Subject ")).group_numbers
    together = {(i, j) for i in range(8) for j in range(i + 1, 8) if grouped[i] == grouped[j]}
    # Two pictures of a; a copy of b without a name; d and e, which are copies of each other.
    assert together == {(0, 2), (1, 4), (6, 7)}


def test_the_same_name_in_two_sources_is_two_persons() -> None:
    chips = chips_of(["1", "1", "1"], ["a", "b", "c"], ["one", "two", "one"])
    groups = grouped_by_person(chips, find_persons(chips, "subject")).group_numbers
    assert groups[0] == groups[2] != groups[1]


@pytest.mark.parametrize("column", ["person", ""])
def test_a_missing_column_is_named_with_those_there_are(column: str) -> None:
    with pytest.raises(UsageError, match=r"`person_column`.*they have subject.*`keep_columns`"):
        find_persons(chips_of(["a"], ["1"]), column)
    with pytest.raises(UsageError, match="no such further column"):
        find_persons(chips_of(["", ""], ["1", "2"]), "subject")


def predicted(
    labelled_predictions_of: Labelled, persons: list[str], copies: list[str]
) -> tuple[LabelledPredictions, LabelledChips]:
    chips = chips_of(persons, copies)
    faces = labelled_predictions_of(len(persons))
    own = replace(faces, sources=chips.sources, names=chips.names)
    grouped = grouped_by_person(chips, find_persons(chips, "subject"))
    return replace(own, groups=grouped.group_numbers), chips


def test_the_spread_against_a_loop(labelled_predictions_of: Labelled) -> None:
    random = np.random.default_rng(1)
    persons = [f"p{number}" if number < 25 else "" for number in random.integers(0, 30, 120)]
    copies = [str(row // 2 if row < 20 else row) for row in range(120)]
    faces, chips = predicted(labelled_predictions_of, persons, copies)
    # Some have no label or no prediction.
    faces = replace(
        faces,
        ages=np.where(np.arange(120) % 11 == 0, -1, faces.ages),
        age=np.where(np.arange(120) % 13 == 0, np.nan, faces.age),
    )
    found = person_report(faces, find_persons(chips, "subject"), Bootstrap.draw(faces.groups, 200))
    own: dict[str, dict[str, float]] = {}
    for row in range(120):
        if persons[row] and faces.ages[row] >= 0 and not np.isnan(faces.age[row]):
            own.setdefault(persons[row], {}).setdefault(
                copies[row], float(faces.age[row] - faces.ages[row])
            )
    several = [list(errors.values()) for errors in own.values() if len(errors) > 1]
    squares = sum(sum((e - sum(o) / len(o)) ** 2 for e in o) for o in several)
    freedom = sum(len(o) - 1 for o in several)
    assert found.spread.value == pytest.approx((squares / freedom) ** 0.5, rel=1e-5)
    assert (found.repeated, found.spread.n) == (len(several), sum(map(len, several)))
    assert (found.persons, found.unknown) == (len(set(persons) - {""}), persons.count(""))
    assert found.faces + found.unknown == 120
    assert (found.spread.low or 99) < (found.spread.value or 0) < (found.spread.high or 0)
    assert "25 persons of subject and" in found.note


def test_the_interval_of_the_spread_resamples_persons(labelled_predictions_of: Labelled) -> None:
    persons = [f"p{row // 4}" for row in range(80)]
    faces, chips = predicted(labelled_predictions_of, persons, [str(row) for row in range(80)])
    bootstrap = Bootstrap.draw(faces.groups, 300)
    found = person_report(faces, find_persons(chips, "subject"), bootstrap)
    errors = (faces.age - faces.ages).reshape(20, 4)
    variances = errors.var(axis=1, ddof=1)
    # Weights of all pictures of a person are equal.
    drawn = bootstrap.counts.reshape(300, 20, 4)
    assert (drawn.min(axis=2) == drawn.max(axis=2)).all()
    slow = [float(np.average(variances, weights=row)) ** 0.5 for row in drawn[:, :, 0]]
    low, high = np.quantile(slow, [0.025, 0.975])
    assert (found.spread.low, found.spread.high) == pytest.approx((low, high), rel=1e-4)


def test_without_repeated_persons_there_is_no_spread(labelled_predictions_of: Labelled) -> None:
    faces, chips = predicted(labelled_predictions_of, ["a", "b", "c"], ["1", "2", "3"])
    found = person_report(faces, find_persons(chips, "subject"), Bootstrap.draw(faces.groups, 100))
    assert (found.repeated, found.spread.value, found.spread.n) == (0, None, 0)


@pytest.mark.usefixtures("blank_figures")
def test_persons_from_the_label_file_to_the_report(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    random = np.random.default_rng(0)
    labels, predictions = ["path,age,gender,subject id"], ["file,predicted_age,p_female"]
    for n in range(24):
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(pictures / f"{n}.png")
        # Three pictures of each person; every other person is predicted ten years too old.
        labels.append(f"{n}.png,{20 + n},{n % 2},s{n // 3}")
        predictions.append(f"{n}.png,{20 + n + n % 3 + 10 * (n // 3 % 2)},0.{n % 2}5")
    (pictures / "labels.csv").write_text("\n".join(labels))
    (tmp_path / "theirs.csv").write_text("\n".join(predictions))
    request = EvaluateRequest(
        data=pictures,
        weights=str(tmp_path / "theirs.csv"),
        options=SourceOptions(aligned=True, settings=LabelSettings(keep_columns=("subject id",))),
        out=tmp_path / "out",
        resamples=400,
        report=True,
        threshold=30,
        challenge=(35,),
        person_column="subject_id",
    )
    with_persons = evaluate(request)
    assert with_persons.persons is not None
    assert with_persons.persons.spread.value == pytest.approx(1)
    assert (with_persons.persons.repeated, with_persons.persons.spread.n) == (8, 24)
    alone = replace(request, person_column=None, report=False, out=tmp_path / "single")
    without = evaluate(alone)
    assert without.persons is None
    wide, narrow = (each.populations[0].metrics["mae"] for each in (with_persons, without))
    assert wide.value == narrow.value
    assert (wide.high or 0) - (wide.low or 0) > 1.3 * ((narrow.high or 0) - (narrow.low or 0))
    assert with_persons.challenge is not None
    assert "of the same persons" in with_persons.challenge.intervals
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())["persons"]
    assert (kept["column"], kept["persons"], kept["spread"]["n"]) == ("subject_id", 8, 24)
    for name in ("report.html", "model_card.md"):
        text = (tmp_path / "out" / name).read_text()
        assert "Intervals resample 8 persons of subject_id, not single pictures." in text
    with pytest.raises(UsageError, match="`person_column` camera"):
        evaluate(replace(request, person_column="camera"))
