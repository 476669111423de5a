from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utkage.core.errors import ConfigError
from utkage.core.toml_file import LINE, parse_toml, read_toml, toml_lines, toml_table

PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8")),
)


@given(st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), PLAIN | st.lists(PLAIN)))
def test_lines_are_read_back(table: dict[str, object]) -> None:
    text = toml_lines(table, dict.fromkeys(table, "words = [not a table]"))
    assert parse_toml(text) == table


def test_lines_have_comments_and_skip_none() -> None:
    text = toml_lines({"a": 1, "b": None, "c": [1, "x"]}, {"a": "long words " * 20, "b": "no"})
    lines = text.splitlines()
    assert lines[-2:] == ["a = 1", 'c = [1, "x"]']
    assert all(line.startswith("# ") and len(line) <= LINE for line in lines[:-2])


def test_tables_with_tables() -> None:
    value = {"a": 1, "b": {"c": None, "d": {"e": "f"}}, "g": [None, 2]}
    assert parse_toml(toml_table("t", value)) == {"t": {"a": 1, "b": {"d": {"e": "f"}}, "g": [2]}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = \n", "line 1"),
        (b"a = 1\na = 2\n", "line 2"),
        (b"\xff\xfe", "not TOML"),
        (b"a = " + b"[" * 100_000, "not TOML .*nested"),
        (b"a = " + b"[" * 50 + b"]" * 50, "nested deeper than 32 levels"),
        (b"[" + b".".join([b"a"] * 50) + b"]", "nested deeper than 32 levels"),
        (b"#" * 17_000_000, "longer than"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_toml(path)
    assert str(path) in str(caught.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            read_toml(path)


def test_windows_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 'c'\r\n")
    assert read_toml(path) == {"a": 1, "b": "c"}


def test_a_device_without_end_is_not_read() -> None:
    with pytest.raises(ConfigError, match=r"/dev/zero: is longer than"):
        read_toml(Path("/dev/zero"))
