"""Records of single pictures: decoded ones, and dropped ones with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from utkage.data.labels import FaceLabel


@dataclass(frozen=True, kw_only=True)
class Record:
    """One labelled picture that could be decoded.

    Attributes:
        source: Name of its source.
        name: File name in its source.
        label: Age, gender and race as the source labels them.
        byte_hash: SHA-256 (hex) of the file.
        pixel_hash: SHA-256 (hex) of the decoded picture at its original size.
        perceptual: Perceptual hash, 32 bytes.
        width: Pixels.
        height: Pixels.
        aligned: Whether it came as an aligned chip; otherwise its face was detected and aligned.
        wrong_extension: Whether the name's extension does not match the file's format.
        constant: Whether all pixels have the same colour.
    """

    source: str
    name: str
    label: FaceLabel
    byte_hash: str
    pixel_hash: str
    perceptual: bytes
    width: int
    height: int
    aligned: bool
    wrong_extension: bool
    constant: bool


@dataclass(frozen=True)
class Dropped:
    """A picture that cannot be used at all, and the reason."""

    source: str
    name: str
    reason: str
