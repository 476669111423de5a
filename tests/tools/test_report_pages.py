"""Every report page can be called, and its options do not hide those of the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.documents import Block, publish
from tools.program import run_app
from tools.report.__main__ import PAGES, app


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_help(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(app, "report", [page, "--help"]) == 0
    assert (PAGES[page].__doc__ or "-").split()[0] in capsys.readouterr().out
    assert run_app(app, "report", ["--help"]) == 0
    assert "--print" in capsys.readouterr().out


@pytest.mark.parametrize("document", ["training", "accuracy"])
def test_the_curve_goes_into_the_named_document(
    document: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_app(app, "report", ["--print", "run-curve", "no-run", "--page", document]) != 0
    assert "no-run" in capsys.readouterr().err


@pytest.mark.parametrize("write", [True, False])
def test_a_block_is_written_between_its_marks(
    write: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.documents.DOCS", tmp_path)
    monkeypatch.setattr("sys.argv", ["report", "page", "--data", "/somewhere/both"])
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- own -->\nold\n<!-- /own -->\nafter\n")
    publish([Block("page.md", "own", "new", "n = 4"), Block("", "b", "text")], "p", write=write)
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("before", "after")
    assert lines[2] == ("new" if write else "old")
    assert any("n = 4; `python -m p page --data both`, 20" in line for line in lines) == write
