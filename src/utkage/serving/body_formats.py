"""From the bytes of a body to pictures: multipart, a picture as it is, or JSON with base64."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import HTTPException

from utkage.core.errors import ImageError
from utkage.core.text import encodable
from utkage.images.addresses import data_content, is_data_uri
from utkage.images.download import is_url
from utkage.images.formats import is_picture
from utkage.images.picture_input import PictureInput
from utkage.serving.form import FormError, TooManyFilesError, read_form
from utkage.serving.settings import ServeSettings

FORM = "multipart/form-data"
JSON = "application/json"
_ANY_TYPE = ("application/octet-stream", "")
HELP = (
    "send pictures as multipart/form-data (curl -F picture=@a.jpg), one picture as the body "
    "(curl -H 'Content-Type: image/jpeg' --data-binary @a.jpg), or JSON: "
    '{"pictures": [{"name": "a.jpg", "data": "<base64>"}]}'
)
# Names stand in every row and message of a picture.
_NAME_CHARACTERS = 1024
# JSON with pictures has few values, and long ones; a million small ones would take much memory.
_MOST_JSON_VALUES = 10_000


@dataclass(frozen=True)
class Body:
    """The pictures of a request, and the options in its body, as name and value."""

    pictures: list[PictureInput]
    options: tuple[tuple[str, Any], ...] = ()


def pictures_in_body(
    content_type: str, content: bytes, name: str | None, settings: ServeSettings
) -> Body:
    """The pictures and options in a body.

    The source of a picture is its content, or its address if the server reads those.

    Args:
        content_type: The header of that name; a picture is recognised whatever it says.
        content: The body.
        name: Name of a picture that is the body itself.
        settings: Number of pictures, and whether addresses are read.

    Raises:
        HTTPException: 400 for what cannot be read, 413 for too many pictures, 415 for another type
            of content.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        body = _from_form(content_type, content, settings.most_pictures)
    elif kind == JSON:
        body = _from_json(content, settings)
    elif is_picture(content) or kind.startswith("image/") or kind in _ANY_TYPE:
        body = Body([_picture(name or "picture", content)] if content else [])
    else:
        raise HTTPException(415, f"content of type {kind[:100]!r} is not read; {HELP}")
    if name is not None and kind in (FORM, JSON):
        raise HTTPException(400, f"the option name is for one picture as the body; {HELP}")
    if not body.pictures:
        raise HTTPException(400, f"there is no picture in the request; {HELP}")
    return body


def _picture(name: str, source: bytes | str) -> PictureInput:
    if len(name) > _NAME_CHARACTERS:
        raise HTTPException(400, f"a name is longer than {_NAME_CHARACTERS:,} characters")
    return PictureInput(encodable(name), source)


def _too_many(most: int) -> HTTPException:
    return HTTPException(413, f"more than {most} pictures; send fewer at once")


def _from_form(content_type: str, content: bytes, most: int) -> Body:
    try:
        form = read_form(content_type, content, most_files=most)
    except TooManyFilesError as error:
        raise _too_many(most) from error
    except FormError as error:
        raise HTTPException(400, f"the form cannot be read: {error}; {HELP}") from error
    return Body([_picture(name, file) for name, file in form.files], tuple(form.fields))


def _from_json(content: bytes, settings: ServeSettings) -> Body:
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_JSON_VALUES:
        raise HTTPException(400, f"the JSON has more than {_MOST_JSON_VALUES:,} values; {HELP}")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is not JSON; {HELP}") from error
    if not isinstance(found, dict) or not isinstance(found.get("pictures"), list):
        raise HTTPException(400, f"the JSON has no list of pictures; {HELP}")
    pictures = found.pop("pictures")
    if len(pictures) > settings.most_pictures:
        raise _too_many(settings.most_pictures)
    read = partial(_from_value, allow_addresses=settings.allow_addresses)
    return Body(
        [read(f"pictures[{number}]", each) for number, each in enumerate(pictures)],
        tuple(found.items()),
    )


def _from_value(place: str, value: Any, *, allow_addresses: bool) -> PictureInput:
    given: Mapping[str, Any] = value if isinstance(value, dict) else {"data": value}
    unknown = next((key for key in given if key not in ("name", "data", "url")), None)
    if unknown is not None:
        raise HTTPException(400, f"{place}: there is no {unknown[:100]!r}; use data and name")
    if ("data" in given) == ("url" in given):
        raise HTTPException(400, f'{place}: needs "data", base64 of a picture file, as text')
    source = given.get("data", given.get("url"))
    name = given.get("name", source if "url" in given else place)
    if not isinstance(name, str) or not isinstance(source, str):
        raise HTTPException(400, f"{place}: data, url and name are texts")
    if "url" in given:
        if not allow_addresses:
            raise HTTPException(
                400, f"{place}: this server reads no addresses (--allow-addresses); send data"
            )
        if not is_url(source):
            raise HTTPException(400, f"{place}: is not an http:// or https:// address")
        return _picture(name, source)
    try:
        return _picture(name, _decoded(source))
    except (binascii.Error, ValueError, ImageError) as error:
        raise HTTPException(400, f"{place}: is not base64 ({error})") from error


def _decoded(data: str) -> bytes:
    # Browsers read files as data: URIs; many programs break lines after 76 characters.
    if is_data_uri(data):
        return data_content(data)
    return base64.b64decode("".join(data.split()), validate=True)
