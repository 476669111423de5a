"""From the body of a request to pictures: multipart, a picture as it is, or JSON with base64."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from utkage.images.inputs import PictureInput
from utkage.serving.settings import ServeSettings

# As nginx calls it in its log; nobody receives it.
CLIENT_GONE = 499
_FORM = "multipart/form-data"
_JSON = "application/json"
_HELP = (
    "send pictures as multipart/form-data, one picture as the body (image/jpeg and the like), or "
    'JSON: {"pictures": [{"name": "a.jpg", "data": "<base64>"}]}'
)


@dataclass(frozen=True)
class Body:
    """The pictures of a request, and the options in it, by name."""

    pictures: list[PictureInput]
    options: Mapping[str, Any] = field(default_factory=dict)


class _InMemory(MultiPartParser):
    # Nothing is written to the disk, not even for a moment; the size of the body is limited.
    spool_max_size = 2**63


async def read_body(request: Request, settings: ServeSettings) -> Body:
    """Read the pictures of a request, within the limits.

    Raises:
        HTTPException: 400 for what cannot be read, 413 for what is over a limit, 415 for another
            type of content, 499 if the client has gone.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _FORM:
        body = await _from_form(request, settings)
    elif kind == _JSON:
        body = _from_json(await _all_bytes(request, settings))
    elif kind.startswith("image/") or kind in ("application/octet-stream", ""):
        content = await _all_bytes(request, settings)
        body = Body([_picture(request.query_params.get("name", "picture"), content)])
    else:
        raise HTTPException(415, f"content of type {kind!r} is not read; {_HELP}")
    if not body.pictures:
        raise HTTPException(400, f"there is no picture in the request; {_HELP}")
    if len(body.pictures) > settings.max_pictures:
        raise HTTPException(413, f"more than {settings.max_pictures} pictures; send fewer at once")
    return body


def _picture(name: str, content: bytes) -> PictureInput:
    return PictureInput(name or "picture", content)


async def _limited(request: Request, settings: ServeSettings) -> AsyncIterator[bytes]:
    refusal = HTTPException(413, f"the body is longer than {settings.max_bytes:,} bytes")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > settings.max_bytes:
        raise refusal
    count = 0
    try:
        async for part in request.stream():
            count += len(part)
            if count > settings.max_bytes:
                raise refusal
            yield part
    except ClientDisconnect as error:
        raise HTTPException(CLIENT_GONE, "the client has gone") from error


async def _all_bytes(request: Request, settings: ServeSettings) -> bytes:
    return b"".join([part async for part in _limited(request, settings)])


async def _from_form(request: Request, settings: ServeSettings) -> Body:
    parser = _InMemory(
        request.headers,
        _limited(request, settings),  # type: ignore[arg-type]
        max_files=settings.max_pictures + 1,
        max_fields=20,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        status = 413 if "Too many files" in error.message else 400
        raise HTTPException(status, f"the form cannot be read: {error.message}") from error
    except KeyError as error:
        raise HTTPException(400, "the form cannot be read: no boundary in its type") from error
    pictures, options = [], {}
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                pictures.append(_picture(value.filename or name, await value.read()))
            else:
                options[name] = value
    finally:
        await form.close()
    return Body(pictures, options)


def _from_json(content: bytes) -> Body:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("pictures"), list):
        raise HTTPException(400, f"the JSON has no list of pictures; {_HELP}")
    pictures = [_from_base64(number, each) for number, each in enumerate(found.pop("pictures"))]
    return Body(pictures, found)


def _from_base64(number: int, picture: Any) -> PictureInput:
    place = f"pictures[{number}]"
    given = picture if isinstance(picture, dict) else {"data": picture}
    name, data = given.get("name", place), given.get("data")
    if not isinstance(name, str) or not isinstance(data, str):
        raise HTTPException(400, f'{place}: needs "data", base64 of a picture file, as text')
    try:
        return _picture(name, base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, f"{place}: is not base64 ({error})") from error
