"""The files of docs/scale: their syntax, their fields, and the commands that they run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="scripts of POSIX")


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "docs" / "scale"


@pytest.fixture(scope="module")
def job(folder: Path) -> Any:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((folder / "indexed-job.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def path_of_stub(tmp_path: Path) -> str:
    """A ``utkage`` that writes down its arguments and exits with the code in ``CODE``."""
    stub = tmp_path / "bin" / "utkage"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/arguments"\nexit "$CODE"\n')
    stub.chmod(0o755)
    return f"{stub.parent}{os.pathsep}{os.environ['PATH']}"


def run(arguments: list[str], path: str, **variables: str) -> int:
    return subprocess.run(arguments, env={"PATH": path, **variables}, check=False).returncode


def arguments_of(tmp_path: Path) -> dict[str, str]:
    """The options that the stub got, with their values."""
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[0] == "predict"
    assert "--resume" in arguments
    return dict(pairwise(arguments))


def test_the_page_shows_the_files(repository: Path, folder: Path) -> None:
    page = (repository / "docs" / "scale.md").read_text(encoding="utf-8")
    for name in ("slurm-array.sh", "indexed-job.yaml"):
        assert f"](scale/{name})" in page
        assert f"\n{(folder / name).read_text(encoding='utf-8')}```\n" in page


def test_shell_scripts_are_clean(folder: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.defpath}")
    for script in folder.glob("*.sh"):
        subprocess.run(["bash", "-n", script], check=True)
        if shellcheck is not None:
            subprocess.run([shellcheck, script], check=True)


def test_the_slurm_array_has_one_task_for_each_shard(folder: Path) -> None:
    text = (folder / "slurm-array.sh").read_text(encoding="utf-8")
    array = re.search(r"^#SBATCH --array=0-(\d+)$", text, re.MULTILINE)
    shards = re.search(r"^SHARDS=(\d+)$", text, re.MULTILINE)
    assert array is not None
    assert shards is not None
    assert int(array[1]) + 1 == int(shards[1])


@pytest.mark.parametrize(("code", "expected"), [("0", 0), ("3", 0), ("2", 2), ("143", 143)])
def test_a_slurm_task(
    folder: Path, tmp_path: Path, path_of_stub: str, code: str, expected: int
) -> None:
    variables = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_CPUS_PER_TASK": "8", "CODE": code}
    found = run(["bash", str(folder / "slurm-array.sh")], path_of_stub, **variables)
    assert found == expected
    arguments = arguments_of(tmp_path)
    assert (arguments["--shard"], arguments["--workers"]) == ("7/100", "8")
    assert arguments["--out"] == "/data/rows/rows-7.jsonl"


def test_a_slurm_script_outside_of_an_array_starts_nothing(
    folder: Path, tmp_path: Path, path_of_stub: str
) -> None:
    assert run(["bash", str(folder / "slurm-array.sh")], path_of_stub, CODE="0") != 0
    assert not (tmp_path / "arguments").exists()


def test_the_job_is_a_valid_indexed_job(job: Any) -> None:
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", job["metadata"]["name"])
    spec = job["spec"]
    known = {"completionMode", "completions", "parallelism", "backoffLimitPerIndex", "template"}
    assert set(spec) == known
    assert spec["completionMode"] == "Indexed"
    assert 0 < spec["parallelism"] <= spec["completions"] <= 100_000
    pod = spec["template"]["spec"]
    # The only policy that Kubernetes allows with a limit for each index.
    assert pod["restartPolicy"] == "Never"
    (container,) = pod["containers"]
    fields = {"name", "image", "command", "args", "env", "resources", "volumeMounts"}
    assert set(container) == fields
    assert all(isinstance(word, str) for word in (*container["command"], *container["args"]))
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert all(isinstance(value, str) for value in variables.values())
    assert int(variables["SHARDS"]) == spec["completions"]
    assert variables["WORKERS"] == container["resources"]["requests"]["cpu"]
    volumes = {each["name"]: each["persistentVolumeClaim"] for each in pod["volumes"]}
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    assert set(mounts) == set(volumes)
    assert all(each["mountPath"].startswith("/") for each in mounts.values())
    assert all(volume["claimName"] for volume in volumes.values())


@pytest.mark.parametrize(("code", "fails"), [("0", False), ("3", False), ("2", True)])
def test_a_pod(job: Any, tmp_path: Path, path_of_stub: str, code: str, *, fails: bool) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    arguments = [*container["command"], *container["args"]]
    found = run(arguments, path_of_stub, JOB_COMPLETION_INDEX="99", CODE=code, **variables)
    assert bool(found) == fails
    given = arguments_of(tmp_path)
    assert (given["--shard"], given["--workers"]) == ("99/100", "4")
    assert given["--out"] == "/rows/rows-99.jsonl"
