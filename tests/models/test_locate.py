import os
from pathlib import Path

import pytest

from utkage.core.errors import UsageError, WeightsError
from utkage.models import locate
from utkage.models.locate import (
    BEST_NAME,
    newest_run_weights,
    resolve_weights,
    run_path,
    shipped_weights,
)
from utkage.models.weights_files import LoadedWeights


def finished(run: Path, when: int) -> Path:
    run.mkdir(parents=True)
    path = run / BEST_NAME
    path.write_bytes(b"x")
    os.utime(path, (when, when))
    return path


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "package"
    path = package / "shipped" / locate.SHIPPED_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    monkeypatch.setattr(locate, "files", lambda name: package)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_auto_finds_the_most_recently_written_run(here: Path, shipped: Path) -> None:
    finished(here / "runs" / "b-old", 1_000)
    newest = finished(here / "runs" / "a-new", 3_000)
    finished(here / "runs" / "c-middle", 2_000)
    (here / "runs" / "unfinished").mkdir()
    (here / "runs" / "note.txt").write_text("x")
    found = resolve_weights("auto")
    assert found.path.resolve() == newest.resolve()
    assert "newest run" in found.origin


def test_auto_falls_back_to_the_shipped_weights(here: Path, shipped: Path) -> None:
    assert resolve_weights("auto") == LoadedWeights(shipped, "shipped with utkage")
    (here / "runs" / "unfinished").mkdir(parents=True)
    assert newest_run_weights() is None
    assert resolve_weights("auto").path == shipped


def test_shipped_means_shipped(here: Path, shipped: Path) -> None:
    finished(here / "runs" / "a", 1_000)
    assert resolve_weights("shipped").path == shipped == shipped_weights()


def test_an_installation_without_weights_is_reported(here: Path, shipped: Path) -> None:
    shipped.unlink()
    for choice in ("auto", "shipped"):
        with pytest.raises(WeightsError, match="no shipped weights; install it again"):
            resolve_weights(choice)


def test_files_and_run_folders(here: Path) -> None:
    best = finished(here / "runs" / "mine", 1_000)
    assert resolve_weights("runs/mine") == LoadedWeights(
        Path("runs/mine") / BEST_NAME, "best of this run"
    )
    assert resolve_weights(str(best)) == LoadedWeights(best, "as given")


def test_latest_is_the_newest_run_or_an_error(here: Path, shipped: Path) -> None:
    with pytest.raises(UsageError, match=r"`weights=latest`: no run .* train first"):
        resolve_weights("latest")
    newest = finished(here / "runs" / "a", 1_000)
    assert resolve_weights("latest").path.resolve() == newest.resolve()


def test_a_run_goes_by_its_name(here: Path) -> None:
    finished(here / "runs" / "mine", 1_000)
    assert resolve_weights("mine") == LoadedWeights(
        Path("runs/mine") / BEST_NAME, "best of this run"
    )
    # A file or folder of this name comes first.
    own = finished(here / "mine", 2_000)
    assert resolve_weights("mine").path.resolve() == own.resolve()
    with pytest.raises(UsageError, match=r"other: no such weights file, and no run runs/other"):
        resolve_weights("other")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("second", "runs/second"),
        ("./second", "second"),
        ("out/second", "out/second"),
        ("here-already", "here-already"),
        ("..", ".."),
    ],
)
def test_names_and_paths_of_runs(here: Path, choice: str, expected: str) -> None:
    (here / "here-already").mkdir()
    assert run_path(choice) == Path(expected)
    absolute = str(here / "second")
    assert run_path(absolute) == Path(absolute)


def test_missing_files_are_reported(here: Path) -> None:
    with pytest.raises(UsageError, match=r"other\.safetensors: no such weights file"):
        resolve_weights("other.safetensors")
    (here / "folder").mkdir()
    with pytest.raises(UsageError, match=r"folder: no best\.safetensors"):
        resolve_weights("folder")
