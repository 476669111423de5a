"""Who may use a server: holders of its token, or anybody but the pages of other sites.

A browser lets every page send requests to 127.0.0.1, and a page whose own name server says that its
name is 127.0.0.1 may even read the responses (DNS rebinding). Such requests show where they come
from: ``Origin`` names the page, ``Host`` the name that the browser looked up.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any

from fastapi import HTTPException, Request
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Application = Callable[[_Message, _Receive, _Send], Awaitable[None]]
# An IPv6 address in brackets, or a name or IPv4 address, and a port.
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::\d*)?", re.ASCII)
_READING = ("GET", "HEAD", "OPTIONS")


class RefuseForeignPages:
    """An application that refuses requests from the pages of other sites, with 403.

    A server with a token does not need it: no page knows the token.

    Args:
        app: Gets all other requests.
        names: Names of the server besides IP addresses, names without a dot and ``*.localhost``,
            which no foreign site can have.
    """

    def __init__(self, app: _Application, names: tuple[str, ...]) -> None:
        self._app = app
        self._names = frozenset(name.lower().rstrip(".") for name in names)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer a request, or pass it on."""
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await JSONResponse({"error": problem}, 403)(scope, receive, send)

    def _problem(self, scope: _Message) -> str | None:
        headers = Headers(scope=scope)
        host = headers.get("host")
        # Every browser sends it; a client of HTTP/1.0 may leave it out.
        if host is not None and not self._is_own(_name(host)):
            return (
                f"this server is not known by the name {host[:100]!r}; start it with --server-name "
                "and that name, or with a token"
            )
        origin = headers.get("origin")
        if origin is None or scope["method"] in _READING:
            return None
        place = origin.partition("://")[2].lower()
        if place and (place == (host or "").lower() or _name(place) in self._names):
            return None
        return "pages of other sites may not use this server; a token (--token-file) opens it"

    def _is_own(self, name: str) -> bool:
        if "." not in name and ":" not in name:
            return bool(name)
        return name in self._names or name.endswith(".localhost") or _is_ip_address(name)


def _name(host: str) -> str:
    """The name in ``name:port``; empty if there is none."""
    found = _HOST.fullmatch(host)
    return "" if found is None else (found[1] or found[2]).lower().rstrip(".")


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Bearer:
    """Checks the token of a request.

    Args:
        token: The token; None lets everybody pass.
    """

    def __init__(self, token: str | None) -> None:
        self._token = token

    def check(self, request: Request) -> None:
        """Let a request with the token pass.

        Raises:
            HTTPException: 401 without the token.
        """
        if self._token is None:
            return
        given = request.headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        is_right = hmac.compare_digest(token.strip().encode(), self._token.encode())
        if not (is_right and scheme.lower() == "bearer"):
            raise HTTPException(
                401,
                "a token is needed; send the header Authorization: Bearer TOKEN, once",
                {"WWW-Authenticate": "Bearer"},
            )
