"""Every command and Python block of the tutorials runs, in their order, on drawn faces.

A block after ``<!-- not run: REASON -->`` is left out.
"""

from __future__ import annotations

import csv
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.documents import DOCS
from tools.examples.demo_set import make_demo_set
from utkage.cli.app import app

TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
FACES = 48
_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)\n```", re.DOTALL
)


@pytest.fixture(scope="module")
def faces(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "UTKFace"
    make_demo_set(examples / "faces", folder, FACES, 1)
    return folder


@pytest.fixture
def workplace(faces: Path, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the tutorials say that a reader has."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(faces, tmp_path / "UTKFace")
    shutil.copytree(faces, tmp_path / "faces")
    (tmp_path / "photos").mkdir()
    shutil.copy(examples / "portrait.jpg", tmp_path / "photos")
    labels, others = [], []
    for index, path in enumerate(sorted(faces.iterdir())):
        age, gender = path.name.split("_")[:2]
        labels.append((path.name, age, ("male", "female")[int(gender)], ("yes", "no")[index % 2]))
        others.append((path.name, int(age) + 3, 0.9 if gender == "1" else 0.2))
    _write_csv(tmp_path / "faces" / "labels.csv", ("path", "age", "gender", "glasses"), labels)
    _write_csv(tmp_path / "theirs.csv", ("file", "predicted_age", "p_female"), others)
    return tmp_path


def _write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def _blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and text of the blocks that run."""
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if found["reason"] is None and found["kind"] in ("sh", "python"):
            yield found["kind"], found["text"]


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_runs(page: Path, workplace: Path) -> None:
    names: dict[str, object] = {}
    for kind, text in _blocks(page):
        if kind == "python":
            exec(compile(text, str(page), "exec"), names)
            continue
        for line in text.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "utkage", f"{page.name}: mark this block as not run: {line}"
            done = CliRunner().invoke(app, arguments)
            assert done.exit_code == 0, f"{line}\n{done.output}"
    assert any(path.name not in ("UTKFace", "faces", "photos") for path in workplace.iterdir())


def test_every_tutorial_has_commands_and_python() -> None:
    assert len(TUTORIALS) >= 3
    for page in TUTORIALS:
        assert {kind for kind, _ in _blocks(page)} == {"sh", "python"}, page.name
