"""What people see on stderr: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import io

import pytest
import typer
from rich.console import Console

from utkage.cli.console import ConsoleReporter, print_line
from utkage.cli.session import session
from utkage.core import line_reporter


def _reporter(*, terminal: bool, quiet: bool = False) -> tuple[ConsoleReporter, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100)
    return ConsoleReporter(console, quiet=quiet), stream


def test_plain_lines_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reporter, "LINE_SECONDS", 0.0)
    reporter, stream = _reporter(terminal=False)
    with reporter.progress("reading", 4) as task:
        task.advance(1, "one [note]")
    reporter.warn("look [here]")
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("reading: 1 of 4, about ")
    assert lines[0].endswith("one [note]")
    assert lines[1] == "warning: look [here]"
    assert "\x1b" not in stream.getvalue()


def test_a_short_task_says_nothing() -> None:
    reporter, stream = _reporter(terminal=False)
    with reporter.progress("reading", 4) as task:
        task.advance(4)
    assert stream.getvalue() == ""


def test_a_bar_on_a_terminal() -> None:
    reporter, stream = _reporter(terminal=True)
    with reporter.progress("reading", 4) as task:
        task.advance(2, "half")
    assert "reading" in stream.getvalue()


def test_the_remaining_time_fits_80_columns() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    with ConsoleReporter(console, quiet=False).progress("epoch 12/50", 400) as task:
        task.advance(40, "0:07:27 left, loss 5.141, best MAE 31.84, and more of it, which is cut")
    line = next(line for line in stream.getvalue().splitlines() if "0:07:27" in line)
    assert "0:07:27 left, loss 5.141, best MAE 31.84" in line
    assert "…" in line
    # The time of the whole run is shown instead of that of the epoch.
    assert "ETA" not in line
    with ConsoleReporter(console, quiet=False).progress("reading", 400) as task:
        task.advance(40, "7 entries left")
    assert "ETA" in next(line for line in stream.getvalue().splitlines() if "7 entries" in line)


def test_plain_lines_have_one_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reporter, "LINE_SECONDS", 0.0)
    reporter, stream = _reporter(terminal=False)
    with reporter.progress("epoch 1/2", 4) as task:
        task.advance(1, "1 day, 0:07:27 left, loss 5.141")
        task.advance(1, "loss 5.141")
    first, second = stream.getvalue().splitlines()
    assert first == "epoch 1/2: 1 of 4, 1 day, 0:07:27 left, loss 5.141"
    assert "s left, loss 5.141" in second


def test_quiet_keeps_warnings_only() -> None:
    reporter, stream = _reporter(terminal=True, quiet=True)
    reporter.info("hello")
    with reporter.progress("reading", 4) as task:
        task.advance(4)
    assert stream.getvalue() == ""
    reporter.warn("careful")
    assert "careful" in stream.getvalue()


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "x.bin"), 1, "x.bin: No space left on device"),
        (ValueError("odd\nmore"), 1, "unexpected ValueError: odd; run again with --debug"),
    ],
)
def test_every_failure_is_one_line(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as caught, session():
        raise error
    assert caught.value.exit_code == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.replace("\n", " ").strip() == f"error: {message}" or message in shown.err
    assert len(shown.err.strip().splitlines()) == 1


def test_messages_show_control_characters_and_names_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_line(Console(stderr=True), "a\x1b[31m :smile: [bold].jpg")
    assert capsys.readouterr().err == "a\\x1b[31m :smile: [bold].jpg\n"
