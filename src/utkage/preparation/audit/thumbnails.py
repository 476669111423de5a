"""Small pictures of duplicates with conflicting labels, for the audit page."""

from __future__ import annotations

import io

from PIL import Image

from utkage.data.store import ChipStore
from utkage.preparation.audit.report import Audit

# Size of a thumbnail, pixels.
SIZE = 96
MAX_PICTURES = 2000


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
