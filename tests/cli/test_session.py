"""Every error is one line that says what, which file and what to do; exit codes as documented."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from one_line_errors import assert_one_line_error
from safetensors.numpy import save_file

from utkage.cli.session import session
from utkage.core.errors import ConfigError, DataError, ExitCode, ParityError
from utkage.core.signals import Stopped

Invoke = Callable[..., Any]


def test_weights_that_are_missing(invoke: Invoke, examples: Path) -> None:
    result = invoke("predict", examples / "portrait.jpg", "--weights", "none.safetensors")
    assert_one_line_error(result, 2, "none.safetensors")


def test_weights_of_another_program(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    save_file({"layer": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    result = invoke("predict", examples / "portrait.jpg", "--weights", "other.safetensors")
    assert_one_line_error(result, 1, "other.safetensors", "not a utkage weights file")


def test_weights_that_are_no_safetensors(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"pickle?" * 10)
    result = invoke("info", "w.safetensors")
    assert_one_line_error(result, 1, "w.safetensors", "utkage train")


def test_debug_keeps_the_traceback(invoke: Invoke) -> None:
    result = invoke("info", "none.safetensors", "--debug")
    assert result.exit_code == 2, "as without --debug"
    assert "Traceback" in result.stderr
    assert "UsageError" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("a.tar: damaged;\n  download it again"), 1, "a.tar: damaged; download it again"),
        (ConfigError("`val` 2: use a fraction"), 2, "val 2: use a fraction"),
        (ParityError("a.onnx: not written"), 4, "a.onnx: not written"),
        (FileNotFoundError(2, "No such file", "x.jpg"), 1, "x.jpg: No such file"),
        (OSError("no room"), 1, "no room"),
        (KeyError("age"), 1, "unexpected KeyError: 'age'; run again with --debug"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Stopped(signal.SIGTERM), 143, "stopped by SIGTERM"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        with session():
            raise error

    with pytest.raises(typer.Exit) as caught:
        fail()
    assert caught.value.exit_code == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_a_body_that_ends_by_itself_keeps_its_exit_code() -> None:
    def leave() -> None:
        with session():
            raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)

    with pytest.raises(typer.Exit) as caught:
        leave()
    assert caught.value.exit_code == 3


def test_an_error_that_replaces_an_interrupt_is_the_interrupt(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def load() -> None:
        with session():
            try:
                signal.raise_signal(signal.SIGTERM)
            except KeyboardInterrupt as error:
                raise ImportError("a part failed to import") from error

    with pytest.raises(typer.Exit) as caught:
        load()
    assert caught.value.exit_code == 143
    assert capsys.readouterr().err == "error: stopped by SIGTERM\n"


def test_pillow_prints_nothing_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import TiffImagePlugin

    before = logging.getLogger("PIL").level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            with session():
                warnings.warn_explicit(
                    "Tag data larger than file", UserWarning, "x.py", 946, TiffImagePlugin.__name__
                )
                logging.getLogger(TiffImagePlugin.__name__).error("More samples per pixel")
            shown = capsys.readouterr()
            assert (shown.out, shown.err) == ("", "")
    finally:
        logging.getLogger("PIL").setLevel(before)


def test_a_working_directory_that_is_gone(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    result = invoke("predict", "portrait.jpg", "--csv")
    assert_one_line_error(result, 1, "the working directory does not exist any more")
