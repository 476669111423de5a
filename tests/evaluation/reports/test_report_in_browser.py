"""The report in headless Chromium: it opens without an error, sorts, and fits screens and paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_fixtures import Barriers
from browser import Browser, open_browser
from page_layout import check_on_paper, check_on_screen, measure

from utkage.evaluation.groups.group_metrics import GROUP_METRICS
from utkage.evaluation.reports.report import render_evaluation_page
from utkage.evaluation.reports.report_page import Page

# Width of the charts on a telephone that is 400 CSS pixels wide.
PHONE = 368
SORT = """
const errors = [];
addEventListener("error", (event) => errors.push(String(event.message)));
const place = (table) => [...table.tHead.rows[0].cells]
  .findIndex((cell) => cell.textContent.includes("MAE"));
const table = [...document.querySelectorAll("table.sortable")].find((one) => place(one) > 0);
const column = place(table);
const values = () => [...table.tBodies[0].rows]
  .map((row) => Number(row.cells[column].dataset.value));
const rises = (list) => list.every((value, index) => !index || list[index - 1] <= value);
const button = table.tHead.rows[0].cells[column].querySelector("button");
const before = rises(values());
button.click();
const up = rises(values());
button.click();
return { errors, sorted: [before, up, rises(values().reverse())] };
"""
DRAWN = """
const images = [...document.images];
return {
  pictures: images.length,
  drawn: images.filter((one) => one.complete && one.naturalWidth > 100).length,
  widths: images.map((one) => one.getBoundingClientRect().width),
  caption: parseFloat(getComputedStyle(document.querySelector("figcaption")).fontSize),
  outside: performance.getEntriesByType("resource")
    .filter((entry) => !entry.name.startsWith("data:")).length,
  heads: [...document.querySelectorAll(".short h2")].map((one) => one.textContent),
  ground: getComputedStyle(document.body).backgroundColor,
};
"""


@pytest.fixture(scope="module")
def written(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "report.html"
    path.write_text(render_evaluation_page(page), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.mark.parametrize("width", [400, 800, 1280, 1920])
def test_on_a_screen(browser: Browser, written: Path, page: Page, width: int) -> None:
    check_on_screen(browser, written, width)
    found = browser.run(DRAWN)
    assert found["pictures"] == found["drawn"] == len(page.charts)
    assert found["outside"] == 0
    assert found["heads"] == [
        *("What was tested", "On whom", "The worst findings", "What it must not be used for"),
    ]
    assert browser.logs() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_shut_out(
    browser: Browser, written: Path, barriers: Barriers, scheme: str
) -> None:
    measure(browser, written, 1280, color_scheme=scheme)
    assert barriers(browser) == []


def test_no_table_of_metrics_is_cut_at_1280_pixels(browser: Browser, written: Path) -> None:
    assert measure(browser, written, 1280)["scrolling"] == []


def test_on_paper(browser: Browser, written: Path) -> None:
    check_on_paper(browser, written)


def test_every_metric_of_groups_on_paper(browser: Browser, page: Page, tmp_path: Path) -> None:
    groups = tuple(
        replace(group, metrics=dict.fromkeys(GROUP_METRICS, group.metrics["bias"]))
        for group in page.groups.groups
    )
    whole = replace(page, groups=replace(page.groups, groups=groups), charts={})
    path = tmp_path / "report.html"
    path.write_text(render_evaluation_page(whole), encoding="utf-8")
    check_on_paper(browser, path)
    assert check_on_screen(browser, path, 400)["scrolling"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(browser: Browser, written: Path, scheme: str) -> None:
    measure(browser, written, 800, color_scheme=scheme)
    ground = int(re.findall(r"\d+", browser.run(DRAWN)["ground"])[0])
    assert ground < 60 if scheme == "dark" else ground > 200


def test_tables_sort(browser: Browser, written: Path) -> None:
    measure(browser, written, 1280)
    assert browser.run(SORT) == {"errors": [], "sorted": [False, True, True]}


def test_letters_of_charts_are_as_large_as_captions_on_a_telephone(
    browser: Browser, written: Path, page: Page
) -> None:
    measure(browser, written, 400)
    found = browser.run(DRAWN)
    assert min(found["widths"]) >= PHONE - 1
    for path in page.charts.values():
        text = path.read_text(encoding="utf-8")
        width = float(re.findall(r'<svg[^>]* width="([\d.]+)pt"', text)[0])
        sizes = [
            float(size) * PHONE / width for size in re.findall(r"font(?:-size)?: ([\d.]+)px", text)
        ]
        assert min(sizes) >= 9, path.name
        # Most of the letters; numbers in cells and next to points are smaller.
        assert max(sizes) >= found["caption"], path.name
