"""Records of single pictures: decoded ones, and dropped ones with the reason."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from utkage.data.labels import FaceLabel
from utkage.faces.contract import Point


@dataclass(frozen=True, kw_only=True, slots=True)
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
        attributes: Values of further columns of the label file by name.
        landmarks: The five landmarks of ``faces.detector.Face`` in pixels of the picture; empty for
            chips, and for photographs of former versions.
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
    attributes: Mapping[str, str] = field(default_factory=dict)
    landmarks: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """A picture that cannot be used at all, and the reason."""

    source: str
    name: str
    reason: str


# What differs between reasons of one kind: the line of a label file with what was tried, values in
# quotes, and sizes of pictures.
_PLACE = re.compile(r" \((?P<place>[^()]+ line \d+)\)(; tried .*)?$")
_VALUE = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\b\d+x\d+(?= pixels)|(?<=age )\d+(?= is)"""
)


def by_kind(items: Iterable[Dropped]) -> dict[str, list[Dropped]]:
    """Group dropped pictures by the kind of their reason.

    Returns:
        The pictures by a title: the reason without the line of the label file, and without values
        where they differ.
    """
    kinds: dict[str, list[Dropped]] = defaultdict(list)
    for item in items:
        kinds[_VALUE.sub("...", _PLACE.sub("", item.reason))].append(item)
    titles: dict[str, list[Dropped]] = {}
    for kind, members in kinds.items():
        reasons = {_PLACE.sub("", item.reason) for item in members}
        titles[reasons.pop() if len(reasons) == 1 else kind] = members
    return titles


def first_place(items: Sequence[Dropped]) -> str:
    """Where the first of several pictures is: the line of a label file, or its name."""
    match = _PLACE.search(items[0].reason)
    return items[0].name if match is None else match["place"]
