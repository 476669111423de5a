"""What has to hold for the layout of every HTML page, at any width and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser import Browser

# CSS pixels of a sheet of A4 between margins of 12 millimetres.
SHEET = 703

_MEASURE = """
const box = (one) => one.getBoundingClientRect();
const all = (selector) => [...document.querySelectorAll(selector)];
const shown = all("body *").filter((one) => one.checkVisibility() && box(one).width);
const scrolls = (one) => one.closest(".scroll, pre");
const named = (one) => `${one.tagName} ${one.className} ${one.textContent.slice(0, 40)}`;
return {
  width: innerWidth,
  overflow: document.documentElement.scrollWidth - innerWidth,
  cut: shown.filter((one) => box(one).right > innerWidth + 1 && !scrolls(one)).map(named),
  scrolling: all(".scroll").filter((one) => one.scrollWidth > one.clientWidth + 1).map(named),
  unreachable: all(".scroll").filter((one) => one.tabIndex < 0
    || !one.getAttribute("aria-label")).map(named),
  smallest: Math.min(...shown.filter((one) => one.textContent.trim())
    .map((one) => parseFloat(getComputedStyle(one).fontSize)).filter((size) => size)),
  marks: ["main", "h1"].map((tag) => all(tag).length),
  nameless: all("img").filter((one) => !one.alt).length
    + all("button, th").filter((one) => !one.textContent.trim()).length,
  filled: Math.max(...shown.map((one) => box(one).right))
    - Math.min(...shown.filter((one) => one.tagName !== "MAIN").map((one) => box(one).left)),
};
"""


def measure(browser: Browser, page: Path, width: int, **preferences: str) -> dict[str, Any]:
    """Open a page at a width in CSS pixels and measure its layout."""
    browser.resize(width, 900)
    browser.prefer(**preferences)
    browser.open(page.as_uri())
    found: dict[str, Any] = browser.run(_MEASURE)
    return found


def check_on_screen(browser: Browser, page: Path, width: int) -> dict[str, Any]:
    """Nothing is cut, whatever scrolls can be reached by keyboard, and the screen is used."""
    found = measure(browser, page, width, color_scheme="light")
    assert found["overflow"] <= 0
    assert found["cut"] == []
    assert found["unreachable"] == []
    assert found["smallest"] >= 9.5
    assert found["marks"] == [1, 1]
    assert found["nameless"] == 0
    assert found["filled"] >= 0.9 * min(width, 1344)
    return found


def check_on_paper(browser: Browser, page: Path) -> None:
    """On a sheet of A4, no table needs to scroll and nothing is cut."""
    browser.devtools("Emulation.setEmulatedMedia", media="print")
    try:
        browser.resize(SHEET, 900)
        browser.open(page.as_uri())
        found = browser.run(_MEASURE)
        assert found["overflow"] <= 0
        assert found["cut"] == []
        assert found["scrolling"] == []
    finally:
        browser.devtools("Emulation.setEmulatedMedia", media="")
