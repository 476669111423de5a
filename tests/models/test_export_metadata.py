import json
from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import UsageError, WeightsError
from utkage.models.card import Card
from utkage.models.export_metadata import (
    FINGERPRINTS_PROPERTY,
    card_metadata,
    parse_card,
    parse_fingerprints,
    public_metadata,
    read_onnx_metadata,
)

PATH = Path("a.onnx")
EDGES = np.array([-(2**31), -5, 0, 2**31 - 1], dtype=np.int32)


def test_card_and_fingerprints_come_back(card: Card) -> None:
    metadata = card_metadata(card, EDGES, flip=True)
    assert parse_card(metadata, PATH) == card
    found = parse_fingerprints(metadata, PATH)
    assert found.dtype == np.int32
    assert found.tolist() == EDGES.tolist()
    assert (metadata["utkage_flip"], metadata["layout"]) == ("true", "NHWC")


def test_files_without_fingerprints_have_none(card: Card) -> None:
    metadata = card_metadata(card, EDGES[:0], flip=False)
    assert FINGERPRINTS_PROPERTY not in metadata
    assert len(parse_fingerprints(metadata, PATH)) == 0


@pytest.mark.parametrize("text", ["no base64!", "AAA="])
def test_damaged_fingerprints_name_the_file(text: str) -> None:
    with pytest.raises(WeightsError, match=r"a\.onnx: its fingerprints are damaged"):
        parse_fingerprints({FINGERPRINTS_PROPERTY: text}, PATH)


@pytest.mark.parametrize(("any_size", "size"), [(False, "64"), (True, "any")])
def test_public_metadata_are_texts(card: Card, any_size: bool, size: str) -> None:
    metadata = public_metadata(card, "0123", "fp16", 0.9, any_size)
    assert metadata["size"] == size
    assert (metadata["weights_sha256"], metadata["interval"]) == ("0123", "0.9")
    assert len(json.loads(metadata["template"])) == 5
    assert len(json.loads(metadata["ranges"])) == 9
    assert all(isinstance(value, str) for value in metadata.values())


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such ONNX file"):
        read_onnx_metadata(tmp_path / "none.onnx")
