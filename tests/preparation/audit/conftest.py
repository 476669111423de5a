import hashlib
from collections.abc import Callable

import pytest

from utkage.data.labels import FaceLabel
from utkage.data.records import Record

MakeRecord = Callable[..., Record]


@pytest.fixture(scope="session")
def make_record() -> MakeRecord:
    """Makes a record whose pixels are named by ``pixels`` and whose hash has ``bits`` set."""

    def make(
        name: str,
        *,
        pixels: str | None = None,
        content: str | None = None,
        bits: int = 0,
        age: int = 30,
        gender: int = 0,
        race: int | None = 0,
        size: int = 200,
        constant: bool = False,
        source: str = "faces",
        wrong_extension: bool = False,
    ) -> Record:
        pixels = name if pixels is None else pixels
        content = name if content is None else content
        return Record(
            source=source,
            name=name,
            label=FaceLabel(age, gender, race),
            byte_hash=hashlib.sha256(content.encode()).hexdigest(),
            pixel_hash=hashlib.sha256(pixels.encode()).hexdigest(),
            perceptual=bits.to_bytes(32, "big"),
            width=size,
            height=size,
            aligned=True,
            wrong_extension=wrong_extension,
            constant=constant,
        )

    return make
