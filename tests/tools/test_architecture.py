"""The paths and names in docs/architecture.md exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FENCES = re.compile(r"```.*?```|``.*?``", re.DOTALL)
PATH = re.compile(r"[a-z_0-9]+(/[a-z_0-9]+)+(\.py|\.js|/)?|[a-z_0-9]+\.py|[a-z_0-9]+/")
# A name inside a module: ``core.files.replacing`` or ``models/systems.SYSTEMS``.
MEMBER = re.compile(
    r"([a-z_0-9./]+)\.(?!toml$|jsonl?$|csv$|html$|md$|safetensors$|py$|js$|j2$|modules$)(\w+)"
)
NAME = re.compile(r"[A-Z][A-Za-z]+|[A-Z_]{4,}")


@pytest.fixture(scope="module")
def spans(repository: Path) -> set[str]:
    text = FENCES.sub("", (repository / "docs" / "architecture.md").read_text(encoding="utf-8"))
    return set(re.findall(r"`([^`]+)`", text))


def test_paths(repository: Path, spans: set[str]) -> None:
    package = repository / "src" / "utkage"
    paths = [span for span in spans if PATH.fullmatch(span)]
    assert len(paths) > 30
    for path in paths:
        places = [repository / path, package / path, package.parent / path]
        found = any(place.exists() for place in places) or [
            *package.rglob(path.rstrip("/")),
            *(repository / "tools").rglob(path.rstrip("/")),
        ]
        assert found, f"there is no {path}"


def test_names(repository: Path, spans: set[str]) -> None:
    sources = {
        path.relative_to(repository / "src" / "utkage").with_suffix("").as_posix(): path.read_text(
            encoding="utf-8"
        )
        for path in (repository / "src" / "utkage").rglob("*.py")
    }
    names = [span for span in spans if NAME.fullmatch(span)]
    assert len(names) > 20
    for name in names:
        assert any(name in text for text in sources.values()), f"there is no {name}"
    members = [match for span in spans if (match := MEMBER.fullmatch(span))]
    assert len(members) > 20
    for match in members:
        module, name = match[1].replace(".", "/"), match[2]
        as_module = f"{module}/{name}".removeprefix("utkage/")
        assert as_module in sources or any(
            name in text for path, text in sources.items() if f"/{path}".endswith(f"/{module}")
        ), f"there is no {match[0]}"
