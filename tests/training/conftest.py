"""Fixtures of small trainings and of what they draw."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure
from small_trainings import make_setup, small_backbone, uninterrupted

__all__ = ["make_setup", "small_backbone", "uninterrupted"]


@pytest.fixture
def saved_figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved."""
    figures: list[Figure] = []
    save = Figure.savefig

    def spy(self: Figure, *arguments: Any, **options: Any) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", spy)
    return figures
