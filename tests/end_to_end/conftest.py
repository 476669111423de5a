"""The folder in which the cases of ``command_cases`` run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from command_cases import make_working_folder

from utkage.models.multitask import MultiTaskNet


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    examples: Path,
    lively_network: Callable[[], MultiTaskNet],
) -> Path:
    """Inputs of every command, made once per module."""
    return make_working_folder(tmp_path_factory.mktemp("work"), examples, lively_network())
