"""The folder in which the cases of ``command_cases`` run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command_cases import BACKBONE, make_working_folder

from utkage.models.multitask import MultiTaskNet


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    examples: Path,
    lively_network: Callable[[str], MultiTaskNet],
    made_once: Callable[[str, Callable[[Path], object]], Path],
) -> Path:
    """Inputs of every command, a copy for each module."""
    made = made_once(
        "working-folder",
        lambda empty: make_working_folder(empty, examples, lively_network(BACKBONE)),
    )
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("work"), dirs_exist_ok=True))
