from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images import scans


def jpeg(*, progressive: bool, thumbnail: bytes = b"") -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", progressive=progressive, comment=thumbnail)
    return buffer.getvalue()


def test_scans_are_counted_up_to_a_bound() -> None:
    assert scans.count_scans(jpeg(progressive=False), 100) == 1
    assert scans.count_scans(jpeg(progressive=True), 100) == 10
    assert scans.count_scans(jpeg(progressive=True), 3) == 3
    assert scans.count_scans(b"\xff\xd8", 3) == 0


def test_scans_inside_of_another_segment_do_not_count() -> None:
    inside = jpeg(progressive=False, thumbnail=jpeg(progressive=True))
    assert inside.count(b"\xff\xda") > 10
    assert scans.count_scans(inside, 100) == 1


def test_the_limit_depends_on_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content = jpeg(progressive=True)
    monkeypatch.setattr(scans, "MOST_SCANNED", 10 * 60 * 40)
    scans.require_few_scans(content, 60, 40)
    with pytest.raises(ImageError, match="more than 9 scans of 60 x 41 pixels"):
        scans.require_few_scans(content, 60, 41)
