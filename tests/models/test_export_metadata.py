import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from utkage.core.errors import UsageError, WeightsError
from utkage.models.card import Card
from utkage.models.export_metadata import (
    FINGERPRINTS_PROPERTY,
    card_metadata,
    parse_card,
    parse_fingerprints,
    public_metadata,
    read_onnx_metadata,
    session_metadata,
)
from utkage.models.onnx_session import open_session, require_chip_graph

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


@pytest.mark.parametrize(
    ("valid", "damaged"), [(b"NHWC", b"NH\x8fC"), (b"chips", b"chip\xfb"), (b"count", b"\xffount")]
)
def test_text_that_is_not_utf8(card: Card, tmp_path: Path, valid: bytes, damaged: bytes) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(_model(card).replace(valid, damaged))
    session = open_session(path.read_bytes(), onnxruntime.SessionOptions(), path)
    with pytest.raises(WeightsError, match=r"damaged\.onnx: .* not UTF-8; export it again"):
        _read_all_text(session, path)


def _read_all_text(session: onnxruntime.InferenceSession, path: Path) -> None:
    session_metadata(session, path)
    require_chip_graph(session, 8, path)


def _model(card: Card) -> bytes:
    """A graph that passes its input on, with the metadata of an export."""
    shape = ["count", 8, 8, 3]
    chips, copied = (
        helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
        for name in ("chips", "copied")
    )
    graph = helper.make_graph(
        [helper.make_node("Identity", ["chips"], ["copied"])], "graph", [chips], [copied]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, card_metadata(card, np.empty(0, np.int32), flip=True))
    content: bytes = model.SerializeToString()
    return content
