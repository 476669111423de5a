"""A local video never uses the network, and a remote one only the address that was given."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from utkage.core.errors import ImageError
from utkage.images.video import open_video
from utkage.images.video_writer import video_file


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A local server that accepts no connection; whoever connects waits in its queue."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def _nobody_connected(listener: socket.socket) -> bool:
    try:
        listener.accept()
    except BlockingIOError:
        return True
    return False


def _write_clip(path: Path) -> None:
    with video_file(path, 10.0) as add:
        for index in range(4):
            add(np.full((48, 64, 3), 60 * index, np.uint8), index / 10)


def test_a_local_name_that_reads_like_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"http:127.0.0.1:{_port(listener)}.mp4"
    _write_clip(Path(name))
    assert len(list(open_video(name).frames())) == 4
    assert _nobody_connected(listener)


def test_a_folder_that_reads_like_an_address_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: socket.socket
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(f"http:127.0.0.1:{_port(listener)}") / "clip.mp4"
    _write_clip(path)
    assert path.is_file()
    assert _nobody_connected(listener)


@pytest.mark.parametrize("scheme", ["http", "tcp", "udp", "rtmp"])
def test_a_playlist_under_the_name_of_a_video(
    tmp_path: Path, listener: socket.socket, scheme: str
) -> None:
    path = tmp_path / "clip.mp4"
    address = f"{scheme}://127.0.0.1:{_port(listener)}/part.ts"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
    with pytest.raises(ImageError, match="cannot be opened"):
        open_video(path)
    assert _nobody_connected(listener)


@pytest.fixture
def site(tmp_path: Path, listener: socket.socket) -> Iterator[str]:
    """A server with a video, a redirect to the listener, and a playlist that names it."""
    _write_clip(tmp_path / "clip.mp4")
    clip = (tmp_path / "clip.mp4").read_bytes()
    other = f"http://127.0.0.1:{_port(listener)}/part.ts"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n#EXT-X-ENDLIST\n"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, kind = clip, "video/mp4"
            if self.path == "/list.mp4":
                content, kind = playlist.encode(), "application/vnd.apple.mpegurl"
            self.send_response(302 if self.path == "/moved.mp4" else 200)
            self.send_header("Location", other)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_address_of_a_video_leads_nowhere_else(site: str, listener: socket.socket) -> None:
    assert len(list(open_video(f"{site}/clip.mp4").frames())) == 4
    for name in ("moved", "list"):
        with pytest.raises(ImageError, match="cannot be opened"):
            open_video(f"{site}/{name}.mp4")
    assert _nobody_connected(listener)


def test_options_for_ffmpeg_in_the_environment_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    _write_clip(tmp_path / "clip.mp4")
    for value in (None, "threads;1"):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
        assert len(list(open_video(tmp_path / "clip.mp4").frames())) == 4
        assert os.environ.get(name) == value
