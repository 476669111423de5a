"""Pictures joined with the rows of a manifest."""

import io
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError, UsageError
from utkage.data.labels import FaceLabel
from utkage.data.sources.base import Entry
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import open_source
from utkage.images.containers.limits import Limits

Archive = Callable[..., Path]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


CSV = b"path,age,gender\na.jpg,2,female\nsub/b.jpg,30,male\n"


FILES = {"a.jpg": b"A", "sub/b.jpg": b"B"}


def read(path: Path, **options: object) -> dict[str, Entry]:
    entries = list(open_source(path, SourceOptions(**options)).entries())  # type: ignore[arg-type]
    found = {entry.name: entry for entry in entries}
    assert len(found) == len(entries)
    return found


@pytest.mark.parametrize("prefix", ["", "AAF/", "./AAF/"])
@pytest.mark.parametrize("kind", ["tar.gz", "zip", "folder"])
def test_a_manifest_at_the_top_or_in_the_one_top_folder(
    tmp_path: Path, tar_of: Archive, zip_of: Archive, write_folder: Folder, prefix: str, kind: str
) -> None:
    files = {f"{prefix}{name}": content for name, content in FILES.items()}
    files |= {f"{prefix}labels.csv": CSV, "__MACOSX/._x": b"", ".DS_Store": b""}
    path = tmp_path / f"AAF.{kind}"
    if kind == "folder":
        write_folder(path, files)
    elif kind == "zip":
        zip_of(path, files)
    else:
        tar_of(path, files, "w:gz")
    found = read(path)
    assert {name: (entry.content, entry.label) for name, entry in found.items()} == {
        "a.jpg": (b"A", FaceLabel(2, 1)),
        "sub/b.jpg": (b"B", FaceLabel(30, 0)),
    }
    assert not any(entry.aligned or entry.problem or entry.split for entry in found.values())


def test_paths_may_start_from_the_root_as_well(tmp_path: Path, tar_of: Archive) -> None:
    manifest = b"path,age,gender\nAAF/a.jpg,5,m\n./a.jpg,5,m\nb\\c.jpg,6,f\n"
    files = {"AAF/labels.csv": manifest, "AAF/a.jpg": b"A", "AAF/b/c.jpg": b"C"}
    found = read(tar_of(tmp_path / "a.tar", files))
    assert [entry.label for entry in found.values()] == [FaceLabel(5, 0), FaceLabel(6, 1)]


def test_bad_rows_and_strangers_never_stop_the_run(tmp_path: Path, tar_of: Archive) -> None:
    manifest = "\n".join(
        [
            "path,age,gender,split",
            "good.jpg,1,m,val",
            "short.jpg",
            "/etc/passwd.jpg,1,m,",
            "../up.jpg,1,m,",
            "x/../../up.jpg,1,m,",
            "C:\\up.jpg,1,m,",
            "..\\up.jpg,1,m,",
            "missing.jpg,1,m,",
            "notes.txt,1,m,",
            "same.jpg,4,f,",
            "same.jpg,4,f,",
            "twice.jpg,4,f,",
            "twice.jpg,5,f,",
            ",4,f,",
            f"{'x' * 200_000},4,f,",
            '"open.jpg,5,f,',
            "swallowed.jpg,5,f,",
        ]
    )
    names = ["good", "short", "up", "same", "twice", "stranger", "swallowed"]
    files = {f"{name}.jpg": b"x" for name in names}
    files |= {"labels.csv": manifest.encode(), "notes.txt": b"x"}
    found = read(tar_of(tmp_path / "a.tar", files))
    problems = {name: entry.problem for name, entry in found.items()}
    assert problems.pop("good.jpg") is None
    assert found["good.jpg"].split == "val"
    assert problems.pop("same.jpg") is None
    expected = {
        "short.jpg": "age '' is not a whole number",
        "up.jpg": "not in the manifest",
        "stranger.jpg": "not in the manifest",
        "swallowed.jpg": "not in the manifest",
        "twice.jpg": "listed twice, with different labels",
        "missing.jpg": "listed in the manifest but missing (labels.csv line 9)",
        "notes.txt": "listed in the manifest, but not a picture",
        "labels.csv line 4": "path '/etc/passwd.jpg' is absolute or has '..'",
        "labels.csv line 5": "leaves the data set",
        "labels.csv line 6": "leaves the data set",
        "labels.csv line 7": "leaves the data set",
        "labels.csv line 8": "leaves the data set",
        "labels.csv line 15": "the path is missing",
        "labels.csv line 16": "not CSV (field larger than field limit",
        "labels.csv line 18": "is a quote left open?",
    }
    assert problems.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in str(problems[name])
        assert "\n" not in str(problems[name])


def test_a_second_file_of_a_listed_path_is_not_labelled(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in (("labels.csv", CSV), ("a.jpg", b"1"), ("./a.jpg", b"2")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    first, second, _ = open_source(path).entries()
    assert (first.content, first.problem) == (b"1", None)
    assert "another file with this path came before" in str(second.problem)


def test_names_that_are_not_utf8_still_find_their_row(tmp_path: Path, tar_of: Archive) -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    files = {"labels.csv": b"path,age,gender\ncaf\xe9.jpg,9,f\n", name: b"A"}
    (entry,) = read(tar_of(tmp_path / "a.tar", files)).values()
    assert entry.label == FaceLabel(9, 1)
    entry.name.encode("utf-8")


def test_a_manifest_given_by_hand(tmp_path: Path, tar_of: Archive, write_folder: Folder) -> None:
    labels = tmp_path / "mine.csv"
    labels.write_bytes(CSV)
    files = {f"AAF/{name}": content for name, content in FILES.items()}
    files["AAF/labels.csv"] = b"path,age,gender\na.jpg,99,male\n"
    path = tar_of(tmp_path / "a.tar", files)
    found = read(path, labels=labels, aligned=True)
    assert found["a.jpg"].label == FaceLabel(2, 1)
    assert all(entry.aligned for entry in found.values())
    folder = write_folder(tmp_path / "f", {"deep/mine.csv": CSV, "deep/a.jpg": b"A", "c.jpg": b""})
    found = read(folder, labels=folder / "deep" / "mine.csv")
    assert found["a.jpg"].label == FaceLabel(2, 1)
    assert found["c.jpg"].problem == "not in the manifest"
    with pytest.raises(UsageError, match=re.escape("none.csv: no such manifest")):
        open_source(path, SourceOptions(labels=tmp_path / "none.csv"))
    with pytest.raises(DataError, match="`max_entry_bytes`"):
        open_source(path, SourceOptions(labels=labels, limits=Limits(max_entry_bytes=10)))


def test_fingerprints_follow_both_files(tmp_path: Path, tar_of: Archive) -> None:
    labels = tmp_path / "mine.csv"
    path = tar_of(tmp_path / "a.tar", FILES)
    found = set()
    for content in (CSV, CSV + b"\n"):
        labels.write_bytes(content)
        found.add(open_source(path, SourceOptions(labels=labels)).fingerprint())
    found.add(open_source(path).fingerprint())
    assert len(found) == 3


@pytest.mark.realdata
def test_real_photographs_have_their_labels(real_data: Path) -> None:
    path = real_data / "data" / "AAF.tar.gz"
    if not path.is_file():
        pytest.skip("no AAF.tar.gz")
    entries = open_source(path).entries()
    for _ in range(20):
        entry = next(entries)
        assert entry.problem is None
        assert not entry.aligned
