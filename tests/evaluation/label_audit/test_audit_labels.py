"""The list of suspicious labels, the page, and the way back into ``prepare``."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tools.examples.demo_set import make_demo_set
from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.data.labels import format_name, parse_name
from utkage.data.store import ChipStore
from utkage.evaluation.label_audit.audit_labels import (
    COLUMNS,
    LabelAuditRequest,
    Suspect,
    audit_labels,
)
from utkage.preparation.prepare import PrepareConfig, prepare

WRONG = 3


@pytest.fixture(scope="module")
def faces(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces, three of which have the age and gender of somebody else."""
    folder = tmp_path_factory.mktemp("labels") / "faces"
    paths = make_demo_set(examples / "faces", folder, 48, 2)
    adults = [path for path in paths if 25 <= int(path.name.split("_")[0]) <= 45]
    for number, path in enumerate(adults[:WRONG]):
        label = parse_name(path.name)
        wrong = type(label)(85, 1 - (label.gender or 0), label.race)
        path.rename(path.with_name(format_name(wrong, f"2018010100000000{number}")))
    return folder


@pytest.fixture(scope="module")
def audited(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audited") / "audit"
    audit_labels(LabelAuditRequest(data=faces, weights="shipped", out=out, worst=12))
    return out


def ages_table(path: Path, names: list[str]) -> str:
    """A table of predicted ages, which costs less than predictions."""
    lines = (f"{name},{40 + index % 3}" for index, name in enumerate(names))
    path.write_text("\n".join(["file,predicted_age", *lines]))
    return str(path)


def rows(path: Path) -> list[dict[str, str]]:
    with (path / "suspects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_wrong_labels_come_first(audited: Path) -> None:
    found = rows(audited)
    assert len(found) == 12
    assert tuple(found[0]) == COLUMNS
    for label in ("age", "gender"):
        named = [row["file"] for row in found if row["label"] == label]
        assert {name.split("_")[3][:4] for name in named[:WRONG]} == {"2018"}, label
    assert [row["p_wrong"] for row in found] == sorted(
        (row["p_wrong"] for row in found), key=float, reverse=True
    )
    assert {row["drop"] for row in found} == {""}


def test_the_page_shows_every_face_and_loads_nothing(audited: Path) -> None:
    page = (audited / "suspects.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 12
    assert "http://" not in page
    assert "https://" not in page
    for row in rows(audited):
        assert row["file"] in page


def test_prepare_leaves_out_what_a_person_marked(
    audited: Path, faces: Path, tmp_path: Path
) -> None:
    marked = tmp_path / "marked.csv"
    with marked.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows(audited):
            planted = row["file"].split("_")[3].startswith("2018")
            writer.writerow({**row, "drop": "yes" if planted else "no"})
    out = tmp_path / "prepared"
    prepare(PrepareConfig(sources=(faces,), out=out, drop=marked, workers=1))
    manifest = ChipStore.open(out).manifest
    dropped = [row for row in manifest if row.reason == "in the list of pictures to drop"]
    assert {row.record.name.split("_")[3][:4] for row in dropped} == {"2018"}
    assert 2 <= len(dropped) <= WRONG
    # Another list is another set, and so is none.
    assert prepare(PrepareConfig(sources=(faces,), out=out, drop=marked, workers=1)).unchanged
    assert not prepare(PrepareConfig(sources=(faces,), out=out, workers=1)).unchanged


def test_an_audit_replaces_an_audit_and_no_other_file(faces: Path, tmp_path: Path) -> None:
    table = ages_table(tmp_path / "theirs.csv", sorted(path.name for path in faces.iterdir()))
    request = LabelAuditRequest(data=faces, weights=table, out=tmp_path / "out", worst=1)
    audit_labels(request)
    audit_labels(request)
    (tmp_path / "out" / "suspects.csv").write_text("mine\n")
    with pytest.raises(UsageError, match=r"suspects\.csv"):
        audit_labels(request)
    assert (tmp_path / "out" / "suspects.csv").read_text() == "mine\n"


@pytest.mark.parametrize("mark", ["yes", "no"])
def test_an_audit_does_not_replace_the_marks_of_a_person(
    faces: Path, tmp_path: Path, mark: str
) -> None:
    table = ages_table(tmp_path / "theirs.csv", sorted(path.name for path in faces.iterdir()))
    request = LabelAuditRequest(data=faces, weights=table, out=tmp_path / "out", worst=2)
    audit_labels(request)
    path = tmp_path / "out" / "suspects.csv"
    path.write_text(f"{path.read_text().rstrip()}{mark}\n")
    marked = path.read_text()
    with pytest.raises(UsageError, match=r"suspects\.csv.*drop.*overwrite"):
        audit_labels(request)
    assert path.read_text() == marked
    audit_labels(replace(request, overwrite=True))
    assert {row["drop"] for row in rows(tmp_path / "out")} == {""}


def test_what_cannot_be_estimated_is_not_stated(faces: Path, tmp_path: Path) -> None:
    """Ages of another program that have nothing to do with the faces."""
    table = ages_table(tmp_path / "theirs.csv", sorted(path.name for path in faces.iterdir()))
    found = audit_labels(LabelAuditRequest(data=faces, weights=table, out=tmp_path / "out"))
    assert found.to_dict()["estimated_share_wrong"] == {"age": None}
    sentence = "These predictions cannot show how many age labels are wrong."
    assert found.share_texts == (sentence,)
    assert sentence in (tmp_path / "out" / "suspects.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("p_wrong", "text"),
    [(1.0, "> 99.9%"), (0.9995, "> 99.9%"), (0.123, "12.3%"), (0.0005, "0.1%"), (0.0, "< 0.1%")],
)
def test_no_label_is_certainly_right_or_wrong(p_wrong: float, text: str) -> None:
    assert Suspect("faces", "1.jpg", "age", "8", "60", p_wrong).probability == text


def test_labels_without_predictions_are_refused(faces: Path, tmp_path: Path) -> None:
    table = tmp_path / "theirs.csv"
    names = sorted(path.name for path in faces.iterdir())
    lines = ["file,gender", *(f"{name},male" for name in names)]
    table.write_text("\n".join(lines))
    request = LabelAuditRequest(data=faces, weights=str(table), out=tmp_path / "out")
    with pytest.raises((UsageError, DataError)):
        audit_labels(request)
    assert not list((tmp_path / "out").glob("suspects*"))


def test_further_columns_are_of_no_interest(faces: Path, tmp_path: Path) -> None:
    """``audit-labels`` has no option that would keep them."""
    folder = tmp_path / "faces"
    shutil.copytree(faces, folder)
    names = sorted(path.name for path in folder.iterdir())
    lines = [
        f"{name},{name.split('_')[0]},{'yes' if index % 2 else 'no'}"
        for index, name in enumerate(names)
    ]
    (folder / "labels.csv").write_text("\n".join(["path,age,glasses", *lines]))
    table = ages_table(tmp_path / "theirs.csv", names)
    heard: list[str] = []
    reporter = SilentReporter()
    reporter.warn = heard.append  # type: ignore[method-assign]
    audit_labels(LabelAuditRequest(data=folder, weights=table, out=tmp_path / "out"), reporter)
    assert not [message for message in heard if "keep_columns" in message]


def test_ages_of_another_program_are_enough(faces: Path, tmp_path: Path) -> None:
    table = ages_table(tmp_path / "theirs.csv", sorted(path.name for path in faces.iterdir()))
    found = audit_labels(LabelAuditRequest(data=faces, weights=table, out=tmp_path / "out"))
    assert {each.label for each in found.suspects} == {"age"}


@pytest.mark.parametrize("wrong", [{"worst": 0}, {"split": "half"}])
def test_impossible_requests_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        LabelAuditRequest(**wrong)  # type: ignore[arg-type]


def test_a_set_keeps_its_suspects_by_source(faces: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(faces, other)
    out = tmp_path / "prepared"
    prepare(PrepareConfig(sources=(faces, other), out=out, workers=1))
    names = sorted({row.record.name for row in ChipStore.open(out).manifest})
    table = ages_table(tmp_path / "theirs.csv", names)
    request = LabelAuditRequest(data=out, weights=table, out=tmp_path / "audit", worst=4)
    sources = {each.source for each in audit_labels(request).suspects}
    assert sources <= {row.record.source for row in ChipStore.open(out).manifest}
    assert sources
