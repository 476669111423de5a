"""Pictures over the limit of pixels are reduced while they are read, or refused with advice."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images.decode import DecodedImage, decode_image, load_image
from utkage.images.objects import as_input
from utkage.images.reduction import factor_within
from utkage.images.several import later_pictures


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def waves(width: int = 203, height: int = 120) -> Image.Image:
    """A smooth picture, of which every reduction looks alike."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    channels = [127 + 120 * np.sin(x / 30 + at) * np.cos(y / 25 - at) for at in range(3)]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


def difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize(
    ("limit", "factor"), [(60 * 102, 2), (60 * 102 - 1, 4), (30 * 51 - 1, 8), (1, 8)]
)
def test_the_smallest_factor_that_fits(limit: int, factor: int) -> None:
    assert factor_within(203, 120, limit) == factor
    assert factor_within(203, 120, 203 * 120) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("factor", "limit"), [(2, 20_000), (4, 5000), (8, 1000)])
def test_a_jpeg_is_reduced_while_it_is_decoded(orientation: int, factor: int, limit: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(waves(), "JPEG", exif=exif, quality=95)
    whole, decoded = decode_image(content), decode_image(content, max_pixels=limit)
    assert (decoded.scale, decoded.size) == (factor, whole.size)
    assert decoded.size == ((203, 120) if orientation < 5 else (120, 203))
    height, width = decoded.pixels.shape[:2]
    assert (width, height) == tuple(-(-side // factor) for side in decoded.size)
    assert decoded.pixels.flags["C_CONTIGUOUS"]
    assert decoded.pixels.flags["WRITEABLE"]
    same = np.asarray(Image.fromarray(whole.pixels).reduce(factor))
    # The last pixels stand for fewer of the original, at another end of a mirrored picture.
    assert difference(same, decoded.pixels) < 2 * factor


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "WEBP"])
def test_others_are_reduced_after_they_are_decoded(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(waves(), kind, **options)
    decoded = decode_image(content, max_pixels=20_000)
    assert (decoded.scale, decoded.size, decoded.pixels.shape) == (2, (203, 120), (60, 102, 3))
    assert difference(np.asarray(waves().reduce(2)), decoded.pixels) < 12
    with pytest.raises(ImageError) as caught:
        decode_image(content, max_pixels=12_000, name="a.png")
    assert str(caught.value) == (
        "a.png: 203 x 120 is over the limit of 12000 pixels, and too large to be reduced while it "
        "is read; raise `max_pixels` to 12180 or more, or make the picture smaller"
    )
    assert decode_image(content, max_pixels=12_180).scale == 2


@pytest.mark.parametrize(
    ("options", "factor"),
    [
        ({}, 4),
        ({"progressive": True}, None),
        ({"subsampling": 0}, 4),
        ({"restart_marker_rows": 1}, 4),
    ],
)
def test_only_jpegs_that_are_decoded_row_by_row_may_be_any_size(
    options: dict[str, Any], factor: int | None
) -> None:
    content = encoded(waves(), "JPEG", **options)
    if factor is None:
        with pytest.raises(ImageError, match="over the limit of 5000 pixels"):
            decode_image(content, max_pixels=5000)
        factor, limit = 2, 20_000
    else:
        limit = 5000
    decoded = decode_image(content, max_pixels=limit)
    assert (decoded.scale, decoded.size) == (factor, (203, 120))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.asarray(waves().convert("L")).astype(np.uint16) * 257)
    elif mode == "P":
        image = waves().quantize(64)
    else:
        image = waves().convert(mode)
    content = encoded(image, "TIFF")
    decoded = decode_image(content, max_pixels=20_000)
    whole = Image.fromarray(load_image(content))
    assert decoded.scale == 2
    assert difference(np.asarray(whole.reduce(2)), decoded.pixels) < 2


def test_large_pictures_are_converted_in_strips_like_small_ones() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1501, 4), dtype=np.uint8)
    image = Image.fromarray(noise)
    white = Image.new("RGBA", image.size, "white")
    expected = np.asarray(Image.alpha_composite(white, image).convert("RGB"))
    assert np.array_equal(load_image(image), expected)
    wide = np.random.default_rng(1).normal(0, 1000, (1500, 1501)).astype(np.float32)
    grey = load_image(Image.fromarray(wide))[..., 0]
    assert (grey.min(), grey.max()) == (0, 255)
    low, high = float(wide.min()), float(wide.max())
    assert np.array_equal(grey, np.rint((wide.astype(np.float64) - low) / (high - low) * 255))


def same(one: DecodedImage, other: DecodedImage) -> bool:
    return np.array_equal(one.pixels, other.pixels) and (one.scale, one.size) == (
        other.scale,
        other.size,
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_same_through_every_door(kind: str, tmp_path: Any) -> None:
    content = encoded(waves(), kind)
    path = tmp_path / "a.picture"
    path.write_bytes(content)
    expected = decode_image(content, max_pixels=20_000)
    assert expected.scale == 2
    with path.open("rb") as stream, Image.open(path) as opened:
        doors = [str(path), path, bytearray(content), memoryview(content), io.BytesIO(content)]
        for door in [*doors, path.as_uri(), stream, opened]:
            assert same(as_input(door).decode(20_000), expected), door
    # What a program has decoded already is as large as it is, and is averaged.
    with Image.open(path) as opened:
        opened.load()
        loaded = as_input(opened).decode(20_000)
        array = as_input(np.asarray(opened)).decode(20_000)
    assert same(loaded, array)
    assert (loaded.scale, loaded.size) == (2, (203, 120))
    assert difference(loaded.pixels, expected.pixels) < 2


def test_an_image_that_a_program_opened_keeps_its_size() -> None:
    with Image.open(io.BytesIO(encoded(waves(), "JPEG"))) as image:
        assert decode_image(image, max_pixels=5000).scale == 4
        assert (image.size, np.asarray(image).shape) == ((203, 120), (120, 203, 3))


def test_later_pictures_of_a_file_have_the_same_limit() -> None:
    pages = [waves(20, 20), waves(200, 120), waves(400, 300)]
    content = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    (second,) = later_pictures(content, max_pixels=20_000)
    number, decoded = second
    assert (number, decoded.scale, decoded.size) == (2, 2, (200, 120))
    # A page that a program has turned to, and not read yet.
    with Image.open(io.BytesIO(content)) as image:
        image.seek(2)
        with pytest.raises(ImageError, match="400 x 300 is over the limit"):
            decode_image(image, max_pixels=20_000)
