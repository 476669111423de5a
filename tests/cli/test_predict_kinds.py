"""Pictures and videos in one call of ``predict``: rows of each kind, and where they go."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import utkage
from utkage.cli.app import app
from utkage.core.errors import ConfigError
from utkage.images.decode import load_image
from utkage.images.video_writer import video_file
from utkage.prediction.row_files import finished_files
from utkage.prediction.rows import FaceRow, TrackRow
from utkage.prediction.run_record import record_file


@pytest.fixture(scope="module")
def portrait(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kinds") / "a.jpg"
    shutil.copy(examples / "portrait.jpg", path)
    return path


@pytest.fixture(scope="module")
def clip(portrait: Path) -> Path:
    """Six frames of a face."""
    return _clip(portrait.with_name("b.mp4"), load_image(portrait)[::4, ::4])


def _clip(path: Path, picture: np.ndarray) -> Path:
    with video_file(path, 10.0) as add:
        for index in range(6):
            add(np.roll(picture, index, axis=1), index / 10)
    return path


@pytest.fixture
def folder(portrait: Path, clip: Path, tmp_path: Path) -> Path:
    """A picture, a video, and a video that calls itself a picture."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for source, name in ((portrait, "a.jpg"), (clip, "b.mp4"), (clip, "c.jpg")):
        shutil.copy(source, folder / name)
    return folder


def predict(*arguments: object, stdin: str | None = None) -> Result:
    arguments = ("predict", "--weights", "shipped", "--no-flip", *map(str, arguments))
    return CliRunner().invoke(app, list(map(str, arguments)), input=stdin)


def files_and_kinds(rows: list[dict[str, object]]) -> list[tuple[str, str]]:
    return [(Path(str(row["file"])).name, "track" if "track" in row else "face") for row in rows]


EXPECTED = [("a.jpg", "face"), ("b.mp4", "track"), ("c.jpg", "track")]


@pytest.mark.parametrize("form", ["--json", "--jsonl"])
def test_a_stream_of_json_has_the_rows_of_pictures_and_then_of_videos(
    folder: Path, form: str
) -> None:
    result = predict(folder, form)
    assert result.exit_code == 0, result.output
    text = result.stdout
    rows = json.loads(text) if form == "--json" else list(map(json.loads, text.splitlines()))
    assert files_and_kinds(rows) == EXPECTED
    assert {row["status"] for row in rows} == {"ok"}
    assert tuple(rows[0]) == FaceRow.field_names()
    assert tuple(rows[1]) == TrackRow.field_names()
    assert "skipped" not in result.stderr


def test_tables_on_stdout(folder: Path) -> None:
    result = predict(folder)
    assert result.exit_code == 0
    pictures, videos = result.stdout.split("detections")
    assert "a.jpg" in pictures
    assert "b.mp4" in videos
    assert "seconds" in pictures


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_each_kind_has_a_file_of_its_own(folder: Path, tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / f"rows{suffix}"
    result = predict(folder, "--out", out)
    assert result.exit_code == 0, result.output
    videos = tmp_path / f"rows.videos{suffix}"
    assert f"rows: {out}" in result.stderr
    assert f"rows of videos: {videos}" in result.stderr
    if suffix == ".csv":
        for path, kind in ((out, FaceRow), (videos, TrackRow)):
            reader = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
            assert tuple(reader.fieldnames or ()) == kind.column_names()
    # Both are outputs of ours, which a second run may replace, or for JSON lines resume.
    again = predict(folder, "--out", out, *(["--resume"] if suffix == ".jsonl" else []))
    assert again.exit_code == 0, again.output


def test_one_table_on_stdout_has_one_kind(folder: Path) -> None:
    refused = predict(folder, "--csv")
    assert refused.exit_code == 2
    assert "b.mp4: is a video among pictures" in refused.stderr
    assert "--out FILE.csv" in refused.stderr
    assert refused.stdout == ""
    for only, names in (("pictures", ["a.jpg"]), ("videos", ["b.mp4", "c.jpg"])):
        result = predict(folder, "--csv", "--only", only)
        assert result.exit_code == 0, result.output
        found = [Path(line["file"]).name for line in csv.DictReader(result.stdout.splitlines())]
        assert found == names
        assert "skipped" in result.stderr


def test_a_video_that_nobody_could_expect_is_a_failed_row_of_the_table(
    clip: Path, portrait: Path, tmp_path: Path
) -> None:
    hidden = shutil.copy(clip, tmp_path / "hidden.jpg")
    result = predict(portrait, hidden, "--csv")
    assert result.exit_code == 3
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["status"] for row in rows] == ["ok", "failed"]
    assert "hidden.jpg: is a video" in rows[1]["reason"]
    assert "--only videos" in rows[1]["reason"]


def test_names_on_stdin_may_be_of_both_kinds(portrait: Path, clip: Path) -> None:
    result = predict("-", "--jsonl", stdin=f"{clip}\n{portrait}\n")
    assert result.exit_code == 0, result.output
    rows = list(map(json.loads, result.stdout.splitlines()))
    assert files_and_kinds(rows) == EXPECTED[:2]


def test_a_video_that_cannot_be_read_has_one_row_after_resuming(
    folder: Path, tmp_path: Path
) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "both"), "zip", folder.parent, folder.name))
    out = tmp_path / "rows.jsonl"
    for _ in range(3):
        assert predict(packed, "--out", out, "--resume").exit_code in (0, 3)
        rows = (tmp_path / "rows.videos.jsonl").read_text().splitlines()
        assert [json.loads(row)["file"][-5:] for row in rows] == ["b.mp4"]


def test_only_skips_the_others_and_counts_them(folder: Path) -> None:
    pictures = predict(*sorted(folder.iterdir()), "--jsonl", "--only", "pictures")
    assert (pictures.exit_code, len(pictures.stdout.splitlines())) == (0, 1)
    assert "skipped 2 videos (--only pictures)" in pictures.stderr
    videos = predict(*sorted(folder.iterdir()), "--jsonl", "--only", "videos")
    assert (videos.exit_code, len(videos.stdout.splitlines())) == (0, 2)
    assert "skipped 1 picture (--only videos)" in videos.stderr
    assert predict(folder, "--only", "sounds").exit_code == 2


def test_a_folder_of_videos(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(clip, folder)
    result = predict(folder, "--csv")
    assert result.exit_code == 0, result.output
    (row,) = csv.DictReader(result.stdout.splitlines())
    assert row["track"] == "1"


def test_one_contact_sheet_and_one_folder_for_both(folder: Path, tmp_path: Path) -> None:
    sheet, images, crops = tmp_path / "sheet.png", tmp_path / "images", tmp_path / "crops"
    arguments = [
        "--contact-sheet",
        sheet,
        "--save-images",
        images,
        "--save-crops",
        crops,
        "--quiet",
    ]
    assert predict(folder, "--jsonl", *arguments).exit_code == 0
    alone = tmp_path / "alone.png"
    assert predict(folder / "a.jpg", "--jsonl", "--contact-sheet", alone).exit_code == 0
    assert load_image(sheet).shape[1] > load_image(alone).shape[1]
    names = sorted(path.name for path in images.iterdir())
    assert names == ["inbox_a.annotated.jpg", "inbox_b.annotated.mp4", "inbox_c.annotated.mp4"]
    assert [path.name for path in sorted(crops.iterdir())] == [
        "inbox_a.face1.png",
        "inbox_b.track1.png",
        "inbox_c.track1.png",
    ]


def test_resume_repeats_the_last_video_only_if_it_may_be_unfinished(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rows.jsonl"
    images = tmp_path / "images"
    arguments = (folder, "--out", out, "--save-images", images)
    assert predict(*arguments).exit_code == 0
    pictures, videos = out.read_bytes(), (tmp_path / "rows.videos.jsonl").read_bytes()
    assert predict(*arguments).exit_code == 2  # without --resume nothing is appended
    resumed = predict(*arguments, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "has predictions for 1 file; resuming" in resumed.stderr
    assert "has predictions for 2 videos; resuming" in resumed.stderr
    # Without a record, nobody knows whether the last one was finished.
    record_file(tmp_path / "rows.videos.jsonl").unlink()
    resumed = predict(*arguments, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "has predictions for 1 video; resuming" in resumed.stderr
    assert out.read_bytes() == pictures
    assert (tmp_path / "rows.videos.jsonl").read_bytes() == videos
    # The copy of the video that is predicted again is a new one only if it cannot be replaced.
    assert "inbox_b.annotated.mp4" in {path.name for path in images.iterdir()}
    assert not list(images.glob("inbox_b*-2*"))


def test_videos_alone_resume_from_their_own_file(clip: Path, tmp_path: Path) -> None:
    other = shutil.copy(clip, tmp_path / "z.mp4")
    out = tmp_path / "tracks.jsonl"
    assert predict(clip, "--out", out).exit_code == 0
    result = predict(clip, other, "--out", out, "--resume")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [Path(row["file"]).name for row in rows] == ["b.mp4", "z.mp4"]
    assert not (tmp_path / "tracks.videos.jsonl").exists()


def test_which_videos_are_finished(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        TrackRow("a.mp4", "ok", track=1),
        TrackRow("a.mp4", "ok", track=2),
        TrackRow("b.mp4", "failed", "b.mp4: damaged"),
        TrackRow("c.mp4", "no_face", frames=4),
        TrackRow("d.mp4", "ok", track=1),
    ]
    lines = [json.dumps(row.to_dict()) + "\n" for row in rows]
    for count, finished in ((1, ""), (2, ""), (3, "ab"), (4, "ab"), (5, "abc")):
        path.write_text("".join(lines[:count]), encoding="utf-8")
        expected = {f"{name}.mp4" for name in finished}
        assert set(finished_files(path, TrackRow)) == expected
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)
        assert kept == [line for line in lines[:count] if json.loads(line)["file"] in expected]


def test_rows_of_the_other_kind_are_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    assert predict(folder / "b.mp4", "--out", out).exit_code == 0
    before = out.read_bytes()
    result = predict(folder, "--out", out, "--resume")
    assert result.exit_code == 2
    assert "a row of videos, where those of pictures belong" in result.stderr
    assert out.read_bytes() == before


def test_no_output_replaces_a_video_of_the_folder(folder: Path) -> None:
    for word in ("--contact-sheet", "--out"):
        target = folder / ("c.jpg" if word == "--contact-sheet" else "rows.jsonl")
        if word == "--out":
            shutil.copy(folder / "b.mp4", folder / "rows.videos.jsonl")
        before = (folder / "c.jpg").read_bytes()
        assert predict(folder, word, target, "--overwrite", "--quiet").exit_code == 2
        assert (folder / "c.jpg").read_bytes() == before


def test_videos_in_archives_are_failed_rows(folder: Path, tmp_path: Path) -> None:
    packed = Path(shutil.make_archive(str(tmp_path / "both"), "zip", folder.parent, folder.name))
    result = predict(packed, "--jsonl")
    assert result.exit_code == 3, result.output
    rows = list(map(json.loads, result.stdout.splitlines()))
    assert ("b.mp4", "track") in files_and_kinds(rows)
    (video,) = [row for row in rows if row["file"].endswith("b.mp4")]
    assert "b.mp4: is a video in an archive; unpack it" in video["reason"]
    only = predict(packed, "--jsonl", "--only", "pictures")
    assert "b.mp4" not in only.stdout
    table = predict(packed, "--csv")
    assert (table.exit_code, "is a video in an archive" in table.stdout) == (3, True)


def test_from_python(folder: Path) -> None:
    request = utkage.InputsRequest(inputs=(str(folder),), weights="shipped", flip=False)
    rows = list(utkage.predict_inputs(request))
    assert [type(row) for row in rows] == [FaceRow, TrackRow, TrackRow]
    with pytest.raises(ConfigError, match="one Rows of each class"):
        utkage.Rows(rows)
    # Pictures alone, as ever.
    (row,) = utkage.Predictor.shipped(flip=False).predict_all(folder).found
    assert Path(row.file).name == "a.jpg"


@pytest.mark.parametrize("only", [(), ("--only", "videos"), ("--csv",)])
@pytest.mark.parametrize("kind", ["stdin", "parquet"])
def test_listed_addresses_are_not_opened_without_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, only: tuple[str, ...]
) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("an address was opened")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("utkage.prediction.predict_videos.open_video", opened)
    monkeypatch.setattr("utkage.images.picture_input.fetch", opened)
    names = ["https://127.0.0.1/a.mp4", "rtsp://127.0.0.1/live", "http://127.0.0.1/a.jpg"]
    if kind == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table({"url": names}), "list.parquet")
    given = "-" if kind == "stdin" else "list.parquet"
    form = () if "--csv" in only else ("--jsonl",)
    result = CliRunner().invoke(
        app, ["predict", given, *only, *form], input="".join(f"{name}\n" for name in names)
    )
    assert result.exit_code == 3, result.output
    count = 2 if "videos" in only else 3
    assert result.stdout.count("reading an address needs --allow-download") == count
    assert "an address was opened" not in result.output
