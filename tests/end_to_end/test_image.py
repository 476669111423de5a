"""The steps of the Dockerfile, run without Docker: an installation and a server of another user."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Megabytes; the base image with Python has some 130 more.
MAX_INSTALLED_MB = 420
# The user of the image, who owns nothing.
USER = "65532"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the image is one of Linux"),
]


def instructions(repository: Path) -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, continued lines joined."""
    text = (repository / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(words[0], words[1]) for line in lines if (words := line.split(maxsplit=1))]


def argument(repository: Path, name: str) -> str:
    return [rest for instruction, rest in instructions(repository) if instruction == name][-1]


@pytest.fixture(scope="module")
def installed(repository: Path) -> Iterator[Path]:
    """What the image has at /opt/utkage, made by the same commands from the same files."""
    # Not in the folder of the tests, which no other user may enter.
    place = Path(tempfile.mkdtemp(prefix="image-"))
    place.chmod(0o755)
    target, source = place / "utkage", place / "source"
    for name in (repository / ".dockerignore").read_text().split():
        if name.startswith("!"):
            file, copy = repository / name[1:], source / name[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            if file.is_dir():
                shutil.copytree(
                    file, copy, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
                )
            else:
                shutil.copy(file, copy)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for instruction, command in instructions(repository):
        if instruction == "RUN":
            command = command.replace("/opt/utkage", str(target))
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=source,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            if "No matching distribution" in done.stderr:
                pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
            assert done.returncode == 0, f"{command}\n{done.stderr}"
    shutil.rmtree(source)
    yield target
    shutil.rmtree(place)


def as_the_user(*command: str | Path) -> list[str]:
    """The command by the user of the image, if this one may change to it."""
    words = [str(word) for word in command]
    if os.geteuid() or not (setpriv := shutil.which("setpriv")):
        return words
    return [setpriv, f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *words]


def test_the_image_has_no_tool_that_installs_and_stays_small(installed: Path) -> None:
    files = [path for path in installed.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) < MAX_INSTALLED_MB * 1024**2
    assert not (installed / "bin" / "pip").exists()


def test_a_server_of_another_user_answers_and_is_healthy(
    installed: Path, repository: Path, examples: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {"PATH": f"{installed / 'bin'}{os.pathsep}{os.defpath}"}
    (program,) = json.loads(argument(repository, "ENTRYPOINT"))
    words = json.loads(argument(repository, "CMD"))
    words = [{"0.0.0.0": "127.0.0.1", "8000": port}.get(word, word) for word in words]
    check = json.loads("[" + argument(repository, "HEALTHCHECK").partition("[")[2])
    python, *probe = [word.replace("8000", port) for word in check]
    health = as_the_user(installed / "bin" / python, *probe)
    server = subprocess.Popen(
        as_the_user(installed / "bin" / program, *words),
        cwd="/",
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + 60
        while subprocess.run(health, env=environment, capture_output=True, check=False).returncode:
            assert server.poll() is None, server.stderr.read() if server.stderr else ""
            assert time.monotonic() < until, "not healthy"
            time.sleep(0.2)
        ask = (
            "import pathlib, sys, urllib.request as r;"
            "print(r.urlopen(r.Request(sys.argv[1], sys.stdin.buffer.read(),"
            " {'Content-Type': 'image/jpeg'})).read().decode())"
        )
        answer = subprocess.run(
            [sys.executable, "-c", ask, f"http://127.0.0.1:{port}/v1/predict"],
            input=(examples / "portrait.jpg").read_bytes(),
            capture_output=True,
            check=True,
        )
        assert '"gender":"female"' in answer.stdout.decode().replace(" ", "")
    finally:
        server.terminate()
        server.communicate(timeout=60)
    assert server.returncode == 143
