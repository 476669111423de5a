"""Picture files of every format, damaged at random or made to take long."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

from PIL import Image

from tools.fuzz import hostile_pictures
from tools.fuzz.campaign import Kind, describe_mutation
from tools.fuzz.mutations import mutated_bytes
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.samples import PORTRAIT

# Name of each valid picture, and how Pillow writes it.
_FORMATS: dict[str, dict[str, object]] = {
    "a.jpg": {},
    "progressive.jpg": {"progressive": True},
    "a.png": {},
    "a.webp": {},
    "lossless.webp": {"lossless": True},
    "a.gif": {},
    "a.bmp": {},
    "a.tif": {},
    "lzw.tif": {"compression": "tiff_lzw"},
    "jpeg.tif": {"compression": "jpeg"},
    "a.avif": {},
    "a.ppm": {},
}
_ANIMATED = ("GIF", "PNG", "WEBP")
_SIZE = (200, 160)
# Sizes and counts are in the header.
_HEADER_BYTES = 200


def _set_up(folder: Path) -> None:
    with Image.open(PORTRAIT) as portrait:
        small = portrait.convert("RGB").resize(_SIZE)
    for name, options in _FORMATS.items():
        small.save(folder / name, **options)
    small.convert("RGBA").save(folder / "transparent.png")
    small.convert("I;16").save(folder / "grey16.png")
    for kind in _ANIMATED:
        animation = hostile_pictures.animation(kind, 4, 64)
        (folder / f"animated.{kind.lower()}").write_bytes(animation)


def _slow(random: Random) -> tuple[bytes, str]:
    """A file that takes decoders long, of a random kind and size."""
    size = random.choice((10, 100, 1_000, 5_000))
    makers = {
        "scans": lambda: hostile_pictures.jpeg_of_scans(size, random.choice((64, 1_000, 4_000))),
        "segments": lambda: hostile_pictures.jpeg_of_segments(200 * size),
        "chunks": lambda: hostile_pictures.png_of_chunks(100 * size),
        "frames": lambda: hostile_pictures.gif_of_frames(100 * size),
        "runs": lambda: hostile_pictures.bmp_of_runs(1_000 * size, size),
        "digits": lambda: hostile_pictures.ppm_of_digits(min(size, 1_000)),
        "strips": lambda: hostile_pictures.tiff_of_strips(200 * size),
        "pages": lambda: hostile_pictures.tiff_of_pages(10 * size),
        "size": lambda: hostile_pictures.encoded("PNG", size, random.choice((1, 10, 2_000))),
    }
    name = random.choice(list(makers))
    return makers[name](), f"{size} x {name}"


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    files = sorted(valid.iterdir())
    path = random.choice(files)
    if random.random() < 0.15:
        content, mutation = _slow(random)
        if random.random() < 0.3:
            content, change = mutated_bytes(content, random, _HEADER_BYTES)
            mutation += f"; {change}"
    else:
        content, mutation = path.read_bytes(), ""
        for _ in range(random.choice((1, 1, 2, 5))):
            last = random.choice((None, _HEADER_BYTES))
            content, change = mutated_bytes(content, random, last)
            mutation += f"{change}; "
    target = folder / path.name
    target.write_bytes(content)
    describe_mutation(folder, f"{path.name}: {mutation}")
    command: list[object] = ["predict", target, "--jsonl", "--quiet", "--weights", "shipped"]
    if random.random() < 0.3:
        command += ["--crop", "none"]
    if random.random() < 0.2:
        command += ["--save-images", folder / "copies"]
    return run_command(command, f"{path.name}: {mutation}")


def picture_bytes(random: Random) -> bytes:
    """A small valid picture, as a member of archives."""
    buffer = io.BytesIO()
    colour = (random.randrange(256), random.randrange(256), random.randrange(256))
    Image.new("RGB", (48, 48), colour).save(buffer, random.choice(("JPEG", "PNG")))
    return buffer.getvalue()


KIND = Kind(name="pictures", set_up=_set_up, run=_run, hang=60.0)
