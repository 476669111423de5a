"""Metadata of exported files: ONNX metadata properties, or extra files in archives of torch.

* ``utkage_card``: the card of the weights, JSON.
* ``utkage_fingerprints``: fingerprints of the training images, as in weights files; base64 of
  little-endian int32.
* ``utkage_flip``: ``"true"`` if the graph averages with the mirrored chip.
* ``colour`` and ``layout`` of the chips; ``size``, or ``any`` if the graph resizes them.
* For programs without utkage: ``template`` (the five landmarks in the chip, JSON), ``ranges``
  (names, JSON), ``terms``, ``precision``, ``interval`` (level), ``weights_sha256`` (16 digits) and
  ``utkage_version``.

ONNX metadata is read through ONNX Runtime, which every user of such a file has.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError, WeightsError
from utkage.core.json_text import json_text
from utkage.core.versions import versions
from utkage.data.labels import RANGE_NAMES
from utkage.models.card import Card
from utkage.models.onnx_session import open_session, utf8_text

ONNX_SUFFIX = ".onnx"
CARD_PROPERTY = "utkage_card"
FINGERPRINTS_PROPERTY = "utkage_fingerprints"
FLIP_PROPERTY = "utkage_flip"


def is_onnx(path: Path) -> bool:
    """Whether a path has the suffix of an exported ONNX file."""
    return path.suffix.lower() == ONNX_SUFFIX


def card_metadata(card: Card, fingerprints: NDArray[np.int32], *, flip: bool) -> dict[str, str]:
    """The metadata that utkage itself reads back; ``fingerprints`` has the shape (n,)."""
    metadata = {
        CARD_PROPERTY: card.to_json(),
        FLIP_PROPERTY: "true" if flip else "false",
        "colour": card.contract.colour,
        "layout": "NHWC",
    }
    if len(fingerprints):
        encoded = base64.b64encode(fingerprints.astype("<i4").tobytes())
        metadata[FINGERPRINTS_PROPERTY] = encoded.decode("ascii")
    return metadata


def public_metadata(
    card: Card, weights_hash: str, precision: str, interval: float, any_size: bool
) -> dict[str, str]:
    """The metadata for programs that cannot read cards; ``interval`` is a level within 0..1."""
    return {
        "size": "any" if any_size else str(card.contract.size),
        "template": json_text(card.contract.template),
        "ranges": json_text(RANGE_NAMES),
        "terms": card.terms,
        "precision": precision,
        "interval": str(interval),
        "weights_sha256": weights_hash,
        "utkage_version": versions().get("utkage", "unknown"),
    }


def read_onnx_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of an exported ONNX file.

    Raises:
        UsageError: there is no such file.
        WeightsError: not an ONNX file, or one of another program.
    """
    import onnxruntime

    if not path.is_file():
        raise UsageError(f"{path}: no such ONNX file")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return session_metadata(open_session(path.read_bytes(), options, path), path)


def session_metadata(session: Any, path: Path) -> dict[str, str]:
    """The metadata of an open session; ``WeightsError`` if damaged, or of another program."""
    with utf8_text(path):
        metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if CARD_PROPERTY not in metadata:
        raise WeightsError(
            f"{path}: not a utkage ONNX file (no card); pass a file written by utkage export"
        )
    return metadata


def parse_card(metadata: dict[str, str], path: Path) -> Card:
    """The card in the metadata; ``WeightsError`` if it is damaged."""
    return Card.from_json(metadata[CARD_PROPERTY], str(path))


def parse_fingerprints(metadata: dict[str, str], path: Path) -> NDArray[np.int32]:
    """The fingerprints, int32 (n,), empty if there are none; ``WeightsError`` if damaged."""
    try:
        raw = base64.b64decode(metadata.get(FINGERPRINTS_PROPERTY, ""), validate=True)
        return np.frombuffer(raw, dtype="<i4").astype(np.int32)
    except (ValueError, binascii.Error) as error:
        raise WeightsError(f"{path}: its fingerprints are damaged") from error
