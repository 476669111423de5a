from pathlib import Path

import pytest

from utkage.core.errors import ConfigError, UsageError
from utkage.exporting.export import ExportRequest
from utkage.exporting.formats import FORMATS, get_format
from utkage.exporting.precision import DEFAULT_PRECISION, PRECISIONS


def test_every_format_supports_the_default_and_only_known_precisions() -> None:
    for name, form in FORMATS.items():
        assert form.name == name
        assert form.suffix.startswith(".")
        assert DEFAULT_PRECISION in form.precisions
        assert set(form.precisions) <= set(PRECISIONS)
    assert FORMATS["onnx"].precisions == tuple(PRECISIONS)


def test_unknown_formats_list_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="choose one of onnx, torchscript, pt2, web"):
        get_format("tflite")


def test_requests_check_format_precision_and_interval() -> None:
    with pytest.raises(ConfigError, match="`precision` fp16: `format` pt2 supports fp32"):
        ExportRequest(format="pt2", precision="fp16")
    with pytest.raises(ConfigError, match="choose one of"):
        ExportRequest(format="tflite")
    for level in (0.0, 1.0):
        with pytest.raises(ConfigError, match="`interval`"):
            ExportRequest(interval=level)


@pytest.mark.parametrize(
    ("form", "given", "written"),
    [
        ("onnx", "model", "model.onnx"),
        ("onnx", "model.v2", "model.v2.onnx"),
        ("onnx", "MODEL.ONNX", "MODEL.ONNX"),
        ("torchscript", "model", "model.torchscript"),
        ("torchscript", "model.pt", "model.pt"),
        ("pt2", "folder/model", "folder/model.pt2"),
    ],
)
def test_files_get_a_suffix_that_is_recognised(form: str, given: str, written: str) -> None:
    assert get_format(form).with_suffix(Path(given)) == Path(written)


@pytest.mark.parametrize(
    ("form", "given", "message"),
    [
        ("onnx", "q.tflite", "utkage writes no such files; name a file that ends"),
        ("torchscript", "q.TFLITE", "utkage writes no such files; name a file that ends"),
        ("pt2", "q.mlpackage", "utkage writes no such files; name a file that ends"),
        ("onnx", "q.pt2", "pass `format=pt2`"),
        ("torchscript", "q.onnx", "pass `format=onnx`"),
    ],
)
def test_files_do_not_get_the_suffix_of_another_format(form: str, given: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        get_format(form).with_suffix(Path(given))


def test_a_web_page_is_not_an_export_of_one_file() -> None:
    with pytest.raises(ConfigError, match="export_web"):
        ExportRequest(format="web")


def test_the_operator_set_is_checked_at_once() -> None:
    with pytest.raises(ConfigError, match="`opset` 17: choose 18 to 21"):
        ExportRequest(opset=17)
    with pytest.raises(ConfigError, match="`opset` is for ONNX files"):
        ExportRequest(opset=20, format="pt2")
