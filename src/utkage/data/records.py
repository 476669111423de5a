"""What the audit knows of one picture."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.data.labels import FaceLabel


@dataclass(frozen=True)
class Record:
    """One labelled picture that could be decoded.

    Attributes:
        source: Name of the source that it came from.
        name: File name in its source.
        label: What the source says of the face.
        byte_hash: SHA-256 (hex) of the file.
        pixel_hash: SHA-256 (hex) of the decoded picture at its original size.
        perceptual: 32 bytes of ``perceptual_hash``.
        width: Pixels.
        height: Pixels.
        wrong_extension: The content is of another format than the name's ending says.
        constant: All pixels have one colour, so there is nothing to see.
    """

    source: str
    name: str
    label: FaceLabel
    byte_hash: str
    pixel_hash: str
    perceptual: bytes
    width: int
    height: int
    wrong_extension: bool
    constant: bool


@dataclass(frozen=True)
class Dropped:
    """A picture that cannot be used at all, and why."""

    source: str
    name: str
    reason: str
