"""The code of documents and notebooks runs, or the page says why it does not."""

from __future__ import annotations

import ast
import csv
import shutil
import tarfile
import tempfile
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

import pytest
from document_code import (
    CODE,
    OTHERS,
    PYTHON,
    CodeBlock,
    blocks_of,
    check_arguments,
    inline_commands,
    notebook_cells,
    run_block,
    run_cell,
    utkage_arguments,
)
from typer.testing import CliRunner

import utkage
from tools.documents import DOCS, ROOT
from tools.examples.clip import write_clip
from tools.examples.demo_set import make_demo_set
from utkage.cli.app import app
from utkage.images.decode import load_image
from utkage.models.locate import shipped_weights

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
TUTORIALS = [page for page in PAGES if page.parent.name == "tutorials"]
FACES = 48


def _id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _running(page: Path) -> list[CodeBlock]:
    return [block for block in blocks_of(page) if block.language in CODE and not block.mark]


@pytest.fixture(scope="module")
def inputs(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages say that a reader has."""
    folder = tmp_path_factory.mktemp("inputs")
    shutil.copytree(examples, folder / "examples")
    make_demo_set(examples / "faces", folder / "UTKFace", FACES, 1)
    shutil.copytree(folder / "UTKFace", folder / "faces")
    labels, others = [], []
    for index, path in enumerate(sorted((folder / "faces").iterdir())):
        age, gender = path.name.split("_")[:2]
        columns = (("yes", "no")[index % 2], ("dark", "light")[index % 3 > 0], index // 2)
        labels.append((path.name, age, ("male", "female")[int(gender)], *columns))
        others.append((path.name, int(age) + 3, 0.9 if gender == "1" else 0.2))
    header = ("path", "age", "gender", "glasses", "skin_tone", "subject")
    for place in (folder, folder / "faces"):
        _write_csv(place / "labels.csv", header, labels)
    _write_csv(folder / "theirs.csv", ("file", "predicted_age", "p_female"), others)
    for name in ("a.jpg", "b.jpg", "photos/1.jpg", "extra/one.jpg", "holiday/1.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(examples / "portrait.jpg", folder / name)
    for name in ("clip.mp4", "clips/1.mp4", "holiday/2.mp4"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_clip(folder / name, load_image(examples / "portrait.jpg"), 10, size=160)
    (folder / "shards").mkdir()
    with tarfile.open(folder / "shards" / "0.tar", "w") as shard:
        shard.add(folder / "a.jpg", "a.jpg")
    for name in ("a.safetensors", "b.safetensors", "runs/mine/best.safetensors"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(shipped_weights(), folder / name)
    arguments = ["prepare", str(folder / "faces"), "--out", str(folder / "prepared"), "--quiet"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return folder


def _write_csv(path: Path, header: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture
def workplace(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if _running(page)], ids=_id)
def test_the_code_of_a_page_runs(page: Path, workplace: Path) -> None:
    names: dict[str, object] = {}
    for block in _running(page):
        run_block(block, names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=_id)
def test_a_notebook_runs(
    notebook: Path,
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # As Jupyter does, in the folder of the notebook.
    monkeypatch.chdir(workplace / "examples")
    monkeypatch.setattr(tempfile, "tempdir", str(workplace))
    names: dict[str, object] = {}
    shown = [run_cell(cell["source"], names) for cell in notebook_cells(notebook)]
    pages = [value._repr_html_() for value in shown if hasattr(value, "_repr_html_")]
    assert len(pages) >= 2
    assert all("<table" in page for page in pages)
    assert "data:image" in pages[0]
    assert "gender: 100%" in capsys.readouterr().out


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=_id)
def test_a_notebook_is_stored_without_outputs(notebook: Path) -> None:
    assert all(cell["outputs"] == [] for cell in notebook_cells(notebook))
    assert all(cell["execution_count"] is None for cell in notebook_cells(notebook))


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_every_block_has_a_language_and_code_that_does_not_run_a_reason(page: Path) -> None:
    for block in blocks_of(page):
        assert block.language in (*CODE, *OTHERS), f"{block.place}: name the language of the block"
        assert not block.mark or block.language in CODE, f"{block.place}: is no code"
        kind, _, reason = block.mark.partition(" by " if "run by" in block.mark else ": ")
        if kind == "run":
            text = (ROOT / reason).read_text(encoding="utf-8")
            assert "def test_" in text, f"{block.place}: {reason} has no test"
        elif block.mark:
            assert len(reason) > 5, f"{block.place}: say why it is not run"


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_commands_that_do_not_run_parse(page: Path) -> None:
    commands = inline_commands(page)
    for block in blocks_of(page):
        # Scripts have variables for values; theirs are run by tests of their own.
        if block.mark and block.language in ("sh", "console"):
            commands += block.commands()
    for command in commands:
        arguments = utkage_arguments(command)
        try:
            if arguments:
                check_arguments(arguments)
        except Exception as error:
            pytest.fail(f"{page.name}: {' '.join(command)}: {error!r}")


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_python_imports_and_calls_what_exists(page: Path) -> None:
    """Every block is Python, its imports of utkage exist, and so do the fields that it sets."""
    for block in blocks_of(page):
        if block.language != PYTHON:
            continue
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("utkage"):
                module = import_module(str(node.module))
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not missing, f"{block.place}: {node.module} has no {missing}"
            if isinstance(node, ast.Call):
                kind = getattr(utkage, _called(node.func), None)
                if isinstance(kind, type) and is_dataclass(kind):
                    wrong = {keyword.arg for keyword in node.keywords} - {
                        f.name for f in fields(kind)
                    }
                    assert not wrong, f"{block.place}: {kind.__name__} has no {wrong}"


def _called(function: ast.expr) -> str:
    """The last part of a called name, such as ``TrainRequest``."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


def test_every_tutorial_has_commands_and_python() -> None:
    assert len(TUTORIALS) >= 3
    for page in TUTORIALS:
        assert {block.language for block in _running(page)} == {"sh", "python"}, page.name


@pytest.mark.parametrize(
    "line",
    ["utkage bake", "utkage predict --oven 3", "utkage predict --threshold hot", "utkage --bake"],
)
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(Exception, match=r"bake|oven|integer"):
        check_arguments(utkage_arguments(line.split()))


def test_a_block_that_is_not_run_needs_its_mark_directly_above(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- not run: why -->\n```sh\na \\\n  b # c\n```\n\n```console\n$ d\ne\n```\n")
    first, second = blocks_of(page)
    assert (first.mark, list(first.commands())) == ("not run: why", [["a", "b"]])
    assert (second.mark, list(second.commands())) == ("", [["d"]])
    assert second.place == "page.md:7"
