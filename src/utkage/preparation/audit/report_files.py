"""``audit.json`` and ``audit.html`` of a prepared set."""

from __future__ import annotations

import io

from PIL import Image

from utkage.core.files import file_hash, write_json
from utkage.core.json_text import parse_json
from utkage.data.split import SplitConfig
from utkage.data.store import STORE_FILE, ChipStore
from utkage.preparation.audit.report import Audit, build_audit
from utkage.preparation.audit.resolve import Decision, FixConfig, find_informative_duplicates
from utkage.preparation.store_writer import REPORT_FILES

# Size of a thumbnail, pixels.
SIZE = 96
MAX_PICTURES = 2000


def audit_of_store(store: ChipStore, fix: FixConfig, split: SplitConfig) -> Audit:
    """Rebuild the audit of a prepared set from its files and the settings it was made with."""
    records = [row.record for row in store.manifest]
    decisions = [Decision(row.assigned_split, row.reason or None) for row in store.manifest]
    groups, used_fix = find_informative_duplicates(records, fix)
    return build_audit(records, groups, decisions, store.dropped(), used_fix, split)


def write_report(store: ChipStore, audit: Audit) -> None:
    """Write both files into the folder of ``store``."""
    from utkage.preparation.audit.page import write_audit_page

    data_file, page_file = (store.folder / name for name in REPORT_FILES)
    write_audit_page(audit, conflict_thumbnails(store, audit), page_file)
    # The JSON file comes last and names its store file by hash. That identifies a stale report
    # even if other settings gave the same manifest.
    write_json(data_file, {**audit.to_dict(), "store": file_hash(store.folder / STORE_FILE)})


def report_is_current(store: ChipStore) -> bool:
    """Whether both files are there and describe this state of the set."""
    data_file, page_file = (store.folder / name for name in REPORT_FILES)
    try:
        described = parse_json(data_file.read_bytes())["store"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return page_file.is_file() and described == file_hash(store.folder / STORE_FILE)


def conflict_thumbnails(store: ChipStore, audit: Audit) -> dict[str, bytes]:
    """JPEG bytes of the chips in groups with conflicting labels, by pixel hash.

    Returns at most 2,000, those with the largest age spread first, to keep the page readable.
    """
    wanted = dict.fromkeys(
        member.pixel_hash for conflict in audit.conflicts for member in conflict.members
    )
    rows = {row.record.pixel_hash: row.row for row in store.manifest}
    pixels = store.pixels()
    found: dict[str, bytes] = {}
    for pixel_hash in list(wanted)[:MAX_PICTURES]:
        if pixel_hash in rows:
            picture = Image.fromarray(pixels[rows[pixel_hash]]).resize((SIZE, SIZE))
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=80)
            found[pixel_hash] = buffer.getvalue()
    return found
