"""Encodings that a label file may be in."""

from __future__ import annotations

import pytest

from utkage.data.label_files.text import BYTES, decodings

TEXT = "path,age\nŁukasz é.jpg,25\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_and_utf_8_leave_no_choice(encoding: str) -> None:
    ((_, text),) = decodings(TEXT.encode(encoding))
    assert text == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zeros(encoding: str) -> None:
    ((found, text),) = decodings("path,age\na.jpg,25\n".encode(encoding))
    assert (found, text) == (encoding, "path,age\na.jpg,25\n")


def test_other_bytes_may_be_in_several_encodings_and_are_kept_as_they_are_first() -> None:
    content = "Müller.jpg".encode("cp1252")
    (first, kept), *others = decodings(content)
    assert first == BYTES
    assert kept.encode("utf-8", "surrogateescape") == content
    assert dict(others)["cp1252"] == "Müller.jpg"
    assert "cp932" not in dict(others), "no such character there"


def test_bytes_with_few_zeros_are_not_utf_16() -> None:
    assert next(decodings(b"ab\0c\xff"))[0] == BYTES
    assert next(decodings(b""))[0] == "UTF-8"
