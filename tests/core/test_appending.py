"""What is appended is there as a whole, or not at all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from utkage.core.appending import append_whole

# Appends lines of ten bytes until a limit of 25 bytes a file; prints how the last one ended.
UNTIL_FULL = """
import resource, signal, sys
from utkage.core.appending import append_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (25, 25))
file = open(sys.argv[1], "a")
try:
    for _ in range(5):
        append_whole(file, "123456789\\n")
except OSError as error:
    print(error.strerror)
"""


def test_text_goes_to_any_stream(tmp_path: Path) -> None:
    memory = io.StringIO()
    append_whole(memory, "größe\n")
    assert memory.getvalue() == "größe\n"
    path = tmp_path / "rows.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write("before\n")
        append_whole(file, "größe\n")
        append_whole(file, "")
    assert path.read_text(encoding="utf-8") == "before\ngröße\n"


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = tmp_path / "rows.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", UNTIL_FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "File too large\n"
    assert path.read_text() == "123456789\n" * 2


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_that_does_not_wait_gets_everything() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    text = "x" * 300_000
    reading = subprocess.Popen(["wc", "-c"], stdin=reader, stdout=subprocess.PIPE)
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        append_whole(stream, text)
    assert reading.communicate()[0].split() == [b"300000"]
