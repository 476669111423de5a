"""``utkage predict --shard``, and archives and Parquet files as its inputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from one_line_errors import assert_one_line_error
from typer.testing import CliRunner, Result

from utkage.cli.app import app
from utkage.images.shards import Shard
from utkage.models.locate import shipped_weights
from utkage.prediction.rows import TrackRow
from utkage.prediction.run_record import record_file

Archive = Callable[..., Path]
# Without the detector, on aligned chips: fast.
CHIPS = ("--crop", "none", "--no-flip", "--quiet")


@pytest.fixture
def chips(examples: Path) -> dict[str, bytes]:
    """Six chips in two folders, one name in both, and a file that is no picture."""
    files = sorted((examples / "faces").glob("*.jpg"))[:6]
    found = {
        f"{'ab'[number % 2]}/{number // 2}.jpg": file.read_bytes()
        for number, file in enumerate(files)
    }
    return found | {"b/bad.jpg": b"no picture"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chips: dict[str, bytes]) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, content in chips.items():
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


@pytest.fixture
def shipped_copy(here: Path) -> Path:
    """The shipped weights with another card, so that their file is another one."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(shipped_weights(), "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        card = file.metadata()
    path = here / "other.safetensors"
    save_file(tensors, path, {**card, "note": "another"})
    return path


def predict(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["predict", *map(str, arguments), *CHIPS], input=stdin)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def key(row: dict[str, Any]) -> tuple[str, int]:
    return row["file"], row["face"] or 0


INPUTS: dict[str, tuple[str, ...]] = {
    "folder": ("set",),
    "archives": ("one.tar", "two.zip"),
    "damaged": ("two.zip", "bad.zip"),
    "all": ("set", "one.tar", "cut.tar", "gone.jpg", "-"),
}


@pytest.mark.parametrize("given", INPUTS)
def test_shards_together_are_what_one_run_gives(
    here: Path, tar_of: Archive, zip_of: Archive, chips: dict[str, bytes], given: str
) -> None:
    tar_of(here / "one.tar", chips)
    zip_of(here / "two.zip", chips)
    (here / "cut.tar").write_bytes((here / "one.tar").read_bytes()[:5000])
    damaged = bytearray((here / "two.zip").read_bytes())
    damaged[damaged.find(b"a/1.jpg") + 200] ^= 0xFF
    (here / "bad.zip").write_bytes(damaged)
    stdin = "set/a/0.jpg\ngone.jpg\nset/a/0.jpg\n" if "-" in INPUTS[given] else None
    whole = predict(*INPUTS[given], "--out", "whole.jsonl", stdin=stdin)
    assert whole.exit_code == 3
    expected = rows_of(here / "whole.jsonl")
    count, found, codes, failures = 4, [], [], 0
    for index in range(count):
        out = here / f"{index}.jsonl"
        result = predict(*INPUTS[given], "--shard", f"{index}/{count}", "--out", out, stdin=stdin)
        rows = rows_of(out)
        failed = sum(row["status"] == "failed" for row in rows)
        assert result.exit_code == (3 if failed else 0)
        assert (f"{failed} input" in result.stderr) == bool(failed)
        failures += failed
        codes.append(result.exit_code)
        found += rows
    assert sorted(found, key=key) == sorted(expected, key=key)
    assert f"{failures} inputs could not" in whole.stderr or failures == 1
    assert max(codes) == whole.exit_code


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv", "rows.parquet"])
def test_an_empty_shard_writes_a_file_without_rows(here: Path, name: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    sizes = []
    for index in range(40):
        result = predict("set/a/0.jpg", "--shard", f"{index}/40", "--json")
        assert result.exit_code == 0
        sizes.append(len(json.loads(result.stdout)))
        if not sizes[-1]:
            break
    assert sizes[-1] == 0
    result = predict("set/a/0.jpg", "--shard", f"{len(sizes) - 1}/40", "--out", name)
    assert (result.exit_code, result.stderr) == (0, "")
    content = (here / name).read_bytes()
    if name.endswith(".jsonl"):
        assert content == b""
    elif name.endswith(".json"):
        assert json.loads(content) == []
    elif name.endswith(".csv"):
        assert content.startswith(b"file,status")
        assert content.count(b"\n") == 1
    else:
        from pyarrow import parquet

        assert parquet.read_table(here / name).num_rows == 0


@pytest.mark.parametrize("shard", ["4/4", "x", "1", "-1/4", "1/0", "/4", "4294967296/1"])
def test_a_shard_that_does_not_exist_writes_nothing(invoke: Any, here: Path, shard: str) -> None:
    before = sorted(here.rglob("*"))
    arguments = ("--out", "rows.jsonl", "--save-crops", "crops", "--contact-sheet", "sheet.jpg")
    result = invoke("predict", "set", f"--shard={shard}", *arguments)
    assert_one_line_error(result, 2, "--shard")
    assert sorted(here.rglob("*")) == before


def test_a_camera_has_no_shards(invoke: Any) -> None:
    assert_one_line_error(invoke("predict", "--camera", 0, "--shard", "0/2"), 2, "--shard")


@pytest.mark.parametrize("shard", [None, "0/2", "1/2"])
def test_a_killed_run_is_resumed(
    here: Path, tar_of: Archive, chips: dict[str, bytes], shard: str | None
) -> None:
    tar_of(here / "one.tar", chips)
    arguments = ["one.tar", "set", "set/../one.tar", "--out", "rows.jsonl"]
    arguments += [] if shard is None else ["--shard", shard]
    predict(*arguments)
    path = here / "rows.jsonl"
    expected = path.read_text(encoding="utf-8")
    lines = expected.splitlines(keepends=True)
    for count in range(0, len(lines) + 1, 3):
        path.write_text("".join(lines[:count]), encoding="utf-8")
        predict(*arguments, "--resume")
        assert path.read_text(encoding="utf-8") == expected, f"after {count} lines"


def test_resuming_repeats_names_as_often_as_they_are_listed(here: Path) -> None:
    listed = "set/a/0.jpg\nset/a/1.jpg\nset/a/0.jpg\n"
    predict("-", "--out", "rows.jsonl", stdin=listed)
    path = here / "rows.jsonl"
    expected = path.read_text(encoding="utf-8")
    lines = expected.splitlines(keepends=True)
    assert len(lines) == 3
    for count in range(4):
        path.write_text("".join(lines[:count]), encoding="utf-8")
        predict("-", "--out", "rows.jsonl", "--resume", stdin=listed)
        assert path.read_text(encoding="utf-8") == expected


def test_copies_and_crops_of_pictures_in_archives(
    here: Path, tar_of: Archive, chips: dict[str, bytes]
) -> None:
    tar_of(here / "one.tar.gz", chips, "w:gz")
    for _ in range(2):
        result = predict("one.tar.gz", "--save-images", "copies", "--save-crops", "crops", "--json")
        assert result.exit_code == 3
        names = sorted(path.name for path in (here / "crops").iterdir() if path.name[0] != ".")
        assert names == sorted(
            f"{name.replace('/', '_')[:-4]}.face1.png" for name in chips if "bad" not in name
        )
        assert len([path for path in (here / "copies").iterdir() if path.name[0] != "."]) == 6


def test_an_archive_is_never_replaced(
    invoke: Any, here: Path, tar_of: Archive, chips: dict[str, bytes]
) -> None:
    content = tar_of(here / "one.jsonl", chips).read_bytes()
    result = invoke("predict", "one.jsonl", "--out", "one.jsonl", "--resume")
    assert_one_line_error(result, 2, "is an input of this command")
    assert (here / "one.jsonl").read_bytes() == content


def test_a_limit_names_its_option(here: Path, tar_of: Archive, chips: dict[str, bytes]) -> None:
    tar_of(here / "one.tar", chips)
    result = predict("one.tar", "set/a/0.jpg", "--max-entries", 2, "--json")
    assert result.exit_code == 3
    rows = json.loads(result.stdout)
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "ok"]
    assert rows[2]["file"] == "one.tar"
    assert "raise --max-entries" in rows[2]["reason"]
    allowed = predict("one.tar", "--max-entries", 20, "--json")
    assert len(json.loads(allowed.stdout)) == 7


def test_parquet_gives_the_rows_of_its_pictures(here: Path, chips: dict[str, bytes]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    names = [f"a/{number}.jpg" for number in range(3)]
    pictures = [{"bytes": chips[name], "path": name} for name in names]
    parquet.write_table(pyarrow.table({"image": pictures}), here / "bytes.parquet")
    parquet.write_table(pyarrow.table({"path": names}), here / "set" / "paths.parquet")
    expected = json.loads(predict("set/a", "--json").stdout)
    of_bytes = json.loads(predict("bytes.parquet", "--json").stdout)
    assert [row.pop("file") for row in of_bytes] == [
        f"bytes.parquet/{number:06d}-{name}" for number, name in enumerate(names, 1)
    ]
    of_paths = json.loads(predict("set/paths.parquet", "--json").stdout)
    assert of_paths == expected
    for row in expected:
        row.pop("file")
    assert of_bytes == expected


def test_predictors_read_archives_too(here: Path, tar_of: Archive, chips: dict[str, bytes]) -> None:
    from utkage import Predictor

    shutil.copy(tar_of(here / "one.tar", chips), here / "two.tar")
    predictor = Predictor.shipped(crop="none", flip=False)
    rows = predictor.predict_all(["one.tar", here / "two.tar"])
    assert len(rows) == 14
    assert rows[0].file == "one.tar/a/0.jpg"
    assert [row.age for row in rows[:7]] == [row.age for row in rows[7:]]


@pytest.mark.parametrize("given", ["folder", "archives"])
def test_a_shard_of_another_number_does_not_continue_the_rows(
    here: Path, tar_of: Archive, zip_of: Archive, chips: dict[str, bytes], given: str
) -> None:
    tar_of(here / "one.tar", chips)
    zip_of(here / "two.zip", chips)
    outs = [here / f"{index}.jsonl" for index in range(2)]
    for index, out in enumerate(outs):
        arguments = (*INPUTS[given], "--shard", f"{index}/2", "--out", out, "--resume")
        assert predict(*arguments).exit_code in (0, 3)
        before = out.read_bytes()
        assert before
        # Again, and with other files.
        assert predict(*arguments).exit_code == 0
        assert out.read_bytes() == before
    refused = [
        predict(*INPUTS[given], "--shard", f"{1 - index}/2", "--out", outs[index], "--resume")
        for index in range(2)
    ]
    for index, (result, out) in enumerate(zip(refused, outs, strict=True)):
        made = f"--shard {index}/2, not {1 - index}/2"
        assert_one_line_error(result, 2, f"{out}: its rows were made with {made}; ")
    # Rows without a record, as of a former version, belong to a shard by their names.
    for index, out in enumerate(outs):
        record_file(out).unlink()
        words = (*INPUTS[given], "--shard", f"{1 - index}/2", "--out", out, "--resume")
        assert_one_line_error(
            predict(*words), 2, f"{out}: has rows of ", "belongs to another --shard"
        )


def test_rows_of_listed_files_are_resumed_with_what_made_them_only(here: Path) -> None:
    listed = "".join(f"{path}\n" for path in sorted((here / "set").rglob("*.jpg")))
    out = here / "rows.jsonl"
    words = ("-", "--out", out, "--resume")
    assert predict(*words, "--shard", "0/2", stdin=listed).exit_code in (0, 3)
    content, record = out.read_bytes(), record_file(out).read_bytes()
    assert content
    for changed, message in (
        (("--shard", "1/2"), "--shard 0/2, not 1/2"),
        (("--shard", "0/4"), "--shard 0/2, not 0/4"),
        ((), "--shard 0/2, not 0/1"),
        (("--shard", "0/2", "--interval", "0.9"), "--interval 0.8, not 0.9"),
        (("--shard", "1/2", "--max-faces", "2"), "and --max-faces null, not 2"),
    ):
        result = predict(*words, *changed, stdin=listed)
        assert_one_line_error(result, 2, f"{out}: its rows were made with ", message)
        assert (out.read_bytes(), record_file(out).read_bytes()) == (content, record)
    # What does not change rows may change.
    again = predict(*words, "--shard", "0/2", "--workers", "1", stdin=listed)
    assert again.exit_code in (0, 3)
    assert out.read_bytes() == content
    damaged = record_file(out)
    damaged.write_text("{")
    result = predict(*words, "--shard", "0/2", stdin=listed)
    assert_one_line_error(result, 2, f"{damaged}: damaged", "remove it")
    # Without a record, as from a former version, rows are resumed and get one.
    damaged.unlink()
    assert predict(*words, "--shard", "0/2", stdin=listed).exit_code in (0, 3)
    assert damaged.read_bytes() == record


def test_rows_of_other_weights_are_not_resumed(here: Path, shipped_copy: Path) -> None:
    out = here / "rows.jsonl"
    assert predict("set", "--out", out).exit_code == 3
    content = out.read_bytes()
    result = predict("set", "--out", out, "--resume", "--weights", shipped_copy)
    assert_one_line_error(result, 2, f"{out}: its rows were made with --weights ")
    assert out.read_bytes() == content
    # Rows that are removed take their record with them.
    out.unlink()
    assert predict("set", "--out", out, "--weights", shipped_copy).exit_code == 3
    assert predict("set", "--out", out, "--resume", "--weights", shipped_copy).exit_code == 0


def test_names_that_leave_no_room_for_those_of_other_files(here: Path) -> None:
    out = here / f"{'r' * 244}.jsonl"
    assert predict("set", "--out", out).exit_code == 3
    assert predict("set", "--out", out, "--resume").exit_code == 0
    assert len({row["file"] for row in rows_of(out)}) == 7


def test_rows_of_videos_belong_to_a_shard_too(here: Path) -> None:
    for number in range(4):
        (here / "set" / f"{number}.mp4").touch()
    shard = Shard(0, 2)
    names = [f"{number}.mp4" for number in range(4)]
    assert {shard.holds(name) for name in names} == {True, False}
    rows = here / "rows.videos.jsonl"
    text = "".join(
        json.dumps(TrackRow(f"set/{name}", "failed", "why").to_dict()) + "\n" for name in names
    )
    rows.write_text(text)
    result = CliRunner().invoke(
        app, ["predict", "set", "--shard", "0/2", "--out", "rows.jsonl", "--resume"]
    )
    assert_one_line_error(result, 2, "rows.videos.jsonl: has rows of set/")
    assert rows.read_text() == text


def test_listed_files_may_be_of_any_shard(here: Path) -> None:
    out = here / "rows.jsonl"
    listed = "".join(f"{path}\n" for path in sorted((here / "set").rglob("*.jpg")))
    assert predict("-", "--out", out, "--resume", stdin=listed).exit_code == 3
    # As rows of a former version, which had no record.
    record_file(out).unlink()
    again = predict("set", "-", "--shard", "0/2", "--out", out, "--resume", stdin=listed)
    assert again.exit_code in (0, 3)
