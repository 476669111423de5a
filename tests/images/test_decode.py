import os
import random
import threading
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images.decode import decode_image, load_image
from utkage.images.objects import pictures_of


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def gradient(width: int = 40, height: int = 24) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def four_corners() -> np.ndarray:
    rgb = np.zeros((32, 64, 3), np.uint8)
    rgb[:16, :32] = (255, 0, 0)
    rgb[:16, 32:] = (0, 255, 0)
    rgb[16:, :32] = (0, 0, 255)
    rgb[16:, 32:] = (255, 255, 255)
    return rgb


STORED_FROM_UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED_FROM_UPRIGHT[orientation](four_corners()))
    options = {"lossless": True} if kind == "WEBP" else {}
    loaded = load_image(encode(Image.fromarray(stored), kind, exif=exif, **options))
    assert loaded.shape == (32, 64, 3)
    difference = np.abs(loaded.astype(int) - four_corners())[4:-4:8, 4:-4:8]
    assert difference.max() < 40


def test_orientation_out_of_range_and_broken_exif_are_ignored():
    exif = Image.Exif()
    exif[0x0112] = 99
    plain = encode(Image.fromarray(four_corners()), "JPEG")
    assert np.array_equal(
        load_image(encode(Image.fromarray(four_corners()), "JPEG", exif=exif)), load_image(plain)
    )
    broken = encode(Image.fromarray(four_corners()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert np.array_equal(load_image(broken), load_image(plain))


def test_rgb_is_exact_contiguous_and_writeable():
    loaded = load_image(encode(Image.fromarray(gradient()), "PNG"))
    assert loaded.dtype == np.uint8
    assert loaded.flags.c_contiguous
    assert loaded.flags.writeable
    assert np.array_equal(loaded, gradient())


def test_grey_fills_three_channels():
    grey = gradient()[..., 0]
    loaded = load_image(encode(Image.fromarray(grey), "PNG"))
    assert np.array_equal(loaded, np.repeat(grey[..., None], 3, 2))


def test_one_bit():
    bits = np.zeros((4, 6), bool)
    bits[1, 2] = True
    loaded = load_image(encode(Image.fromarray(bits), "PNG"))
    assert loaded[1, 2].tolist() == [255] * 3
    assert loaded.sum() == 255 * 3


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_white(mode):
    image = Image.new(mode, (3, 1))
    black = (0, 0, 0) if mode == "RGBA" else (0,)
    image.putpixel((0, 0), (*black, 0))
    image.putpixel((1, 0), (*black, 128))
    image.putpixel((2, 0), (*black, 255))
    loaded = load_image(encode(image, "PNG"))
    assert loaded[0, :, 0].tolist() == [255, 127, 0]


def test_palette_with_and_without_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    assert load_image(encode(image, "PNG"))[0].tolist() == [[10, 20, 30], [200, 100, 50]]
    seen_through = load_image(encode(image, "PNG", transparency=0))
    assert seen_through[0].tolist() == [[255, 255, 255], [200, 100, 50]]


def test_rgb_with_a_transparent_colour():
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((1, 0), (9, 9, 9))
    assert load_image(encode(image, "PNG", transparency=(1, 2, 3)))[0].tolist() == [
        [255, 255, 255],
        [9, 9, 9],
    ]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_not_inverted(kind):
    image = Image.fromarray(four_corners()).convert("CMYK")
    loaded = load_image(encode(image, kind))
    assert np.abs(loaded[8, 8].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(loaded[24, 56].astype(int) - 255).max() < 12


def test_sixteen_bit_grey_keeps_its_range():
    values = np.array([[0, 257 * 100, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert load_image(encode(Image.fromarray(values), kind))[0, :, 0].tolist() == [0, 100, 255]


def test_integer_and_float_ranges():
    def grey(values, kind):
        return load_image(encode(Image.fromarray(np.array([values], kind)), "TIFF"))[
            0, :, 0
        ].tolist()

    assert grey([0, 257 * 7, 65535], np.int32) == [0, 7, 255]
    assert grey([-100, 0, 300], np.int32) == [0, 64, 255]
    assert grey([0, 0.2, 1], np.float32) == [0, 51, 255]
    assert grey([0, 51, 200], np.float32) == [0, 51, 200]
    assert grey([0, 500, 2000], np.float32) == [0, 64, 255]
    assert grey([float("nan"), 0.2, 1], np.float32) == [0, 51, 255]
    assert grey([-5, -5, -5], np.float32) == [0, 0, 0]


def test_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        content = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        red = load_image(content)[4, 4].astype(int)
        assert np.abs(red - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_path_and_bytes_agree_also_under_unusual_names(kind, tmp_path):
    content = encode(Image.fromarray(gradient()), kind)
    path = tmp_path / "Bild ä é 写真 😀.dat"
    path.write_bytes(content)
    assert np.array_equal(load_image(path), load_image(content))


def test_limit_is_judged_before_decoding():
    # The pixels are cut off: only the header can tell.
    content = encode(Image.new("L", (5000, 3000)), "PNG")[:60]
    with pytest.raises(ImageError, match=r"picture: 5000 x 3000 is over the limit of 1000000"):
        load_image(content, max_pixels=1_000_000)


def test_limit_is_inclusive():
    content = encode(Image.new("RGB", (20, 10)), "PNG")
    assert load_image(content, max_pixels=200).shape == (10, 20, 3)
    assert load_image(content, max_pixels=199).shape == (5, 10, 3)


def huge_png(side: int) -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [15_000, 60_000])
def test_bombs_are_refused_without_warning_or_global_change(side):
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="pixels"):
            load_image(huge_png(side))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"])
def test_truncated_files_are_refused_with_their_name(kind, tmp_path):
    content = encode(Image.fromarray(gradient(200, 150)), kind)
    path = tmp_path / "half.jpg"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"half\.jpg: ") as caught:
        load_image(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("lost", [1, 2, 3, 50, 0.1, 0.2])
def test_a_jpeg_without_its_end_can_be_read(mode, progressive, lost):
    content = encode(
        Image.fromarray(gradient(200, 160)).convert(mode), "JPEG", progressive=progressive
    )
    cut = content[: -lost if isinstance(lost, int) else int(len(content) * (1 - lost))]
    whole = load_image(content)
    decoded = decode_image(cut, allow_truncated=True)
    assert decoded.truncated or lost <= 2
    assert decoded.pixels.shape == whole.shape
    rows = whole.shape[0] * 3 // 4
    assert progressive or np.array_equal(decoded.pixels[: rows - 16], whole[: rows - 16])
    (handed_over,) = pictures_of(Image.open(BytesIO(cut)))
    assert np.array_equal(handed_over.load(), decoded.pixels)
    assert not decode_image(content, allow_truncated=True).truncated
    if decoded.truncated:
        with pytest.raises(ImageError, match="damaged or truncated"):
            load_image(cut)


def test_a_truncated_jpeg_is_upright_and_small_enough():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encode(Image.fromarray(gradient(200, 160)), "JPEG", exif=exif)
    decoded = decode_image(content[:-100], allow_truncated=True)
    assert decoded.pixels.shape == (200, 160, 3)
    reduced = decode_image(content[:-100], allow_truncated=True, max_pixels=10_000)
    assert (reduced.truncated, reduced.scale, reduced.size) == (True, 2, (160, 200))
    assert reduced.pixels.shape == (100, 80, 3)
    with pytest.raises(ImageError, match="over the limit"):
        decode_image(content[:-100], allow_truncated=True, max_pixels=100)
    for cut in (content[: len(content) // 2], content[:300]):
        with pytest.raises(ImageError, match=r"truncated|not a picture"):
            decode_image(cut, allow_truncated=True)


def test_what_is_no_picture_says_so(tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("not a picture\n" * 50)
    with pytest.raises(ImageError, match=r"notes\.jpg: not a picture"):
        load_image(text)
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(ImageError, match=r"empty\.png: the file is empty"):
        load_image(empty)
    with pytest.raises(ImageError, match="picture: the file is empty"):
        load_image(b"")
    with pytest.raises(ImageError, match=r"gone\.jpg: no such file"):
        load_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)
    with pytest.raises(ImageError):
        load_image(Path("nul\0byte.jpg"))


@pytest.mark.skipif(os.name == "nt", reason="no such files there")
def test_what_is_no_plain_file_is_never_read(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to("/dev/zero")
    for path in tmp_path.iterdir():
        with pytest.raises(ImageError, match=r"[ab]\.jpg: is not a plain file"):
            load_image(path)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no open files by name")
def test_a_pipe_that_a_shell_opened_is_read():
    reader, writer = os.pipe()
    os.write(writer, encode(Image.fromarray(gradient()), "PNG"))
    os.close(writer)
    assert np.array_equal(load_image(f"/dev/fd/{reader}"), gradient())
    os.close(reader)


def test_other_programs_are_never_asked():
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageError, match="not a picture"):
        load_image(postscript)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_damaged_bytes_give_a_picture_or_an_image_error(kind):
    chance = random.Random(3)
    content = encode(Image.fromarray(gradient()), kind)
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 12)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            loaded = load_image(bytes(damaged), max_pixels=1_000_000)
        except ImageError:
            continue
        assert loaded.dtype == np.uint8
        assert loaded.ndim == 3


def test_threads_leave_the_warning_filters_as_they_were():
    content = encode(Image.fromarray(gradient()), "PNG")
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=lambda: [load_image(content) for _ in range(50)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
