"""``multipart/form-data``, read in memory; nothing is written to the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# Fields hold options of a request, which are few and short.
_MOST_FIELDS = 20
_FIELD_BYTES = 1000


class FormError(Exception):
    """A form cannot be read; the message says why."""


class TooManyFilesError(FormError):
    """A form has more files than allowed."""


@dataclass
class Form:
    """Name and text of each field, and name and content of each file, in their order."""

    fields: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)


def read_form(content_type: str, content: bytes, *, most_files: int) -> Form:
    """Read a form.

    Args:
        content_type: The header of that name, with the boundary.
        content: The body.
        most_files: Largest number of files.

    Raises:
        TooManyFilesError: it has more files.
        FormError: it is malformed, or has too many fields.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise FormError("its Content-Type has no boundary")
    parts = _Parts(most_files)
    try:
        parser = MultipartParser(boundary, parts.callbacks)
        parser.write(content)
        parser.finalize()
    except FormParserError as error:
        raise FormError(str(error)) from error
    if not parts.is_complete:
        raise FormError("it ends early")
    return parts.form


class _Parts:
    """Receives the parts of a form from the parser, as slices of the body."""

    def __init__(self, most_files: int) -> None:
        self.form = Form()
        self._most_files, self._parts = most_files, 0
        self._disposition, self._name, self._value = b"", b"", b""
        self._field = ""
        self._file: str | None = None
        self._content = bytearray()
        self.is_complete = False

    @property
    def callbacks(self) -> MultipartCallbacks:
        """Methods by the names that the parser calls them."""
        return {
            "on_part_begin": self.begin,
            "on_header_field": self.header_name,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_headers_finished": self.headers_finished,
            "on_part_data": self.data,
            "on_part_end": self.end_part,
            "on_end": self.end,
        }

    def begin(self) -> None:
        # Reading a part takes long for its size, so that a million of them are not read.
        self._parts += 1
        if self._parts > self._most_files + _MOST_FIELDS:
            raise TooManyFilesError
        self._disposition = b""
        self._content = bytearray()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def headers_finished(self) -> None:
        _, found = parse_options_header(self._disposition)
        if b"name" not in found:
            raise FormError("a part has no name")
        self._field = _text(found[b"name"])
        self._file = _text(found[b"filename"]) if b"filename" in found else None

    def data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]
        if self._file is None and len(self._content) > _FIELD_BYTES:
            raise FormError(
                f"the field {self._field[:100]!r} is longer than {_FIELD_BYTES:,} bytes"
            )

    def end_part(self) -> None:
        if self._file is None:
            self.form.fields.append((self._field, _text(bytes(self._content))))
            if len(self.form.fields) > _MOST_FIELDS:
                raise FormError(f"it has more than {_MOST_FIELDS} fields")
        # Browsers send a file without a name and content where none was chosen.
        elif self._file or self._content:
            if len(self.form.files) == self._most_files:
                raise TooManyFilesError
            self.form.files.append((self._file or self._field, bytes(self._content)))
        self._content = bytearray()

    def end(self) -> None:
        self.is_complete = True


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
