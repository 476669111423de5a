"""The lists of formats and layouts, and files of other programs."""

from __future__ import annotations

import pytest

from utkage.core.errors import DataError
from utkage.data.label_files import read_label_file
from utkage.data.label_files.named_columns import NamedColumns
from utkage.data.label_files.registry import (
    BINARY_FORMATS,
    FOREIGN,
    SUFFIXES,
    TEXT_FORMATS,
    layout_of,
    understood,
)
from utkage.data.label_files.settings import LabelSettings


def test_every_suffix_belongs_to_one_format() -> None:
    assert len(set(SUFFIXES)) == len(SUFFIXES)
    assert not set(SUFFIXES) & set(FOREIGN)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)
    assert TEXT_FORMATS[-1].suffixes[0] == ".csv", "which reads files of any other suffix"


def test_no_start_of_a_binary_format_is_the_start_of_another() -> None:
    starts = [start for form in BINARY_FORMATS for start in form.starts]
    for start in starts:
        assert [other for other in starts if other.startswith(start)] == [start]


def test_a_header_is_measured_by_the_best_layout() -> None:
    settings = LabelSettings()
    assert understood(("path", "age", "gender", "weight"), settings) == 3
    assert understood(("weight", "height"), settings) == 0
    assert isinstance(layout_of(("weight",), settings), NamedColumns)


@pytest.mark.parametrize(("name", "text"), [("t.xlsx", "Excel"), ("t.pkl", "pickle")])
def test_other_files_say_what_to_do(name: str, text: str) -> None:
    with pytest.raises(DataError, match=f"{text}.*CSV"):
        read_label_file(b"PK\x03\x04", name)
