from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from utkage.cluster import parts
from utkage.cluster.part_pictures import Permissions, part_pictures
from utkage.cluster.parts import STEP, Part, cut, open_sources, part_size
from utkage.core.errors import DataError, UsageError
from utkage.images.inputs import open_inputs


def _names(found: list[Part], **allowed: bool) -> list[str]:
    return [p.name for part in found for p in part_pictures(part, Permissions(**allowed))]


def _lines(path: Path, names: list[str]) -> Path:
    # Blank lines are no pictures, and a manifest may end without a line break.
    path.write_text("\n\n".join(json.dumps({"path": name}) for name in names))
    return path


@pytest.mark.parametrize("count", [1, STEP - 1, STEP, STEP + 1, 5 * STEP + 3])
@pytest.mark.parametrize("size", [STEP, 2 * STEP])
def test_parts_of_lines_hold_each_picture_once(tmp_path, count, size, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [f"é{number}.jpg" for number in range(count)]
    sources = open_sources([str(_lines(Path("a.jsonl"), names))])
    found = cut(sources, size)
    assert _names(found) == names
    assert [part.number for part in found] == list(range(-(-count // size)))
    assert all(part.count is not None and part.count <= size for part in found)


@pytest.mark.parametrize("group", [7, STEP, 1000])
def test_parts_of_rows_hold_each_picture_once(tmp_path, group, picture, monkeypatch):
    names = [f"{number}.jpg" for number in range(3 * STEP + 5)]
    table = pyarrow.table({"age": list(range(len(names))), "path": names})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    monkeypatch.chdir(tmp_path)
    assert _names(cut(open_sources(["a.parquet"]), STEP)) == names
    contents = [picture(number, 8) for number in range(10)]
    held = [{"bytes": content, "path": f"{n}.png"} for n, content in enumerate(contents)]
    parquet.write_table(pyarrow.table({"image": held}), tmp_path / "b.parquet", row_group_size=4)
    (source,) = open_sources(["b.parquet"])
    pictures = [p for part in cut([source], STEP) for p in part_pictures(part, Permissions())]
    assert [p.name for p in pictures] == [f"b.parquet/{n + 1:06d}-{n}.png" for n in range(10)]
    assert [p.source for p in pictures] == contents


@pytest.mark.parametrize("group", [7, 1000])
@pytest.mark.parametrize("title", ["path", "File Name", "image_path", "bytes and path", "bytes"])
def test_parquet_is_read_as_without_a_cluster(tmp_path, monkeypatch, group, title, picture):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    count = 2 * STEP + 5
    paths = [f"é{number}.png" for number in range(count - 4)]
    paths += ["/data/1.png", "file:///data/2%20.png", "", None]
    columns = {"id": list(map(str, range(count))), title: paths}
    if title.startswith("bytes"):
        content = picture(0, 8)
        cells = [
            {"bytes": None if row % 5 == 0 else content, "path": path}
            for row, path in enumerate(paths)
        ]
        columns = {"image": cells}
        if title == "bytes":
            columns = {"jpg": [content] * count, "image": paths}
    table = pyarrow.table(columns)
    parquet.write_table(table, tmp_path / "set/a.parquet", row_group_size=group)
    found = [
        picture
        for part in cut(open_sources(["set/a.parquet"]), STEP)
        for picture in part_pictures(part, Permissions())
    ]
    plain = list(open_inputs(["set/a.parquet"]).pictures)
    assert len(found) == count
    assert [(one.name, one.problem) for one in found] == [(one.name, one.problem) for one in plain]
    for one, other in zip(found, plain, strict=True):
        same = isinstance(one.source, bytes) and one.source == other.source
        assert same or Path(one.source) == Path(other.source).absolute()


def test_archives_patterns_and_several_sources(tmp_path, tar_of, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for shard in (10, 2):
        files = {f"{n}.png": picture(n) for n in range(3)} | {"0.json": b"{}", "._0.png": b""}
        tar_of(Path(f"{shard}.tar"), files)
    tar_of(Path("a.tar.xz"), {"z.png": picture(1)}, "w:xz")
    assert _names(cut(open_sources(["a.tar.xz"]), STEP)) == ["a.tar.xz/z.png"]
    _lines(Path("a.jsonl"), ["x.jpg"])
    found = cut(open_sources(["*.tar", "a.jsonl"]), STEP)
    expected = [f"{shard}.tar/{n}.png" for shard in (2, 10) for n in range(3)]
    assert _names(found) == [*expected, "x.jpg"]
    assert [part.number for part in found] == [0, 1, 2]


def test_a_damaged_archive_gives_the_pictures_before_the_damage(tmp_path, tar_of, picture):
    path = tar_of(tmp_path / "a.tar", {f"{n}.png": picture(n) for n in range(3)})
    path.write_bytes(path.read_bytes()[:-9_000])
    (part,) = cut(open_sources([str(path)]), STEP)
    pictures = part_pictures(part, Permissions())
    assert next(pictures).name.endswith("0.png")
    with pytest.raises(DataError, match=r"a\.tar: damaged archive"):
        list(pictures)


def test_an_archive_with_a_damaged_header_does_not_end_early(tmp_path, tar_of, picture):
    path = tar_of(tmp_path / "a.tar", {f"{n}.png": picture(n) for n in range(3)})
    content = bytearray(path.read_bytes())
    header = content.index(b"1.png")
    content[header : header + 300] = b"\xff" * 300
    path.write_bytes(content)
    (part,) = cut(open_sources([str(path)]), STEP)
    with pytest.raises(DataError, match=r"a\.tar: damaged archive"):
        list(part_pictures(part, Permissions()))


def test_members_that_are_no_plain_files_fail_as_without_a_cluster(tmp_path, picture):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        whole = tarfile.TarInfo("whole.png")
        whole.size = len(picture(1))
        archive.addfile(whole, io.BytesIO(picture(1)))
    (part,) = cut(open_sources([str(path)]), STEP)
    found = list(part_pictures(part, Permissions()))
    plain = list(open_inputs([str(path)]).pictures)
    assert [(one.name, one.problem) for one in found] == [(one.name, one.problem) for one in plain]
    assert found[0].problem is not None
    assert found[1].source == picture(1)


def test_lines_that_name_no_picture_are_pictures_with_a_problem(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '"a.jpg"\n{"file": "b.jpg"}\nnot json\n{"age": 3}\n{"path": " "}\n'
        '{"age": 3, "Image Path": "c.jpg"}\n'
    )
    (part,) = cut(open_sources([str(path)]), STEP)
    found = list(part_pictures(part, Permissions()))
    assert [p.problem is None for p in found] == [True, True, False, False, False, True]
    assert found[0].source == tmp_path / "a.jpg"
    assert found[2].name == f"{path}[2]"
    assert "fix that line" in found[3].problem


def test_addresses_are_read_where_that_is_allowed(tmp_path, picture):
    import fsspec

    memory = fsspec.filesystem("memory")
    for number in range(30):
        memory.pipe(f"/bucket/{number}.png", picture(number))
    names = [*(f"memory://bucket/{number}.png" for number in range(30)), "memory://bucket/no.png"]
    path = _lines(tmp_path / "a.jsonl", [*names, "local.jpg", "nothing://x/a.jpg"])
    found = cut(open_sources([str(path)]), 2 * STEP)
    refused = [p for part in found for p in part_pictures(part, Permissions())]
    assert "allow_download=True" in refused[0].problem
    read = list(part_pictures(found[0], Permissions(allow_download=True)))
    assert [p.source for p in read[:30]] == [picture(number) for number in range(30)]
    assert "memory://bucket/no.png: no such file" in read[30].problem
    assert read[31].source == tmp_path / "local.jpg"
    assert "nothing://x/a.jpg: cannot be read" in read[32].problem
    assert len(read) == 33
    # A manifest at an address has its paths from there.
    memory.pipe("/bucket/list.jsonl", b'{"path": "3.png"}\n{"path": "memory://bucket/4.png"}\n')
    with pytest.raises(UsageError, match="allow_download=True"):
        open_sources(["memory://bucket/list.jsonl"])
    sources = open_sources(["memory://bucket/*.jsonl"], allow_download=True)
    (part,) = cut(sources, STEP)
    read = list(part_pictures(part, Permissions(allow_download=True)))
    assert [(p.name, p.source) for p in read] == [
        ("memory:///bucket/3.png", picture(3)),
        ("memory://bucket/4.png", picture(4)),
    ]


def test_a_package_that_is_missing_is_named(monkeypatch):
    import fsspec

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "open", missing)
    with pytest.raises(DataError, match=r"s3://b/a\.jsonl: needs one more package on every.*s3fs"):
        open_sources(["s3://b/a.jsonl"], allow_download=True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b"\n \n", "lists no picture"),
        ("a.jsonl", b"x" * parts.LONGEST_LINE + b"\n", "line 1: too long"),
        ("a.parquet", b"PAR1", "damaged Parquet file"),
        ("a.jpg", b"", "write a manifest"),
        ("missing.jsonl", None, "no such file"),
    ],
    ids=["empty", "long", "damaged", "picture", "missing"],
)
def test_sources_that_cannot_be_used(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises((DataError, UsageError), match=message):
        open_sources([str(tmp_path / name)])


def test_a_table_without_pictures_is_refused(tmp_path):
    parquet.write_table(pyarrow.table({"age": [1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"holds neither pictures nor paths.*age"):
        open_sources([str(tmp_path / "a.parquet")])


def test_the_fingerprint_changes_with_the_list(tmp_path):
    first = open_sources([str(_lines(tmp_path / "a.jsonl", ["a.jpg", "b.jpg"]))])
    again = open_sources([str(_lines(tmp_path / "a.jsonl", ["a.jpg", "b.jpg"]))])
    other = open_sources([str(_lines(tmp_path / "a.jsonl", ["a.jpg", "c.jpg"]))])
    assert first[0].fingerprint == again[0].fingerprint != other[0].fingerprint


def test_small_jobs_have_small_parts_and_large_jobs_large_ones(tmp_path):
    (small,) = open_sources([str(_lines(tmp_path / "a.jsonl", ["a.jpg"] * 30))])
    assert part_size([small], 2) == STEP
    large = parts.replace(small, count=10_000_000)
    assert part_size([large], 100) == 1000
    middle = parts.replace(small, count=3_000)
    assert part_size([middle], 2) == 120
