"""Small prepared sets of chips, as several tests of ``prepare`` need them."""

from __future__ import annotations

from pathlib import Path

from utkage.data.sources.options import SourceOptions
from utkage.data.split import SplitConfig
from utkage.preparation.prepare import PrepareConfig, PrepareResult, prepare


def config_of(out: Path, *sources: Path, seed: int = 0, **options: object) -> PrepareConfig:
    """Settings for aligned chips of 32 pixels, with large validation and test splits."""
    values = {"options": SourceOptions(aligned=True), "workers": 2, **options}
    return PrepareConfig(
        sources=sources,
        out=out,
        chip_size=32,
        split=SplitConfig(seed, 0.3, 0.3),
        **values,  # type: ignore[arg-type]
    )


def run(source: Path, out: Path, seed: int = 0, **options: object) -> PrepareResult:
    """Prepare ``source`` into ``out``."""
    return prepare(config_of(out, source, seed=seed, **options))


def names(count: int) -> list[str]:
    """File names with valid labels, each of another age."""
    return [f"{age + 1}_{age % 2}_{age % 5}_{1000 + age}.jpg" for age in range(count)]


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Content of each file in ``folder``."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
