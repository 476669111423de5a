"""Which files of a source are its labels, and what several of them say together."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from utkage.core.errors import DataError
from utkage.data.label_files.settings import LabelSettings
from utkage.data.labels import AgeRange, FaceLabel
from utkage.data.sources.options import SourceOptions
from utkage.data.sources.registry import notes, open_source

Folder = Callable[[Path, Mapping[str, bytes]], Path]
PICTURES = {"images/0.jpg": b"A", "images/1.jpg": b"B"}


def labels_of(path: Path, **options: object) -> dict[str, FaceLabel | None]:
    source = open_source(path, SourceOptions(**options))  # type: ignore[arg-type]
    return {entry.name: entry.label for entry in source.entries()}


@pytest.mark.parametrize("name", ["metadata.csv", "images/metadata.csv", "my faces.tsv", "t.txt"])
def test_any_file_with_a_known_header_is_found(
    tmp_path: Path, write_folder: Folder, name: str
) -> None:
    table = b"file_name\tage\tsex\n0.jpg\t25\tf\n1.jpg\t26\tm\n"
    write_folder(tmp_path, {**PICTURES, name: table, "README.txt": b"path, age, gender"})
    assert labels_of(tmp_path) == {"0.jpg": FaceLabel(25, 1), "1.jpg": FaceLabel(26, 0)}


def test_several_files_are_joined(tmp_path: Path, write_folder: Folder) -> None:
    halves = {"age.csv": b"path,age\nimages/0.jpg,25\n", "sex.csv": b"file,sex\nimages/0.jpg,f\n"}
    parts = {"b.csv": b"path,age,gender\nimages/1.jpg,7,m\n"}
    write_folder(tmp_path, {**PICTURES, **halves, **parts})
    assert labels_of(tmp_path) == {
        "images/0.jpg": FaceLabel(25, 1),
        "images/1.jpg": FaceLabel(7, 0),
    }
    assert "labels from age.csv, b.csv, sex.csv" in notes(open_source(tmp_path))[-1]


def test_files_that_contradict_each_other_are_refused(tmp_path: Path, write_folder: Folder) -> None:
    tables = {"a.csv": b"path,age\nimages/0.jpg,25\n", "b.csv": b"path,age\nimages/0.jpg,52\n"}
    write_folder(tmp_path, {**PICTURES, **tables})
    with pytest.raises(DataError, match=r"a\.csv, b\.csv label 1 pictures differently.*`labels`"):
        open_source(tmp_path)
    assert labels_of(tmp_path, labels=tmp_path / "a.csv")["images/0.jpg"] == FaceLabel(25, None)


def test_a_header_that_is_not_understood_is_shown(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {**PICTURES, "faces.csv": b"pic,lifespan,what\nimages/0.jpg,25,f\n"})
    with pytest.raises(DataError, match=r"faces\.csv: .*found pic, lifespan, what"):
        open_source(tmp_path)
    columns = {"path": "pic", "age": "lifespan", "gender": "what"}
    found = labels_of(tmp_path, settings=LabelSettings(columns=columns))
    assert found["images/0.jpg"] == FaceLabel(25, 1)


def test_names_that_hold_labels_are_stronger_than_stray_tables(
    tmp_path: Path, write_folder: Folder
) -> None:
    stray = {"notes.csv": b"file,age,gender\n25_1_2_1.jpg,70,m\n"}
    write_folder(tmp_path, {"25_1_2_1.jpg": b"A", **stray})
    assert labels_of(tmp_path) == {"25_1_2_1.jpg": FaceLabel(25, 1, 2)}


CHIPS = {f"{age}_{age % 2}_0_{age}.jpg": b"x" for age in range(20, 40)}


def _table(change: Callable[[int], tuple[int, int]]) -> bytes:
    rows = [
        f"{age}_{age % 2}_0_{age}.jpg,{change(age)[0]},{change(age)[1]}" for age in range(20, 40)
    ]
    return "\n".join(["path,age,gender", *rows]).encode()


def test_labels_that_contradict_the_names(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {**CHIPS, "labels.csv": _table(lambda age: (age, 1 - age % 2))})
    with pytest.raises(
        DataError, match=r"gender differs in 20 of 20 rows .*other way round"
    ) as error:
        open_source(tmp_path)
    assert "`gender_coding`" in str(error.value)
    assert "`trust_labels=True`" in str(error.value)
    assert notes(open_source(tmp_path, SourceOptions(trust_labels=True)))
    options = SourceOptions(settings=LabelSettings(gender_coding={"0": "female", "1": "male"}))
    assert notes(open_source(tmp_path, options)) == ()
    write_folder(tmp_path, {"labels.csv": _table(lambda age: (59 - age, age % 2))})
    with pytest.raises(DataError, match="age differs by more than 5 years in 14 of 20 rows"):
        open_source(tmp_path)


def test_a_few_corrected_labels_are_only_reported(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(
        tmp_path, {**CHIPS, "labels.csv": _table(lambda age: (age + 9 * (age == 30), age % 2))}
    )
    (note,) = notes(open_source(tmp_path))
    assert "age differs by more than 5 years in 1 of 20 rows" in note
    assert "30_0_0_30.jpg labelled age 39, male" in note


def test_a_list_without_header_says_how_to_read_it(tmp_path: Path, write_folder: Folder) -> None:
    write_folder(tmp_path, {**PICTURES, "list.txt": b"images/0.jpg 25 f\nimages/1.jpg 26 m\n"})
    with pytest.raises(DataError, match=r"`columns=path=1,age=2,gender=3`"):
        open_source(tmp_path)


def test_folds_beside_the_pictures_of_adience(tmp_path: Path, write_folder: Folder) -> None:
    header = b"user_id\toriginal_image\tface_id\tage\tgender\n"
    files = {
        "faces/u@N/coarse_tilt_aligned_face.5.1_o.jpg": b"A",
        "fold_0_data.txt": header + b"u@N\t1_o.jpg\t5\t(25, 32)\tf\n",
        "fold_1_data.txt": header + b"u@N\t2_o.jpg\t6\t(0, 2)\tm\n",
    }
    write_folder(tmp_path, files)
    (entry,) = open_source(tmp_path).entries()
    assert entry.label == FaceLabel(None, 1, None, AgeRange(25, 32))


def test_names_with_one_label_leave_the_other_to_a_table(
    tmp_path: Path, write_folder: Folder
) -> None:
    name = "17/10000217_1981-05-05_2009.jpg"
    write_folder(tmp_path, {name: b"A"})
    assert labels_of(tmp_path) == {name: FaceLabel(28, None)}
    write_folder(tmp_path, {"wiki.csv": f"path,age,gender\n{name},28,1.0\n".encode()})
    assert labels_of(tmp_path) == {name: FaceLabel(28, 0)}
