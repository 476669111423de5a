"""Small valid inputs that mutations start from."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from tools.documents import ROOT
from tools.examples.demo_set import make_demo_set

FACES = ROOT / "examples" / "faces"
PORTRAIT = ROOT / "examples" / "portrait.jpg"
STORE = "store"
CHIP = "chip.png"
CHIPS = 24
SIZE = 32
# Options that make an evaluation short.
QUICK = ("--resamples", "100", "--quiet")

Arrays = dict[str, NDArray[Any]]


def write_chip(folder: Path) -> Path:
    """One chip, which ``predict --crop none`` takes."""
    path = folder / CHIP
    with Image.open(FACES / "28-38_female.jpg") as picture:
        picture.convert("RGB").resize((200, 200)).save(path)
    return path


def write_store(folder: Path) -> Path:
    """A prepared set of drawn chips."""
    from utkage.data.sources.options import SourceOptions
    from utkage.data.split import SplitConfig
    from utkage.preparation.prepare import PrepareConfig, prepare

    make_demo_set(FACES, folder / "chips", CHIPS, seed=0)
    config = PrepareConfig(
        sources=(folder / "chips",),
        out=folder / STORE,
        chip_size=SIZE,
        split=SplitConfig(0, 0.3, 0.3),
        options=SourceOptions(aligned=True),
        workers=1,
    )
    prepare(config)
    return folder / STORE


def read_safetensors(path: Path) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header, content[8 + length :]


def safetensors_bytes(header: str, data: bytes) -> bytes:
    """A safetensors file with any text as its header."""
    encoded = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(encoded)) + encoded + data
