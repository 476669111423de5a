"""Pictures in texts: ``data:`` URIs, and the paths of ``file:`` URLs."""

from __future__ import annotations

import base64
import binascii
import os
import re
from urllib.parse import unquote_to_bytes

from utkage.core.errors import ImageError

_SPACE = re.compile(rb"\s+")
# The host, if there is one, is this machine.
_FILE_URL = re.compile(r"file:(?://[^/?#]*)?([^?#]*)", re.IGNORECASE | re.DOTALL)


def is_data_uri(text: str) -> bool:
    """Whether a text holds a picture itself: ``data:image/png;base64,...``."""
    return text[:5].lower() == "data:" and "," in text


def is_file_url(text: str) -> bool:
    """Whether a text is an address of a local file: ``file:///...``."""
    return text[:5].lower() == "file:"


def data_name(uri: str) -> str:
    """A short name for a ``data:`` URI in rows, such as ``data:image/png;base64``."""
    return uri.partition(",")[0]


def data_content(uri: str) -> bytes:
    """The content of a ``data:`` URI.

    Raises:
        ImageError: its base64 is damaged.
    """
    head, _, body = uri.partition(",")
    content = unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return content
    content = _SPACE.sub(b"", content).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        # Some programs drop the padding.
        return base64.b64decode(content + b"=" * (-len(content) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{data_name(uri)}: damaged base64 ({error}); encode it again") from error


def local_path(name: str) -> str:
    """The path that a ``file:`` URL stands for; any other name as it is.

    >>> local_path("file:///home/me/a%20b.jpg"), local_path("a%20b.jpg")
    ('/home/me/a b.jpg', 'a%20b.jpg')
    """
    found = _FILE_URL.match(name)
    if found is None:
        return name
    if os.name != "nt":
        return os.fsdecode(unquote_to_bytes(found[1]))
    # Loads the HTTP client, which takes longer than a small picture does.
    from urllib.request import url2pathname

    return url2pathname(found[1])
