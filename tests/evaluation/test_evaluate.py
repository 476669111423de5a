"""Requests that ``evaluate`` refuses, and small evaluations of a table of predictions."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from small_sets import write_set

from tools.docs.schemas import schema_path
from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.store import ChipStore
from utkage.evaluation.evaluate import evaluate
from utkage.evaluation.request import EvaluateRequest


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "dev"}, "`split` dev: choose one of train, val, test, all"),
        ({"threshold": 0}, "`threshold` 0"),
        ({"threshold": 117}, "`threshold` 117"),
        ({"max_false_pass": 0.1}, "`max_false_pass` needs a `threshold`"),
        ({"threshold": 18, "youngest": 13}, "`youngest` is for `max_false_pass` and `challenge`"),
        (
            {"threshold": 18, "max_false_pass": 0.1, "allow_seen": True},
            "training images say nothing about new faces",
        ),
        ({"threshold": 18, "youngest": 0}, "`youngest` is for `max_false_pass`"),
        ({"threshold": 18, "confidence": 0.99}, "`confidence` is for `max_false_pass`"),
        ({"challenge": (25,)}, "`challenge` needs a `threshold`"),
        ({"threshold": 18, "challenge": (17,)}, "`challenge` 17: use an age from the `threshold`"),
        ({"threshold": 18, "challenge": (25, 117)}, "`challenge` 117"),
        ({"threshold": 18, "demand": (0.5,)}, "`demand` is for `challenge`"),
        ({"threshold": 18, "challenge": (25,), "demand": (0.0,)}, "`demand` 0: use a number above"),
        ({"threshold": 18, "challenge": (25,), "demand": (1.01,)}, "`demand` 1.01"),
        ({"threshold": 18, "challenge": (25,), "demand": (float("nan"),)}, "`demand` nan"),
        ({"threshold": 18, "guarantee_by": ("race",)}, "`guarantee_by` is for"),
        ({"threshold": 18, "simulate": True}, "`simulate` is for"),
        ({"resamples": 99}, "`resamples` 99: use at least 100"),
        ({"stress": True, "stress_faces": 0}, "`stress_faces` 0: use 1 or more"),
        ({"stress_faces": 50}, "`stress_faces` is for `stress`"),
    ],
)
def test_impossible_requests(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        EvaluateRequest(**wrong)  # type: ignore[arg-type]


class Listener(SilentReporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A prepared set of 60 chips, and a table of predictions that are two years too old."""
    write_set(tmp_path / "set", 60)
    store = ChipStore.open(tmp_path / "set")
    faces = store.split("test")
    rows = zip(faces.sources, faces.names, faces.ages, faces.genders, strict=True)
    lines = [
        f'"{source.replace(chr(34), 2 * chr(34))}/{name}",{age + 2},{0.2 + 0.6 * gender}'
        for source, name, age, gender in rows
    ]
    path = tmp_path / "theirs.csv"
    path.write_text("\n".join(["file,age,p_female", *lines]), encoding="utf-8")
    return path


def test_a_table_is_scored(table: Path, tmp_path: Path) -> None:
    request = EvaluateRequest(
        weights=str(table), data=tmp_path / "set", out=tmp_path / "out", resamples=100
    )
    result = evaluate(request)
    assert (result.metrics.n, result.metrics.mae, result.metrics.bias) == (20, 2.0, 2.0)
    assert result.metrics.gender_accuracy == 1.0
    assert (result.split, result.card, result.unpredicted) == ("test", None, 0)
    assert result.confusion.sum() == 20
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert kept == json.loads(json.dumps(result.to_dict()))
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 20


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"threshold": 18}, r"has no P\(age >= 18\).*`challenge`"),
        ({"stress": True}, "`stress` needs weights"),
    ],
)
def test_wishes_that_a_table_cannot_fulfil(
    wish: dict[str, object], message: str, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(EvaluateRequest(weights=str(table), out=tmp_path / "out", **wish))  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_faces_without_a_prediction_are_counted(table: Path, tmp_path: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(lines[:-5]), encoding="utf-8")
    request = EvaluateRequest(
        weights=str(table), data=tmp_path / "set", out=tmp_path / "out", resamples=100
    )
    result = evaluate(request)
    assert (result.metrics.n, result.unpredicted) == (15, 5)


@pytest.mark.usefixtures("blank_figures")
def test_a_demand_is_chosen_for_a_table_or_the_faces_needed_are_named(
    table: Path, tmp_path: Path
) -> None:
    request = EvaluateRequest(
        weights=str(table),
        data=tmp_path / "set",
        out=tmp_path / "out",
        resamples=100,
        threshold=60,
        youngest=0,
        max_false_pass=0.5,
        confidence=0.6,
    )
    result = evaluate(replace(request, report=True, simulate=True))
    assert result.guarantee is not None
    assert result.guarantee.everyone.demand is not None
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert kept["guarantee"]["score"] == "estimated_age"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A demand with a guarantee" in page
    assert "At most 50 % of 0-59 pass" in (tmp_path / "out" / "model_card.md").read_text()
    with pytest.raises(DataError, match="at least 2,995 are needed"):
        evaluate(replace(request, max_false_pass=0.001, confidence=0.95))
    with pytest.raises(UsageError, match="choose from"):
        evaluate(replace(request, guarantee_by=("glasses",)))


@pytest.mark.usefixtures("blank_figures")
def test_challenge_ages_of_a_table_of_ages_and_of_one_with_probabilities(
    table: Path, tmp_path: Path
) -> None:
    request = EvaluateRequest(
        weights=str(table),
        data=tmp_path / "set",
        out=tmp_path / "out",
        resamples=100,
        threshold=18,
        challenge=(25, 20, 25),
        report=True,
    )
    listener = Listener()
    result = evaluate(request, listener)
    assert result.challenge is not None
    assert [rule.demand for rule in result.challenge.rules] == [20, 25]
    assert result.threshold is None
    assert any("has no P(age >= 18)" in warning for warning in listener.warnings)
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    adults = next(
        row for row in kept["challenge"]["groups"][0]["rows"] if row["kind"] == "false_challenge"
    )
    # Predictions are two years too old: of 18 and older, those under 23 are under 25.
    faces = ChipStore.open(tmp_path / "set").split("test")
    old = faces.ages[faces.ages >= 18]
    assert adults["shares"][1]["value"] == pytest.approx((old < 23).mean(), abs=1e-4)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Who passes at 18: challenge age 20, 25" in page
    assert (tmp_path / "out" / "pictures" / "challenge.png").is_file()
    assert "false challenge (FNR)" in (tmp_path / "out" / "model_card.md").read_text()
    lines = table.read_text(encoding="utf-8").splitlines()
    with_probability = [f"{line},18,0.7" for line in lines[1:]]
    table.write_text("\n".join([f"{lines[0]},threshold,p_at_least", *with_probability]))
    request = replace(request, report=False)
    known = evaluate(replace(request, demand=(0.9, 0.6)))
    assert known.challenge is not None
    assert [rule.demand for rule in known.challenge.rules] == [20, 25, 0.6, 0.9]
    assert known.challenge.missing == ""
    assert known.threshold is not None
    assert known.threshold.points[-1].false_fail.value == 1
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        assert {row["p_at_least"] for row in csv.DictReader(file)} == {"0.7000"}
    # Those for another age, or of a part of the faces, say nothing about 18.
    table.write_text(table.read_text().replace(",18,0.7", ",21,0.7"))
    assert evaluate(request).threshold is None
    with pytest.raises(UsageError, match=r"has no P\(age >= 18\)"):
        evaluate(replace(request, challenge=()))


def test_the_guaranteed_demand_stands_beside_the_challenge_ages(
    table: Path, tmp_path: Path
) -> None:
    request = EvaluateRequest(
        weights=str(table),
        data=tmp_path / "set",
        out=tmp_path / "out",
        resamples=100,
        threshold=60,
        youngest=0,
        max_false_pass=0.5,
        confidence=0.6,
        challenge=(65,),
    )
    result = evaluate(request)
    assert result.challenge is not None
    assert result.guarantee is not None
    demand = result.guarantee.everyone.demand
    assert demand is not None
    assert [rule.demand for rule in result.challenge.rules] == [65, demand.demand]
    minors = next(row for row in result.challenge.everyone.rows if row.kind == "false_pass")
    assert (minors.first, minors.last) == (0, 59)
    assert minors.shares[1].value == pytest.approx(demand.passing / demand.n)


@pytest.mark.usefixtures("blank_figures")
def test_challenge_ages_of_two_tables_side_by_side(table: Path, tmp_path: Path) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    other, genders = tmp_path / "others.csv", tmp_path / "genders.csv"
    rows = [line.rsplit(",", 2) for line in lines[1:]]
    older = [f"{name},{float(age) + 5},{female}" for name, age, female in rows]
    other.write_text("\n".join([lines[0], *older]), encoding="utf-8")
    genders.write_text(
        "\n".join(["file,p_female", *(f"{name},{female}" for name, _, female in rows)]),
        encoding="utf-8",
    )
    request = EvaluateRequest(
        weights=str(table),
        data=tmp_path / "set",
        out=tmp_path / "out",
        resamples=100,
        threshold=18,
        challenge=(25,),
        compare=(str(other), str(genders)),
        report=True,
    )
    listener = Listener()
    result = evaluate(request, listener)
    found = result.comparisons[0].challenge
    assert found is not None
    assert len(found.missing) == 2
    adults = next(row for row in found.rows if row.first.kind == "false_challenge")
    ages = ChipStore.open(tmp_path / "set").split("test").ages
    old = ages[ages >= 18]
    assert adults.first.shares[0].value == pytest.approx((old + 2 < 25).mean())
    assert adults.second.shares[0].value == pytest.approx((old + 7 < 25).mean())
    assert result.comparisons[1].challenge is None
    assert any("genders.csv: no estimated ages" in warning for warning in listener.warnings)
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())["comparisons"]
    assert kept[0]["challenge"]["rules"] == [{"score": "estimated_age", "demand": 25}]
    assert kept[1]["challenge"] is None
    assert "challenge age 25, on the same faces" in (tmp_path / "out" / "report.html").read_text()


def test_several_data_sets_and_tables_side_by_side(table: Path, tmp_path: Path) -> None:
    """Pictures of both sets have the same names, so that tables must name the set."""
    write_set(tmp_path / "more", 45, seed=1)
    rows = []
    for name in ("set", "more"):
        faces = ChipStore.open(tmp_path / name).split("test")
        columns = (faces.sources, faces.names, faces.ages, faces.genders)
        rows += [
            (f"{name}/{source}/{file}", int(age), 0.2 + 0.6 * gender)
            for source, file, age, gender in zip(*columns, strict=True)
        ]
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    for path, bias, kept in ((first, 2, rows), (second, 5, rows[:-4])):
        with path.open("w", newline="", encoding="utf-8") as file:
            own = [(name, age + bias, female) for name, age, female in kept]
            csv.writer(file).writerows([("file", "predicted_age", "p_female"), *own])
    request = EvaluateRequest(
        weights=str(first),
        data=tmp_path / "set",
        further_data=(tmp_path / "more",),
        out=tmp_path / "out",
        resamples=100,
        compare=(str(second), str(first)),
    )
    result = evaluate(request)
    assert (result.metrics.n, result.split, result.metrics.mae) == (35, None, 2.0)
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert kept["data"] == f"{tmp_path / 'set'}, {tmp_path / 'more'}"
    found = kept["side_by_side"]
    schema = json.loads(schema_path("side-by-side.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(found)
    sources = sorted({row["source"] for row in found["sources"]})
    assert len(sources) == 4
    assert sources[0].startswith("more/")
    for mean in found["means"]:
        assert mean["sources"] == sources
        assert {key: mean["differences"][2][key] for key in ("value", "low", "high")} == {
            "value": 0,
            "low": 0,
            "high": 0,
        }
    (ages,) = [mean for mean in found["means"] if mean["metric"] == "mae"]
    assert [each["value"] for each in ages["values"]] == [2, 5, 2]
    assert sum(row["n"] for row in found["predicted"]) == 2 * 35
    lacking = [row["n"] - row["predicted"][1] for row in found["predicted"]]
    assert sum(lacking) == 2 * 4
    with pytest.raises(DataError, match="one row fits both"):
        evaluate(replace(request, weights=str(table)))
