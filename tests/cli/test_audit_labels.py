import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Invoke = Callable[..., Any]


def test_the_list_as_table_and_json(invoke: Invoke, examples: Path, tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    portrait = (examples / "faces" / "28-38_female.jpg").read_bytes()
    for name in ("30_1_0_20170101000000001.jpg.chip.jpg", "80_1_0_20170101000000002.jpg.chip.jpg"):
        (faces / name).write_bytes(portrait)
    table = "\n".join(["file,predicted_age", *(f"{path.name},31" for path in faces.iterdir())])
    (tmp_path / "theirs.csv").write_text(table)
    done = invoke("audit-labels", faces, "--weights", "theirs.csv", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["schema", "n", "estimated_share_wrong", "suspects", "files"]
    assert found["suspects"][0]["given"] == "80"
    done = invoke("audit-labels", faces, "--weights", "theirs.csv", "--worst", "1")
    assert done.exit_code == 0, done.stderr
    assert "the 1 most suspicious labels of 2 faces" in done.stdout
    assert "list: label-audit/suspects.csv" in done.stdout


def test_no_faces_are_named(invoke: Invoke) -> None:
    done = invoke("audit-labels", "nothing", "--weights", "shipped")
    assert done.exit_code == 2
    assert "nothing" in done.stderr
