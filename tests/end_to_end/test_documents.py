"""What the documents say is what the program does."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tools.docs.__main__ import BLOCKS, fresh_document
from utkage import __version__
from utkage.cli.app import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def _documented(page: str, heading: str) -> list[str]:
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


@pytest.fixture
def formats(repository: Path) -> str:
    return (repository / "docs" / "formats.md").read_text(encoding="utf-8")


def test_rows_of_predict(formats: str) -> None:
    from utkage.prediction.rows import FaceRow, TrackRow

    assert _documented(formats, "`predict --json`") == list(FaceRow.field_names())
    assert _documented(formats, "`predict` for videos") == list(TrackRow.field_names())


def test_object_of_evaluate(
    formats: str, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.examples.demo_set import make_demo_set

    make_demo_set(examples / "faces", tmp_path / "chips", 12, 3)
    monkeypatch.chdir(tmp_path)
    arguments = ["evaluate", "--data", "chips", "--weights", "shipped", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert list(json.loads(result.stdout)) == _documented(
        formats, "`evaluate --json` and `metrics.json`"
    )


@pytest.mark.parametrize("document", BLOCKS)
def test_generated_blocks_are_current(document: str) -> None:
    text, fresh = fresh_document(document, check=True)
    assert fresh == text


def test_backbones_are_those_of_the_registry(repository: Path) -> None:
    from utkage.models.registry import BACKBONES
    from utkage.models.stages import parameter_stages

    page = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| (\d+) \| ([\d,]+) \| \d+ \| (\d+) \|", page, re.MULTILINE)
    measured = []
    for name, spec in BACKBONES.items():
        module = spec.build()
        parameters = sum(parameter.numel() for parameter in module.parameters())
        stages = len(parameter_stages(module))
        measured.append((name, str(spec.features), f"{parameters:,}", str(stages)))
    assert table == measured


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the documentation site make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    counts: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        anchors.add(f"{anchor}-{counts[anchor]}" if counts[anchor] else anchor)
        counts[anchor] += 1
    return anchors


def test_links_between_documents_lead_somewhere(repository: Path) -> None:
    pages = [
        *repository.glob("*.md"),
        *(repository / "docs").rglob("*.md"),
        repository / "examples" / "README.md",
    ]
    broken = []
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if "://" in link or link.startswith("mailto:"):
                continue
            missing = not target.exists() or (
                anchor and target.suffix == ".md" and anchor not in _anchors(target)
            )
            if missing:
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_the_site_lists_every_page_once(repository: Path) -> None:
    site = tomllib.loads((repository / "zensical.toml").read_text(encoding="utf-8"))

    def pages(entries: list[Any]) -> list[str]:
        found: list[str] = []
        for entry in entries:
            ((_, value),) = entry.items()
            found += [value] if isinstance(value, str) else pages(value)
        return found

    listed = pages(site["project"]["nav"])
    docs = repository / "docs"
    assert sorted(listed) == sorted(
        path.relative_to(docs).as_posix() for path in docs.rglob("*.md")
    )


def test_the_citation_names_this_version(repository: Path) -> None:
    lines = (repository / "CITATION.cff").read_text().splitlines()
    assert f"version: {__version__}" in lines


def test_workflows_use_targets_of_the_makefile(repository: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    used: set[str] = set()
    for workflow in (repository / ".github" / "workflows").glob("*.yml"):
        used |= set(re.findall(r"run: make ([\w-]+)", workflow.read_text()))
    assert used >= {"test", "demo", "predict-only"}
    assert used <= targets
