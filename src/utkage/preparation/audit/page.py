"""The audit as one self-contained HTML page without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from utkage.core.files import write_text
from utkage.core.text import counted
from utkage.data.labels import GENDERS, RACES, RANGE_NAMES
from utkage.data.split import SPLITS
from utkage.preparation.audit.charts import age_histogram, stacked_bars
from utkage.preparation.audit.heaping import Heaping
from utkage.preparation.audit.report import Audit, Conflict, ConflictMember
from utkage.preparation.audit.resolve import KEEP_ONE
from utkage.reporting.page import data_uri, render_page
from utkage.reporting.table import Cell, Row, Table

# A stratum this many standard deviations from its expected count stands out.
_NOTEWORTHY = 3.0
_KINDS = {"byte": "identical files", "pixel": "identical pixels", "near": "near-duplicates"}


def write_audit_page(audit: Audit, thumbnails: Mapping[str, bytes], path: Path) -> None:
    """Write the page to an HTML file, atomically.

    ``thumbnails`` are JPEG bytes by pixel hash; groups with conflicting labels show those given.
    """
    write_text(path, render_audit_page(audit, thumbnails))


def render_audit_page(audit: Audit, thumbnails: Mapping[str, bytes]) -> str:
    """The page as text; arguments as for ``write_audit_page``."""
    heaping = audit.heaping
    gender_labels = [
        f"{name} ({count:,})" for name, count in zip(GENDERS, audit.genders, strict=True)
    ]
    return render_page(
        "audit.html.j2",
        audit=audit,
        tiles=_tiles(audit),
        sources=_sources_table(audit),
        heaping_text=_heaping_text(heaping),
        spikes=_spikes_text(heaping),
        ages=age_histogram(heaping.counts, [spike.age for spike in heaping.spikes]),
        gender_labels=gender_labels,
        ranges=stacked_bars(RANGE_NAMES, list(zip(*audit.ranges, strict=True))),
        races=stacked_bars((*RACES, "unknown"), [audit.races]),
        deviation=_deviation_text(audit),
        strata=_strata_table(audit),
        conflicts=[_conflict(conflict, thumbnails) for conflict in audit.conflicts],
    )


def _tiles(audit: Audit) -> list[tuple[str, str]]:
    """Label and value of each tile."""
    groups = {found.kind: f"{found.groups:,}" for found in audit.duplicates}
    index = audit.heaping.index
    return [
        ("pictures kept", f"{audit.kept:,}"),
        ("pictures removed", f"{audit.left_out:,}"),
        ("groups of identical files", groups["byte"]),
        ("groups of identical pixels", groups["pixel"]),
        ("groups of near-duplicates", groups["near"]),
        ("groups with conflicting labels", f"{len(audit.conflicts):,}"),
        ("age heaping (100: none)", "n/a" if index is None else f"{index:.0f}"),
        ("wrong file extensions", f"{len(audit.wrong_extensions):,}"),
    ]


def _sources_table(audit: Audit) -> Table:
    rows = [(source.name, f"{source.readable:,}", f"{source.kept:,}") for source in audit.sources]
    return Table.of("", ("source", "readable", "kept"), rows)


def _heaping_text(heaping: Heaping) -> str:
    if heaping.share is None:
        return "There are no adults to measure heaping with."
    return (
        f"{heaping.share:.1%} of the {counted(heaping.adults, 'age')} from 20 are multiples of 5; "
        "20% are expected."
    )


def _spikes_text(heaping: Heaping) -> str:
    if not heaping.spikes:
        return "No single year stands out."
    spikes = []
    for spike in heaping.spikes:
        ratio = "" if spike.ratio is None else f", {spike.ratio:.1f} times its neighbours"
        spikes.append(f"{spike.age} ({counted(spike.faces, 'face')}{ratio})")
    return f"Years that stand out: {', '.join(spikes)}."


def _deviation_text(audit: Audit) -> str:
    worst = audit.largest_deviation()
    if worst is None:
        return ""
    stratum, split, deviation = worst
    text = (
        f"Furthest from its expected count: {stratum.age_range} {GENDERS[stratum.gender]} in "
        f"{split}, {deviation:+.1f} standard deviations of a binomial count (sd)."
    )
    if audit.conflicts and audit.fix.mode == KEEP_ONE:
        text += " Duplicates with conflicting labels stay in train only, which shifts the counts."
    return text


def _strata_table(audit: Audit) -> Table:
    rows: list[Row] = []
    for stratum in audit.strata:
        cells: list[Cell | str] = [f"{stratum.age_range} {GENDERS[stratum.gender]}"]
        cells.append(f"{stratum.faces:,}")
        for count, deviation in zip(stratum.splits, stratum.deviations, strict=True):
            cells.append(f"{count:,}")
            text = "" if deviation is None else f"{deviation:+.1f}"
            cells.append(Cell(text, deviation, abs(deviation or 0) >= _NOTEWORTHY))
        rows.append(cells)
    totals = [cell for count in audit.splits for cell in (f"{count:,}", "")]
    rows.append(("all", f"{audit.kept:,}", *totals))
    columns = [heading for split in SPLITS for heading in (split, "sd")]
    return Table.of("", ("stratum", "faces", *columns), rows)


def _conflict(conflict: Conflict, thumbnails: Mapping[str, bytes]) -> dict[str, object]:
    """Texts and faces of a group with conflicting labels."""
    differences = [f"{conflict.age_spread} years apart"] if conflict.age_spread else []
    if len({m.gender for m in conflict.members if m.gender is not None}) > 1:
        differences.append("both genders")
    kept = sum(member.kept for member in conflict.members)
    outcome = "kept" if kept == len(conflict.members) else "partly kept" if kept else "removed"
    return {
        "heading": ", ".join(differences),
        "detail": f"{_KINDS[conflict.kind]}, {conflict.split}, {outcome}",
        "faces": [
            (member, _label(member), None if jpeg is None else data_uri(jpeg, "image/jpeg"))
            for member in conflict.members
            for jpeg in (thumbnails.get(member.pixel_hash),)
        ],
    }


def _label(member: ConflictMember) -> str:
    years = member.age_range.name if member.age_range is not None else member.age
    parts = [
        "" if years is None else str(years),
        "" if member.gender is None else GENDERS[member.gender],
        "" if member.race is None else RACES[member.race],
    ]
    return ", ".join(part for part in parts if part)
