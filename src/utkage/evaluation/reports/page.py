"""The evaluation as one HTML page that needs nothing else: no network, one small script to sort."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from utkage.core.files import write_text
from utkage.evaluation.comparison import Comparison
from utkage.evaluation.groups import CAVEAT, COMPARABLE, GAPS, SMALL, GroupReport
from utkage.evaluation.populations import WORDS, Population, shown, shown_estimate
from utkage.evaluation.robustness import RobustnessReport
from utkage.evaluation.thresholds import NEAR_YEARS, ThresholdCurve

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#5b6570;--line:#d5dae0;--card:#f6f7f9}
@media (prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e8eaed;--soft:#a3adb8;--line:#353c45;
--card:#1d2228}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:62rem;padding:1rem;background:var(--bg);color:var(--fg);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}
p,li{max-width:46rem}.soft,caption{color:var(--soft)}caption{text-align:left;font-size:.85rem}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem}
.tile{flex:1 1 9rem;max-width:15rem;background:var(--card);border:1px solid var(--line);
border-radius:8px;padding:.5rem .8rem}
.tile b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.88rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;
white-space:nowrap;overflow-wrap:normal}
th:first-child,td:first-child{text-align:left}
tr.small td{color:var(--soft);font-style:italic}
th button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;
cursor:pointer}th button::after{content:" \\2195";color:var(--soft)}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
figure{margin:.8rem 0}figure img{display:block;max-width:100%;height:auto;background:#fff;
border-radius:6px}
.warn{border-left:4px solid #d55e00;padding:.3rem .8rem;background:var(--card)}
pre{background:var(--card);padding:.6rem;overflow-x:auto;font-size:.85rem}
@media print{:root{--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--card:#fff}
body{max-width:none;font-size:10pt}.scroll{overflow:visible}figure,tr{break-inside:avoid}
th button::after{content:""}table{font-size:8pt}}
"""

# Sorts by the number that a cell carries, else by its text.
_SCRIPT = """
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const body = table.tBodies[0];
    [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)], [n, m] = [Number(x), Number(y)];
      const order = x !== "" && y !== "" && !isNaN(n) && !isNaN(m) ? n - m : x.localeCompare(y);
      return up ? order : -order;
    }).forEach(row => body.append(row));
  }));
}
"""


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what it says, and what it is sorted by."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Page:
    """What the page shows.

    Attributes:
        title: Such as the weights and the data.
        facts: Where everything came from: hashes, crop contract, command, versions.
        warnings: What a reader must know before the first number.
        populations: Figures.
        groups: Groups and gaps.
        threshold: The pass/fail curve, or None.
        comparisons: With others.
        stress: Errors on disturbed chips, or None.
        pictures: SVG files by the words that describe them, in their order.
    """

    title: str
    facts: Mapping[str, str]
    warnings: Sequence[str]
    populations: Sequence[Population]
    groups: GroupReport
    threshold: ThresholdCurve | None
    comparisons: Sequence[Comparison]
    stress: RobustnessReport | None
    pictures: Mapping[str, Path]


def write_evaluation_page(page: Page, path: Path) -> None:
    """Write the page, atomically."""
    write_text(path, render_evaluation_page(page))


def render_evaluation_page(page: Page) -> str:
    """The page as text; everything that came from files is escaped."""
    sections = [
        f"<h1>{escape(page.title)}</h1>",
        *(f'<p class="warn">{escape(words)}</p>' for words in page.warnings),
        _tiles(page.populations[0]),
        _figures(page.populations),
        _pictures(page.pictures),
        _worst(page.groups),
        _gaps(page.groups),
        _groups(page.groups),
        "" if page.threshold is None else _threshold(page.threshold),
        *(_comparison(found) for found in page.comparisons),
        "" if page.stress is None else _stress(page.stress),
        _facts(page.facts),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # A page from disk asks for an icon otherwise.
        '<link rel="icon" href="data:,">'
        f"<title>{escape(page.title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(section for section in sections if section)
        + f"\n<script>{_SCRIPT}</script></body></html>\n"
    )


def _tiles(everyone: Population) -> str:
    tiles = []
    for name in ("mae", "cs5", "range_accuracy", "gender_accuracy", "coverage_80"):
        found = everyone.figures.get(name)
        if found is None:
            continue
        words, unit = WORDS[name]
        between = (
            "" if found.low is None else f"{shown(found.low, unit)} to {shown(found.high, unit)}"
        )
        label = f"{words}, {unit}" if unit == "years" else words
        tiles.append(
            f'<div class="tile"><span class="soft">{escape(label)}</span>'
            f'<b>{shown(found.value, unit)}</b><span class="soft">{between}</span></div>'
        )
    return (
        f'<div class="tiles">{"".join(tiles)}</div>'
        f'<p class="soft">{everyone.n} faces. Ranges are 95 % bootstrap intervals; copies of a '
        "picture are drawn together.</p>"
    )


def _figures(populations: Sequence[Population]) -> str:
    heads = ["figure", *(f"{found.words} (n = {found.n})" for found in populations)]
    rows = []
    for name, (words, unit) in WORDS.items():
        if name not in populations[0].figures:
            continue
        label = f"{words}, {unit}" if unit == "years" else words
        cells = [Cell(label)]
        for population in populations:
            found = population.figures[name]
            cells.append(Cell(shown_estimate(found, unit), found.value))
        rows.append(cells)
    return "<h2>Figures</h2>" + table(heads, rows)


def _pictures(pictures: Mapping[str, Path]) -> str:
    parts = []
    for words, path in pictures.items():
        content = base64.b64encode(path.read_bytes()).decode()
        parts.append(
            f'<figure><img alt="{escape(words)}" src="data:image/svg+xml;base64,{content}">'
            f"<figcaption class='soft'>{escape(words)}</figcaption></figure>"
        )
    return "<h2>Pictures</h2>" + "".join(parts)


def _worst(groups: GroupReport) -> str:
    parts = []
    for figure in ("mae", "gender_accuracy"):
        words, _ = GAPS[figure]
        unit = "years" if figure == "mae" else "share"
        names = "; ".join(
            f"{group.axis} {group.name}: {shown_estimate(group.figures[figure], unit)}, "
            f"n = {group.n}"
            for group in groups.worst(figure)
        )
        parts.append(f"<li><b>{escape(words)}</b>: {escape(names) or '-'}</li>")
    return (
        f"<h2>Worst groups</h2><p>Of those with at least {COMPARABLE} faces.</p>"
        f"<ul>{''.join(parts)}</ul>"
    )


def _gaps(groups: GroupReport) -> str:
    rows = []
    for gap in groups.gaps:
        words, _ = GAPS[gap.figure]
        unit = "share" if gap.figure == "gender_accuracy" else "years"
        rows.append(
            [
                Cell(gap.axis),
                Cell(words),
                Cell(gap.best),
                Cell(gap.worst),
                Cell(shown_estimate(gap.difference, unit), gap.difference.value),
            ]
        )
    if not rows:
        return ""
    heads = ["between", "figure", "best", "worst", "worst less best"]
    return f"<h2>Gaps between groups</h2><p>{escape(CAVEAT)}</p>" + table(heads, rows)


def _groups(groups: GroupReport) -> str:
    keys = (
        ("mae", "MAE", "years"),
        ("excess_error", "beyond its ages", "years"),
        ("bias", "bias", "years"),
        ("cs5", "CS@5", "share"),
        ("gender_accuracy", "gender right", "share"),
        ("coverage_80", "in 80 % interval", "share"),
        ("coverage_90", "in 90 % interval", "share"),
    )
    shown_keys = [key for key in keys if key[0] in groups.groups[0].figures]
    heads = ["by", "group", "n", *(words for _, words, _ in shown_keys)]
    rows, small = [], []
    for group in groups.groups:
        cells = [Cell(group.axis), Cell(group.name), Cell(str(group.n), group.n)]
        for key, _, unit in shown_keys:
            found = group.figures[key]
            cells.append(Cell(shown_estimate(found, unit), found.value))
        rows.append(cells)
        small.append(group.small)
    return (
        f"<h2>All groups</h2><p>In italics: fewer than {SMALL} faces, mostly chance. "
        "Click a head to sort.</p>" + table(heads, rows, small)
    )


def _threshold(curve: ThresholdCurve) -> str:
    heads = [
        f"passes where P(age >= {curve.age}) is at least",
        f"under {curve.age} and passed",
        f"{curve.age} or older and failed",
        f"passed, of {curve.age - NEAR_YEARS} to {curve.age - 1}",
        f"failed, of {curve.age} to {curve.age + NEAR_YEARS - 1}",
    ]
    rows = [
        [
            Cell(f"{point.demand:.0%}", point.demand),
            *(
                Cell(shown_estimate(found, "share"), found.value)
                for found in (
                    point.false_pass,
                    point.false_fail,
                    point.near_false_pass,
                    point.near_false_fail,
                )
            ),
        ]
        for point in curve.points
    ]
    return (
        f"<h2>Passing or failing at {curve.age}</h2>"
        f"<p>{curve.younger} faces are under {curve.age}, {curve.older} are older. The mean of "
        f"P(age &gt;= {curve.age}) is {curve.expected:.1%}, the share of faces that are is "
        f"{curve.observed:.1%}. These are estimates of how old a face looks; they are no proof of "
        "age and were not tested for admitting anybody.</p>" + table(heads, rows)
    )


def _comparison(found: Comparison) -> str:
    rows = []
    for name, difference in found.differences.items():
        words, unit = WORDS[name]
        first, second = found.values[name]
        rows.append(
            [
                Cell(words),
                Cell(shown(first, unit), first),
                Cell(shown(second, unit), second),
                Cell(shown_estimate(difference, unit), difference.value),
            ]
        )
    test = found.gender
    heads = ["figure", found.first, found.second, "second less first"]
    return (
        f"<h2>{escape(found.first)} and {escape(found.second)}</h2>"
        f"<p>On the same {found.n} faces, with 95 % intervals of the paired bootstrap. Gender: "
        f"{test.only_first} faces only the first got right, {test.only_second} only the second; "
        f"exact McNemar test p = {test.p_value:.3g}.</p>" + table(heads, rows)
    )


def _stress(report: RobustnessReport) -> str:
    rows = [
        [
            Cell(factor.words),
            Cell(level.label),
            Cell(shown_estimate(level.mae, "years"), level.mae.value),
            Cell(shown_estimate(level.gender_accuracy, "share"), level.gender_accuracy.value),
            Cell(factor.doubling),
        ]
        for factor in report.factors
        for level in factor.levels
    ]
    heads = ["what is wrong", "strength", "MAE, years", "gender right", "error"]
    return (
        f"<h2>When pictures get worse</h2><p>On {report.n} of the faces; undisturbed, their MAE is "
        f"{report.clean:.2f} years.</p>" + table(heads, rows)
    )


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td style='text-align:left;white-space:normal'>"
        f"{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f'<h2>Where this comes from</h2><div class="scroll"><table>{rows}</table></div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], small: Sequence[bool] = ()) -> str:
    """A table whose heads sort it; ``small`` rows are set apart."""
    head = "".join(f'<th scope="col"><button>{escape(words)}</button></th>' for words in heads)
    body = []
    for index, row in enumerate(rows):
        cells = "".join(
            f"<td>{escape(cell.text)}</td>"
            if cell.value is None
            else f'<td data-value="{cell.value:.6g}">{escape(cell.text)}</td>'
            for cell in row
        )
        kind = ' class="small"' if index < len(small) and small[index] else ""
        body.append(f"<tr{kind}>{cells}</tr>")
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
