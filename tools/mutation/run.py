"""Run mutmut on a copy of the repository, and count what its tests notice.

mutmut forks a process that has imported everything for each mutant. Code that runs while a module
is imported, such as the functions that build the table of metrics, has run before that. Where no
mutant of a function is noticed, its mutants are therefore tried again, each in a new process.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from tools.documents import ROOT
from tools.mutation.areas import AREAS, SLOW_TESTS, Area

_COPIED = ("src", "tests", "tools", "examples", "docs", "README.md", "LICENSE", "pyproject.toml")
# Exit codes of pytest, as mutmut keeps them: failed, and failed in an internal error.
_CAUGHT = (1, 3)
_NOT_COLLECTED = 2
_TIMEOUTS = (36, 24, -24, 152, 255)
_SECONDS = 120
_FEW = "utkage.data.split.x_merge_splits*"


@dataclass(frozen=True)
class Mutant:
    """One changed version of a function.

    Attributes:
        name: Name for ``mutmut show``.
        area: Name of its area.
        exit_code: What its tests ended with; None if it was not tried.
    """

    name: str
    area: str
    exit_code: int | None

    @property
    def function(self) -> str:
        """Module and name of the function."""
        return self.name.rpartition("__mutmut_")[0]

    @property
    def is_caught(self) -> bool:
        """Whether a test failed, or ran for so long that the mutant is an endless loop."""
        return self.exit_code in (*_CAUGHT, *_TIMEOUTS)


def run_mutants(folder: Path, processes: int, sample: int | None = None) -> list[Mutant]:
    """Try the mutants of all areas; those that an earlier run in ``folder`` has caught stay caught.

    With ``sample``, so many mutants of each area, chosen at random, are tried and returned.
    """
    _copy_repository(folder)
    # mutmut makes all mutants before it tries those that are named.
    _mutmut(folder, processes, [_FEW])
    known = _found(folder)
    chosen = {mutant.name for area in AREAS for mutant in _sample(known, area, sample)}
    _mutmut(folder, processes, [m.name for m in known if m.name in chosen and not m.is_caught])
    known = _found(folder)
    noticed = {mutant.function for mutant in known if mutant.is_caught}
    return [
        mutant if mutant.function in noticed else _in_new_process(folder, mutant)
        for mutant in known
        if mutant.name in chosen
    ]


def _sample(mutants: list[Mutant], area: Area, size: int | None) -> list[Mutant]:
    own = [mutant for mutant in mutants if mutant.area == area.name]
    return own if size is None else random.Random(0).sample(own, min(size, len(own)))


def _mutmut(folder: Path, processes: int, names: list[str]) -> None:
    if names:
        _run(folder, "-m", "mutmut", "run", "--max-children", str(processes), *names)


def _copy_repository(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _COPIED:
        # Times of files stay, so mutmut recognises what has not changed.
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, folder / name)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/utkage/{each}" for area in AREAS for each in area.modules],
        "pytest_add_cli_args_test_selection": [
            f"tests/{each}" for area in AREAS for each in area.tests
        ],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-k", SLOW_TESTS],
        "also_copy": [name for name in _COPIED if name != "src"],
        # PyTorch does not survive a fork of a process that has computed.
        "process_isolation": "forkserver",
        "use_git_change_detection": False,
    }
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + tomli_w.dumps({"tool": {"mutmut": settings}}))


def _found(folder: Path) -> list[Mutant]:
    """All mutants with their results, as mutmut keeps them beside the mutated sources."""
    sources = folder / "mutants" / "src" / "utkage"
    found: list[Mutant] = []
    for area in AREAS:
        for pattern in area.modules:
            for path in sorted(sources.glob(f"{pattern}.meta")):
                codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
                found += [Mutant(name, area.name, code) for name, code in codes.items()]
    return found


def _in_new_process(folder: Path, mutant: Mutant) -> Mutant:
    (area,) = (each for each in AREAS if each.name == mutant.area)
    tests = [f"tests/{each}" for each in area.tests]
    arguments = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", SLOW_TESTS, *tests)
    code = _run(folder / "mutants", *arguments, MUTANT_UNDER_TEST=mutant.name)
    # The tests cannot even be collected if the import of the mutant fails.
    code = _CAUGHT[0] if code == _NOT_COLLECTED else code
    return Mutant(mutant.name, mutant.area, code)


def _run(folder: Path, *arguments: str, **environment: str) -> int:
    """The exit code of Python with these arguments in ``folder``, with the sources there."""
    path = os.pathsep.join([str(folder / "src"), str(folder), os.environ.get("PYTHONPATH", "")])
    # Compiled tests are kept, because every mutant imports them again.
    single = {"OMP_NUM_THREADS": "1", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
    # Of a single mutant, only the exit code matters.
    quiet = subprocess.DEVNULL if "MUTANT_UNDER_TEST" in environment else None
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, **single, **environment},
            stdout=quiet,
            stderr=quiet,
            check=False,
            timeout=_SECONDS if quiet else None,
        )
    except subprocess.TimeoutExpired:
        return _TIMEOUTS[0]
    return done.returncode


def counts(mutants: list[Mutant]) -> Mapping[str, tuple[int, int]]:
    """Number of mutants that were tried and of those that are caught, by area."""
    tried = [mutant for mutant in mutants if mutant.exit_code is not None]
    return {
        area.name: (len(own), sum(mutant.is_caught for mutant in own))
        for area in AREAS
        if (own := [mutant for mutant in tried if mutant.area == area.name])
    }


def modules_text(area: Area) -> str:
    """The modules of an area for the table."""
    return ", ".join(f"`{each}`" for each in area.modules)
