"""A small HTTP service on loopback that predicts ages and genders as a service of others would."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def finds_a_face(picture: bytes) -> bool:
    """Whether the service predicts for this file."""
    return _number(picture) % 4 > 0


def _number(picture: bytes) -> int:
    return hashlib.sha256(picture).digest()[0]


class _Service(BaseHTTPRequestHandler):
    """Predicts from a hash of the picture, and finds no face in every fourth."""

    def do_POST(self) -> None:
        picture = self.rfile.read(int(self.headers["Content-Length"]))
        number = _number(picture)
        face = {"age": 20 + number / 8, "female": number / 255}
        content = json.dumps({"faces": [face] if finds_a_face(picture) else []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def foreign_service() -> Iterator[str]:
    """Run the service in a thread; the value is its address, such as ``127.0.0.1:40123``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
