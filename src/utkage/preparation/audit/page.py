"""The audit as one HTML page that needs nothing else: no network, no scripts."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from utkage.core.files import write_text
from utkage.data.labels import GENDERS, RACES, RANGE_NAMES
from utkage.data.split import SPLITS
from utkage.preparation.audit.report import Audit, Conflict, ConflictMember
from utkage.preparation.audit.resolve import KEEP_ONE
from utkage.reporting.svg import columns, stacked_rows

# Blue and orange of Okabe and Ito's palette, which colour-blind readers tell apart; the spikes are
# vermilion and carry their year as well.
_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#5b6570;--line:#d5dae0;--card:#f6f7f9;
--c0:#0072b2;--c1:#e69f00;--spike:#d55e00}
@media (prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e8eaed;--soft:#a3adb8;--line:#353c45;
--card:#1d2228;--c0:#56b4e9;--c1:#e69f00;--spike:#ff8a3d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--bg);color:var(--fg);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}
p,li{max-width:44rem}.soft{color:var(--soft)}
.tiles{display:flex;flex-wrap:wrap;gap:.6rem;margin-bottom:.6rem}
.tile{flex:1 1 8.5rem;max-width:14rem;background:var(--card);
border:1px solid var(--line);border-radius:8px;
padding:.5rem .8rem}.tile b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}
svg{max-width:36rem}svg.wide{min-width:34rem;max-width:none}
svg text{fill:var(--fg)}svg .mark{fill:var(--spike);font-weight:600}
.c0{fill:var(--c0);background:var(--c0)}.c1{fill:var(--c1);background:var(--c1)}
.spike{fill:var(--spike)}.axis{stroke:var(--line)}
.key{display:inline-block;width:.8em;height:.8em;margin:0 .35em 0 .9em;border-radius:2px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
td.off{font-weight:700;text-decoration:underline}
details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}details ul{font-size:.85rem;padding-left:1.2rem}
.group{border:1px solid var(--line);border-radius:8px;background:var(--card);padding:.6rem;
margin:.6rem 0;break-inside:avoid}.group h3{font-size:.95rem;margin:0 0 .4rem}
.faces{display:flex;flex-wrap:wrap;gap:.6rem}
figure{margin:0;width:8.5rem;font-size:.8rem}
figure img,.none{display:block;width:8.5rem;height:8.5rem;object-fit:contain;border-radius:4px;
background:var(--line)}
@media print{:root{--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--card:#fff;--c0:#0072b2;
--spike:#d55e00}body{max-width:none;font-size:10pt}.scroll{overflow:visible}
svg.wide{min-width:0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

# A stratum this many standard deviations off its promise is set in bold.
_NOTEWORTHY = 3.0


def write_audit_page(audit: Audit, thumbnails: Mapping[str, bytes], path: Path) -> None:
    """Write the page, atomically.

    Args:
        audit: What was found.
        thumbnails: JPEG bytes by the pixel hash of a picture; conflict groups show those that
            are there.
        path: The HTML file.
    """
    write_text(path, render_audit_page(audit, thumbnails))


def render_audit_page(audit: Audit, thumbnails: Mapping[str, bytes]) -> str:
    """The page as text; everything that came from a data set is escaped."""
    sections = [
        _summary(audit),
        _ages(audit),
        _ranges(audit),
        _races(audit),
        _splits(audit),
        _dropped(audit),
        _conflicts(audit, thumbnails),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Data audit</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )


def _summary(audit: Audit) -> str:
    pictures = {copies.kind: copies for copies in audit.duplicates}
    index = audit.heaping.index
    tiles = [
        ("pictures kept", f"{audit.kept:,}"),
        ("left out", f"{audit.left_out:,}"),
        ("groups of identical files", f"{pictures['byte'].groups:,}"),
        ("groups of identical pixels", f"{pictures['pixel'].groups:,}"),
        ("groups of near-copies", f"{pictures['near'].groups:,}"),
        ("contradicting groups", f"{len(audit.conflicts):,}"),
        ("age heaping (100: none)", "n/a" if index is None else f"{index:.0f}"),
        ("wrong file endings", f"{len(audit.wrong_extensions):,}"),
    ]
    sources = _table(
        ("source", "readable", "kept"),
        [(source.name, f"{source.readable:,}", f"{source.kept:,}") for source in audit.sources],
    )
    fix = audit.fix
    return (
        "<h1>Data audit</h1>"
        + f'<p class="soft">Repairs: {escape(fix.mode)}. Copies differ in at most '
        f"{fix.max_distance} of 256 bits and contradict each other from more than "
        f"{fix.age_tolerance} years, or in gender. Charts are of the pictures kept.</p>"
        + '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{value}</b>{escape(name)}</div>' for name, value in tiles)
        + f'</div><div class="scroll">{sources}</div>'
    )


def _ages(audit: Audit) -> str:
    heaping = audit.heaping
    chart = columns(heaping.counts, {spike.age for spike in heaping.spikes}, "Faces of each age")
    if heaping.share is None:
        text = "There are no adults to measure heaping with."
    else:
        text = (
            f"{heaping.share:.1%} of the {heaping.adults:,} ages from 20 are multiples of 5, "
            "where 20 % are to be expected."
        )
    spikes = ", ".join(
        f"{spike.age} ({spike.faces:,} faces"
        + ("" if spike.ratio is None else f", {spike.ratio:.1f} times its neighbours")
        + ")"
        for spike in heaping.spikes
    )
    return (
        f"<h2>Ages</h2><p>{text} "
        + (f"Years that stand out: {spikes}." if spikes else "No single year stands out.")
        + '</p><div class="scroll">'
        + chart.replace("<svg ", '<svg class="wide" ', 1)
        + "</div>"
    )


def _ranges(audit: Audit) -> str:
    keys = "".join(
        f'<span class="key c{position}"></span>{escape(gender)} {audit.genders[position]:,}'
        for position, gender in enumerate(GENDERS)
    )
    rows = list(zip(RANGE_NAMES, audit.ranges, strict=True))
    return f"<h2>Age ranges and gender</h2><p>{keys}</p>{stacked_rows(rows, GENDERS)}"


def _races(audit: Audit) -> str:
    rows = [(name, (n,)) for name, n in zip((*RACES, "unknown"), audit.races, strict=True)]
    return f"<h2>Race, as labelled</h2>{stacked_rows(rows, ('faces',))}"


def _splits(audit: Audit) -> str:
    worst = audit.largest_deviation()
    text = ""
    if worst is not None:
        stratum, split, deviation = worst
        text = (
            f"<p>Furthest from its promised share: {stratum.age_range} "
            f"{GENDERS[stratum.gender]} in {split}, {deviation:+.1f} standard deviations"
            " of a binomial count (sd)."
            + (
                " Contradicting copies stay in train only, which moves the shares a little."
                if audit.conflicts and audit.fix.mode == KEEP_ONE
                else ""
            )
            + "</p>"
        )
    lines = [
        "<tr>"
        f"<td>{stratum.age_range} {GENDERS[stratum.gender]}</td><td>{stratum.faces:,}</td>"
        + "".join(
            f"<td>{count:,}</td>{_deviation_cell(deviation)}"
            for count, deviation in zip(stratum.splits, stratum.deviations, strict=True)
        )
        + "</tr>"
        for stratum in audit.strata
    ]
    heads = "".join(f"<th>{split}</th><th>sd</th>" for split in SPLITS)
    totals = "".join(f"<td>{count:,}</td><td></td>" for count in audit.splits)
    return (
        f'<h2>Splits</h2>{text}<div class="scroll"><table><thead><tr><th>stratum</th>'
        f"<th>faces</th>{heads}</tr></thead><tbody>{''.join(lines)}"
        f"<tr><td>all</td><td>{audit.kept:,}</td>{totals}</tr></tbody></table></div>"
    )


def _deviation_cell(deviation: float | None) -> str:
    if deviation is None:
        return "<td></td>"
    noteworthy = ' class="off"' if abs(deviation) >= _NOTEWORTHY else ""
    return f"<td{noteworthy}>{deviation:+.1f}</td>"


def _dropped(audit: Audit) -> str:
    blocks = [
        f"<details><summary>{escape(under.title)}: {len(under.pictures):,}</summary><ul>"
        + "".join(
            f"<li>{escape(item.name)}"
            + (
                ""
                if item.reason == under.title
                else f' <span class="soft">{escape(item.reason)}</span>'
            )
            + "</li>"
            for item in under.pictures
        )
        + "</ul></details>"
        for under in audit.dropped
    ]
    if audit.wrong_extensions:
        blocks.append(
            f"<details><summary>file ending does not fit the content (kept): "
            f"{len(audit.wrong_extensions):,}</summary><ul>"
            + "".join(f"<li>{escape(name)}</li>" for name in audit.wrong_extensions)
            + "</ul></details>"
        )
    return "<h2>Left out</h2>" + ("".join(blocks) or "<p>Nothing.</p>")


def _conflicts(audit: Audit, thumbnails: Mapping[str, bytes]) -> str:
    if not audit.conflicts:
        return "<h2>Contradicting copies</h2><p>None.</p>"
    return (
        "<h2>Contradicting copies</h2><p>The same photograph under different labels; the widest "
        "apart come first.</p>"
        + "".join(_conflict(conflict, thumbnails) for conflict in audit.conflicts)
    )


def _conflict(conflict: Conflict, thumbnails: Mapping[str, bytes]) -> str:
    kept = sum(member.kept for member in conflict.members)
    fate = "kept" if kept == len(conflict.members) else "left out" if not kept else "partly kept"
    both = len({member.gender for member in conflict.members}) > 1
    what = [f"{conflict.age_spread} years apart"] if conflict.age_spread else []
    what += ["both genders"] if both else []
    kind = {"byte": "identical files", "pixel": "identical pixels"}.get(
        conflict.kind, "near-copies"
    )
    return (
        f'<section class="group"><h3>{escape(", ".join(what))} '
        f'<span class="soft">{kind}, {escape(conflict.split)}, {fate}</span></h3>'
        f'<div class="faces">'
        + "".join(_face(member, thumbnails.get(member.pixel_hash)) for member in conflict.members)
        + "</div></section>"
    )


def _face(member: ConflictMember, jpeg: bytes | None) -> str:
    label = f"{member.age}, {GENDERS[member.gender]}"
    if member.race is not None:
        label += f", {RACES[member.race]}"
    if jpeg is None:
        picture = '<span class="none"></span>'
    else:
        data = base64.b64encode(jpeg).decode("ascii")
        picture = f'<img alt="{escape(label)}" src="data:image/jpeg;base64,{data}">'
    return (
        f"<figure>{picture}<figcaption><b>{escape(label)}</b><br>{escape(member.name)}"
        f'<br><span class="soft">{escape(member.source)}, distance {member.distance}</span>'
        "</figcaption></figure>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
