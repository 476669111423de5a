"""What an exported file says about itself: in the metadata of ONNX, in extra files of torch.

* ``utkage_card``: the card of the weights, JSON.
* ``utkage_fingerprints``: pictures that were learned from, as in weights files; base64 of
  little-endian int32.
* ``utkage_flip``: ``"true"`` if the averaging with the mirrored chip is inside.
* ``colour`` and ``layout`` of the chips; ``size``, or ``any`` where the file resizes them itself.
* For strangers, from the card or beside it: ``template`` (the five landmarks in the chip, JSON),
  ``ranges`` (names, JSON), ``terms``, ``precision``, ``interval`` (level), ``weights_sha256`` (16
  digits) and ``utkage_version``.

Those of ONNX files are read through ONNX Runtime, which every user of such a file has.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError, WeightsError
from utkage.core.versions import versions
from utkage.data.labels import RANGE_NAMES
from utkage.models.card import Card

ONNX_SUFFIX = ".onnx"
CARD_PROPERTY = "utkage_card"
FINGERPRINTS_PROPERTY = "utkage_fingerprints"
FLIP_PROPERTY = "utkage_flip"


def file_properties(card: Card, fingerprints: NDArray[np.int32], *, flip: bool) -> dict[str, str]:
    """What a file says about itself, by name.

    Args:
        card: Of the weights inside.
        fingerprints: Of the pictures that were learned from, (n,).
        flip: Whether flip averaging is inside.
    """
    properties = {
        CARD_PROPERTY: card.to_json(),
        FLIP_PROPERTY: "true" if flip else "false",
        "colour": card.contract.colour,
        "layout": "NHWC",
    }
    if len(fingerprints):
        properties[FINGERPRINTS_PROPERTY] = encode_fingerprints(fingerprints)
    return properties


def self_description(
    card: Card, weights_hash: str, precision: str, interval: float, any_size: bool
) -> dict[str, str]:
    """What a program that knows nothing of our cards wants to know, by name.

    Args:
        card: Of the weights inside.
        weights_hash: Of the weights file.
        precision: Of the stored numbers.
        interval: Level of the age interval that is answered.
        any_size: Whether chips of any size are taken.
    """
    return {
        "size": "any" if any_size else str(card.contract.size),
        "template": json.dumps(card.contract.template),
        "ranges": json.dumps(RANGE_NAMES),
        "terms": card.terms,
        "precision": precision,
        "interval": str(interval),
        "weights_sha256": weights_hash,
        "utkage_version": versions().get("utkage", "unknown"),
    }


def open_session(model: bytes, options: Any, path: Path) -> Any:
    """An ONNX Runtime session on the processor; ``path`` names the file in errors.

    Raises:
        WeightsError: ONNX Runtime cannot run it.
    """
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise WeightsError(f"{path}: not an ONNX file that can be run") from error


def read_properties(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file of ours.

    Raises:
        UsageError: there is no such file.
        WeightsError: not an ONNX file, or one of another program.
    """
    import onnxruntime

    if not path.is_file():
        raise UsageError(f"{path}: no such ONNX file")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return properties_of(open_session(path.read_bytes(), options, path), path)


def properties_of(session: Any, path: Path) -> dict[str, str]:
    """The metadata of an open session.

    Raises:
        WeightsError: the file is of another program.
    """
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    if CARD_PROPERTY not in found:
        raise WeightsError(
            f"{path}: an ONNX file of another program; utkage runs files that 'utkage export' wrote"
        )
    return found


def card_of(properties: dict[str, str], path: Path) -> Card:
    """The card among the metadata.

    Raises:
        WeightsError: it is damaged.
    """
    return Card.from_json(properties[CARD_PROPERTY], str(path))


def encode_fingerprints(fingerprints: NDArray[np.int32]) -> str:
    """Fingerprints as metadata; ``fingerprints_of`` reads them back."""
    return base64.b64encode(fingerprints.astype("<i4").tobytes()).decode("ascii")


def fingerprints_of(properties: dict[str, str], path: Path) -> NDArray[np.int32]:
    """The fingerprints among the metadata, int32 (n,); none if it has none.

    Raises:
        WeightsError: they are damaged.
    """
    try:
        raw = base64.b64decode(properties.get(FINGERPRINTS_PROPERTY, ""), validate=True)
        return np.frombuffer(raw, dtype="<i4").astype(np.int32)
    except (ValueError, binascii.Error) as error:
        raise WeightsError(f"{path}: its fingerprints are damaged") from error
