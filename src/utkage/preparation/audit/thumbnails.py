"""Small pictures of contradicting copies, for the report on the user's own machine."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from utkage.preparation.audit.report import Audit

if TYPE_CHECKING:
    from utkage.data.store import ChipStore

SIZE = 96
MAX_PICTURES = 2000


def conflict_thumbnails(store: ChipStore, audit: Audit) -> dict[str, bytes]:
    """JPEGs of the chips in contradicting groups, by pixel hash.

    At most 2,000, those whose labels are furthest apart first, so that the page stays readable.
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
