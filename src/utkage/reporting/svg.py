"""Small charts as inline SVG text: vertical bars, and horizontal stacked bars.

Bars have class names (``c0``, ``c1``, ``spike``), so that the page around them decides on colours
for light, dark and print; the fill they carry themselves is for programs that ignore the page's
style. Charts scale with the width they are given.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

# Blue, orange and vermilion of Okabe and Ito, which colour-blind readers tell apart.
_FILLS = {"c0": "#0072b2", "c1": "#e69f00", "spike": "#d55e00"}

_ROW = 26
_LABEL_WIDTH = 84
_COUNT_WIDTH = 60


def columns(counts: Sequence[int], marked: Collection[int], label: str) -> str:
    """One vertical bar for each position from 0; the ``marked`` ones are set apart.

    A marked bar has another colour and a mark with its number on top, so that colour alone
    carries nothing. Every bar has a tooltip.
    """
    bar, height, top = 7, 170, 26
    most = max(counts, default=0) or 1
    parts = []
    for position, count in enumerate(counts):
        if not count:
            continue
        tall = max(1.0, count / most * height)
        y = top + height - tall
        kind = "spike" if position in marked else "c0"
        parts.append(_bar(kind, (position * bar, y, bar - 1, tall), f"{position}: {count}"))
        if position in marked:
            parts.append(
                f'<text class="mark" x="{position * bar + bar / 2 - 0.5}" y="{y - 4:.1f}" '
                f'text-anchor="middle">{position}</text>'
            )
    width = len(counts) * bar
    base = top + height
    parts.append(f'<line class="axis" x1="0" x2="{width}" y1="{base}" y2="{base}"/>')
    for position in range(0, len(counts), 10):
        anchor = "start" if position == 0 else "middle"
        x = position * bar + (0 if position == 0 else bar / 2 - 0.5)
        parts.append(f'<text x="{x}" y="{base + 16}" text-anchor="{anchor}">{position}</text>')
    return _svg(width, base + 22, label, parts)


def stacked_rows(rows: Sequence[tuple[str, Sequence[int]]], parts_of: Sequence[str]) -> str:
    """One horizontal bar a row, its one or two parts (``c0``, ``c1``) side by side.

    Args:
        rows: Name and counts of each row.
        parts_of: What each part is called, for tooltips.
    """
    width, room = 480, 480 - _LABEL_WIDTH - _COUNT_WIDTH
    most = max((sum(counts) for _, counts in rows), default=0) or 1
    parts = []
    for line, (name, counts) in enumerate(rows):
        y = line * _ROW + 4
        middle = y + 13
        parts.append(
            f'<text x="{_LABEL_WIDTH - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>'
        )
        x = float(_LABEL_WIDTH)
        for kind, count, part in zip(("c0", "c1"), counts, parts_of, strict=False):
            wide = count / most * room
            if count:
                parts.append(_bar(kind, (x, y, max(wide - 1, 0.5), 18), f"{name}, {part}: {count}"))
            x += wide
        parts.append(f'<text x="{x + 6:.1f}" y="{middle}">{sum(counts)}</text>')
    return _svg(width, len(rows) * _ROW + 6, "Faces by " + ", ".join(parts_of), parts)


def _bar(kind: str, box: tuple[float, float, float, float], tooltip: str) -> str:
    x, y, width, height = box
    return (
        f'<rect class="{kind}" fill="{_FILLS[kind]}" x="{x:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}"><title>{escape(tooltip)}</title></rect>'
    )


def _svg(width: int, height: int, label: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
        + "".join(parts)
        + "</svg>"
    )
