"""Lines on stderr where somebody reads them."""

import sys
from types import ModuleType

import pytest

from utkage.core import line_reporter
from utkage.core.line_reporter import LineReporter, default_reporter
from utkage.core.reporter import SilentReporter


@pytest.mark.parametrize(
    ("terminal", "notebook", "kind"),
    [
        (True, False, LineReporter),
        (False, True, LineReporter),
        (False, False, SilentReporter),
    ],
)
def test_progress_is_shown_in_a_terminal_and_in_a_notebook(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, notebook: bool, kind: type
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    if notebook:
        monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    else:
        monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert type(default_reporter()) is kind


def test_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(line_reporter, "LINE_SECONDS", 0.0)
    reporter = LineReporter()
    reporter.warn("use `epochs=3`")
    with reporter.progress("epoch 1/2", 4) as task:
        task.advance(2, "loss 3")
    warning, line = capsys.readouterr().err.splitlines()
    assert warning == "warning: use epochs=3"
    assert line.startswith("epoch 1/2: 2 of 4, about 0 s left, loss 3")
