"""An RTSP server that sends one picture after the other as JPEG, for tests of streams.

RTSP 1.0 (RFC 2326) with RTP interleaved in its own connection, and JPEG in RTP (RFC 2435).
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = Callable[[int], NDArray[np.uint8]]

CLOCK = 90_000
PACKET = 1400
DESCRIPTION = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 26\r\nc=IN IP4 0.0.0.0\r\na=control:track\r\n"
)
ANSWERS = {
    "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
    "DESCRIBE": ("Content-Type: application/sdp\r\n", DESCRIPTION),
    "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
    "PLAY": ("Session: 1\r\n", ""),
    "TEARDOWN": ("Session: 1\r\n", ""),
}


@contextmanager
def rtsp_server(picture: Picture, count: int, rate: float) -> Iterator[str]:
    """Serve ``count`` frames to one client, then close the connection; yields the address.

    Args:
        picture: The frame of a number, uint8 RGB; sides are multiples of 16, below 2,040.
        count: Frames in all.
        rate: Frames a second.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        work = threading.Thread(target=_serve, args=(listener, picture, count, rate), daemon=True)
        work.start()
        yield f"rtsp://127.0.0.1:{listener.getsockname()[1]}/live"


def _serve(listener: socket.socket, picture: Picture, count: int, rate: float) -> None:
    connection, _ = listener.accept()
    with connection:
        try:
            _answer_until_play(connection)
            started, sequence = time.monotonic(), 0
            for index in range(count):
                time.sleep(max(0.0, started + index / rate - time.monotonic()))
                for packet in _packets(picture(index), sequence, round(index / rate * CLOCK)):
                    connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                    sequence += 1
        except OSError:
            # The client has seen enough.
            return


def _answer_until_play(connection: socket.socket) -> None:
    method, waiting = "", b""
    while method != "PLAY":
        while b"\r\n\r\n" not in waiting:
            received = connection.recv(4096)
            if not received:
                raise OSError("the client left")
            waiting += received
        head, _, waiting = waiting.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        method = lines[0].split()[0]
        (number,) = (line for line in lines if line.lower().startswith("cseq:"))
        fields, body = ANSWERS[method]
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        connection.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{fields}{length}\r\n{body}".encode())


def _packets(picture: NDArray[np.uint8], sequence: int, stamp: int) -> Iterator[bytes]:
    """RTP packets of one frame."""
    tables, scan = _parts(picture)
    height, width = picture.shape[:2]
    offset = 0
    while offset < len(scan):
        part = scan[offset : offset + PACKET]
        last = offset + len(part) == len(scan)
        head = struct.pack(">BBHII", 0x80, 26 | last << 7, sequence & 0xFFFF, stamp, 1)
        # Type 1: chroma halved in both directions; quality 255: tables are in the first packet.
        about = struct.pack(">IBBBB", offset, 1, 255, width // 8, height // 8)
        if not offset:
            about += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield head + about + part
        offset, sequence = offset + len(part), sequence + 1


def _parts(picture: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """Quantisation tables and entropy-coded data of a baseline JPEG."""
    halved = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)
    options = [cv2.IMWRITE_JPEG_QUALITY, 90, *halved]
    data = cv2.imencode(".jpg", picture[..., ::-1], options)[1].tobytes()
    place, tables = 2, b""
    while True:
        marker, length = struct.unpack_from(">HH", data, place)
        content = data[place + 4 : place + 2 + length]
        place += 2 + length
        if marker == 0xFFDB:
            # Each table behind a byte that numbers it.
            tables += b"".join(content[at + 1 : at + 65] for at in range(0, len(content), 65))
        if marker == 0xFFDA:
            return tables, data[place:-2]
