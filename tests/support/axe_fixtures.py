"""axe-core, which finds what shuts people out of a page (WCAG 2.2, levels A and AA)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Browser
from npm_packages import npm_install

AXE = "axe-core@4.14.1"
_RUN = """
const { violations } = await axe.run(document, { resultTypes: ["violations"] });
return violations.map(({ id, impact, nodes: [first] }) => (
  `${impact}: ${id}: ${first.target}: ${first.failureSummary}`));
"""

Barriers = Callable[[Browser], list[str]]


@pytest.fixture(scope="session")
def barriers(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Barriers:
    """Finds every violation in the page that a browser shows, each with its first place."""
    folder = made_once("axe-core", lambda empty: npm_install(empty, AXE))
    source = (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    def find(browser: Browser) -> list[str]:
        browser.run(source)
        found: list[str] = browser.run(_RUN)
        return found

    return find
