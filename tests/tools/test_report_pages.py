"""Every report page can be called, and its options do not hide those of the command."""

from __future__ import annotations

import pytest

from tools.report import __main__ as command
from tools.report.page import ReportPage


@pytest.mark.parametrize("page", command.PAGES.values(), ids=lambda page: page.name)
def test_a_page_has_help(
    page: ReportPage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["report", page.name, "--help"])
    with pytest.raises(SystemExit) as stopped:
        command.main()
    assert stopped.value.code == 0
    assert "--print" in capsys.readouterr().out


@pytest.mark.parametrize("document", ["training", "accuracy"])
def test_the_curve_goes_into_the_named_document(
    document: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["report", "run-curve", "no-run", "--page", document])
    assert command.main() != 0
    assert "no-run" in capsys.readouterr().err
