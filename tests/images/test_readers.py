from __future__ import annotations

import sys
from types import ModuleType

import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images import readers

HEIC = b"\0\0\0\x18ftypheic" + bytes(20)
JXL = b"\xff\x0a" + bytes(20)


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own readers only."""
    Image.init()
    for name in ("HEIF", "JXL"):
        monkeypatch.delitem(Image.OPEN, name, raising=False)


def test_common_formats_need_nothing_and_unknown_ones_may_be_tried() -> None:
    always = readers.readers_for(b"\xff\xd8\xff")
    assert {"JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"} <= set(always)
    assert readers.readers_for(b"no picture") == always
    # Pillow runs Ghostscript for these.
    assert not {"EPS", "PDF", "WMF"} & set(always)


def test_a_video_is_told_as_one() -> None:
    with pytest.raises(ImageError, match="is a video"):
        readers.readers_for(b"\0\0\0\x1cftypisom" + bytes(20))


@pytest.mark.usefixtures("without_extras")
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for content, module, command in (
        (HEIC, "pillow_heif", r"HEIC pictures need .* pip install 'utkage\[heic\]'"),
        (JXL, "pillow_jxl", "JPEG XL pictures need .* pip install pillow-jxl-plugin"),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImageError, match=command):
            readers.readers_for(content)


@pytest.mark.usefixtures("without_extras")
def test_a_package_that_is_there_is_loaded_and_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    registered = []
    package = ModuleType("pillow_heif")
    package.register_heif_opener = lambda: registered.append("HEIF")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    assert readers.readers_for(HEIC)[-1] == "HEIF"
    assert registered == ["HEIF"]
    monkeypatch.setitem(Image.OPEN, "HEIF", Image.OPEN["PNG"])
    readers.readers_for(HEIC)
    assert registered == ["HEIF"], "not again"


@pytest.mark.usefixtures("without_extras")
def test_the_formats_that_can_be_read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pillow_heif", "pillow_jxl"):
        monkeypatch.setitem(sys.modules, module, None)
    check = readers.features.check
    monkeypatch.setattr(readers.features, "check", lambda name: name != "webp" and check(name))
    assert readers.readable_formats() == {
        "JPEG": "",
        "PNG": "",
        "WebP": "the installed Pillow lacks webp",
        "TIFF": "",
        "AVIF": "",
        "HEIC": "run: pip install 'utkage[heic]'",
        "JPEG XL": "run: pip install pillow-jxl-plugin",
    }
