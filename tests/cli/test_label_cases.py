"""Label files of others, as people prepare them: one test for each case from public reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from utkage.data.store import ChipStore

Invoke = Callable[..., Any]
Picture = Callable[..., bytes]
Folder = Callable[[Path, Mapping[str, bytes]], Path]

AGES = (25, 47, 41, 27, 63, 27, 69, 9, 9, 2)
GENDERS = (1, 1, 0, 0, 0, 1, 1, 0, 1, 1)
RANGES = ("20-29", "40-49", "40-49", "20-29", "60-69", "20-29", "60-69", "3-9", "3-9", "0-2")


@pytest.fixture
def folder(
    tmp_path: Path, picture: Picture, write_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Ten pictures, in the working directory."""
    files = {f"images/{index}.jpg": picture(index, 48) for index in range(10)}
    monkeypatch.chdir(write_folder(tmp_path / "case", files))
    return tmp_path / "case"


def table(header: str, row: str) -> str:
    """A table of the ten pictures; ``row`` is a format with n, age, gender, sex and range."""
    rows = [
        row.format(n=n, age=age, gender=gender, sex="MF"[gender], range=RANGES[n])
        for n, (age, gender) in enumerate(zip(AGES, GENDERS, strict=True))
    ]
    return "\n".join([header, *rows]) + "\n"


def prepare(invoke: Invoke, *arguments: object) -> Any:
    return invoke("prepare", *arguments, "--aligned", "yes", "--out", "../p", "--chip-size", 64)


def labels_of(store: Path) -> list[tuple[int | None, int | None]]:
    rows = sorted(ChipStore.open(store).manifest, key=lambda row: int(Path(row.record.name).stem))
    return [(row.record.label.age, row.record.label.gender) for row in rows]


BOTH = list(zip(AGES, GENDERS, strict=True))


@pytest.mark.parametrize(
    ("name", "header", "row"),
    [
        ("metadata.csv", "file_name,age,gender", "images/{n}.jpg,{age},{gender}"),
        ("sex.csv", "image,age,sex", "images/{n}.jpg,{age},{sex}"),
        ("lagenda_annotation.csv", "img_name,age,gender", "images/{n}.jpg,{age},{sex}"),
        ("labels.csv", "path,age,gender", "images/{n}.jpg,{age}.0,{gender}.0"),
        ("labels.csv", "sep=;\npath;age;gender", "images/{n}.jpg;{age};{sex}"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_titles_numbers_and_delimiters(
    invoke: Invoke, folder: Path, name: str, header: str, row: str, named: bool
) -> None:
    (folder / name).write_text(table(header, row))
    result = prepare(invoke, ".", *(["--labels", name] if named else []))
    assert result.exit_code == 0, result.output
    assert "case: 10 readable" in result.stdout
    assert labels_of(folder.parent / "p") == BOTH


def test_ranges_are_kept_as_ranges(invoke: Invoke, folder: Path) -> None:
    text = table(
        "file,age,gender,race,service_test", "images/{n}.jpg,{range},{sex},East Asian,True"
    )
    (folder / "fairface_label_val.csv").write_text(text)
    result = prepare(invoke, ".", "--labels", "fairface_label_val.csv")
    assert result.exit_code == 0, result.output
    assert "10 faces whose age is a range" in result.stdout
    assert labels_of(folder.parent / "p") == [(None, gender) for gender in GENDERS]
    records = [row.record for row in ChipStore.open(folder.parent / "p").manifest]
    ranges = {record.name: record.label.age_range for record in records}
    assert [ranges[f"images/{n}.jpg"].name for n in range(10)] == list(RANGES)  # type: ignore[union-attr]


@pytest.mark.parametrize(("kind", "place"), [("age", 0), ("gender", 1)])
def test_one_label_only(invoke: Invoke, folder: Path, kind: str, place: int) -> None:
    (folder / f"{kind}.csv").write_text(table(f"path,{kind}", f"images/{{n}}.jpg,{{{kind}}}"))
    result = prepare(invoke, ".", "--labels", f"{kind}.csv")
    assert result.exit_code == 0, result.output
    other = ("a gender", "an age")[place]
    assert f"10 faces without {other}" in result.stdout
    assert [label[place] for label in labels_of(folder.parent / "p")] == [
        label[place] for label in BOTH
    ]
    assert [label[1 - place] for label in labels_of(folder.parent / "p")] == [None] * 10


def test_a_race_of_another_list_costs_nothing(invoke: Invoke, folder: Path) -> None:
    (folder / "labels.csv").write_text(
        table("path,age,gender,race", "images/{n}.jpg,{age},{gender},Middle Eastern")
    )
    result = prepare(invoke, ".")
    assert "case: 10 readable" in result.stdout
    assert "race left empty in 10 of 10 rows" in result.output


def test_paths_relative_to_a_label_file_beside_the_pictures(invoke: Invoke, folder: Path) -> None:
    (folder / "labels.csv").write_text(table("path,age,gender", "images/{n}.jpg,{age},{gender}"))
    result = prepare(invoke, "images", "--labels", "labels.csv")
    assert "images: 10 readable" in result.stdout
    assert labels_of(folder.parent / "p") == BOTH


def test_a_table_from_korean_excel(
    invoke: Invoke, picture: Picture, tmp_path: Path, write_folder: Folder
) -> None:
    files = {"김민수.jpg": picture(1, 48), "이영희.jpg": picture(2, 48)}
    text = "path,age,gender\n김민수.jpg,25,1\n이영희.jpg,47,1\n"
    write_folder(tmp_path / "case", {**files, "labels.csv": text.encode("cp949")})
    result = invoke("prepare", tmp_path / "case", "--aligned", "yes", "--out", tmp_path / "p")
    assert "case: 2 readable" in result.stdout
    assert "read as cp949" in result.output


def test_a_title_in_the_code_page_of_windows(invoke: Invoke, folder: Path) -> None:
    text = table("fichier;âge;sexe", "images/{n}.jpg;{age};{sex}")
    (folder / "labels.csv").write_bytes(text.encode("latin-1"))
    result = prepare(invoke, ".")
    assert "not UTF-8; read as cp" in result.output
    assert labels_of(folder.parent / "p") == BOTH


def test_columns_that_may_hold_the_label_that_is_missing_are_named(
    invoke: Invoke, folder: Path
) -> None:
    text = table("file,lifespan,gender", "images/{n}.jpg,{age},{sex}")
    (folder / "labels.csv").write_text(text)
    result = prepare(invoke, ".")
    assert result.exit_code == 0, result.output
    message = " ".join(result.output.split())
    assert "no column holds the age; if one of lifespan does, say so with" in message
    assert "--columns age=lifespan" in message


def test_thousands_of_invalid_rows_are_one_line(invoke: Invoke, folder: Path) -> None:
    valid = table("path,age,gender", "images/{n}.jpg,{age},{gender}")
    invalid = "".join(f"images/x{n}.jpg,nan,1\n" for n in range(3000))
    varied = "".join(f"images/y{n}.jpg,{n}.5,1\n" for n in range(1000))
    (folder / "labels.csv").write_text(valid + invalid + varied)
    result = prepare(invoke, ".")
    assert len(result.stdout.splitlines()) < 30
    assert "removed 4000: age ... is not a whole number of years" in result.stdout
    assert "(first: labels.csv line 12)" in result.stdout
    page = (folder.parent / "p" / "audit.html").read_text()
    assert "and 3,990 more" in page
    assert len(page.splitlines()) < 2000


def test_labels_that_contradict_the_names_are_refused(
    invoke: Invoke, picture: Picture, tmp_path: Path, write_folder: Folder
) -> None:
    names = [f"{age}_{gender}_0_2017{n}.jpg" for n, (age, gender) in enumerate(BOTH)]
    rows = [
        f"UTKface,part1/{name},{age},{1 - gender}"
        for name, (age, gender) in zip(names, BOTH, strict=True)
    ]
    files = {f"part1/{name}": picture(n, 48) for n, name in enumerate(names)}
    text = "\n".join(["db,path,age,gender", *rows])
    write_folder(tmp_path / "case", {**files, "labels.csv": text.encode()})
    arguments = ("prepare", tmp_path / "case", "--aligned", "yes", "--out", tmp_path / "p")
    refused = invoke(*arguments)
    assert refused.exit_code == 1
    assert "gender differs in 10 of 10 rows (is it coded the other way round?)" in refused.output
    assert "--gender-coding" in refused.output
    assert "--trust-labels" in refused.output
    trusted = invoke(*arguments, "--trust-labels")
    assert trusted.exit_code == 0
    assert "10 of 10 rows" in trusted.output
    coded = invoke(*arguments, "--gender-coding", "1=male,0=female")
    assert coded.exit_code == 0
    assert "10 of 10" not in coded.output


def test_a_table_of_pixels(invoke: Invoke, folder: Path) -> None:
    pixels = [" ".join(str((7 * n + 3 * place) % 256) for place in range(2304)) for n in range(10)]
    rows = [f"{age},2,{gender},{n}.jpg,{pixels[n]}" for n, (age, gender) in enumerate(BOTH)]
    text = "\n".join(["age,ethnicity,gender,img_name,pixels", *rows])
    (folder / "age_gender.csv").write_text(text)
    arguments = ("--out", "../p", "--chip-size", 64, "--near-distance", -1)
    result = invoke("prepare", "age_gender.csv", *arguments)
    assert "age_gender: 10 readable, 10 usable" in result.stdout, result.output
    assert labels_of(folder.parent / "p") == BOTH


def test_an_archive_in_an_archive(invoke: Invoke, folder: Path) -> None:
    import zipfile

    with zipfile.ZipFile("drive-download.zip", "w") as archive:
        archive.writestr("UTKFace.tar.gz", b"x")
    result = prepare(invoke, "drive-download.zip")
    assert result.exit_code == 1
    assert "holds UTKFace.tar.gz, but no pictures; unpack that archive" in result.output


def test_chosen_columns_and_their_errors(invoke: Invoke, folder: Path) -> None:
    (folder / "faces.csv").write_text(table("pic,lifespan,what", "images/{n}.jpg,{age},{sex}"))
    result = prepare(invoke, ".")
    assert result.exit_code == 1
    assert "found pic, lifespan, what" in result.output
    assert "--columns path=pic" in result.output
    columns = "path=pic,age=lifespan,gender=what"
    result = prepare(invoke, ".", "--labels", "faces.csv", "--columns", columns)
    assert labels_of(folder.parent / "p") == BOTH
    result = prepare(invoke, ".", "--labels", "faces.csv", "--columns", "path")
    assert result.exit_code == 2
    assert "--columns path: give pairs" in result.output


def test_the_settings_are_part_of_the_set(invoke: Invoke, folder: Path) -> None:
    (folder / "labels.csv").write_text(table("path,age,gender", "images/{n}.jpg,{age},{gender}"))
    assert prepare(invoke, ".", "--json").exit_code == 0
    assert json.loads(prepare(invoke, ".", "--json").stdout)["unchanged"]
    coding = ("--gender-coding", "1=male,0=female")
    assert not json.loads(prepare(invoke, ".", "--json", *coding).stdout)["unchanged"]
    assert labels_of(folder.parent / "p") == [(age, 1 - gender) for age, gender in BOTH]


def evaluate(invoke: Invoke, *arguments: object) -> Any:
    options = ("--weights", "shipped", "--aligned", "yes", "--resamples", 100, "--out", "../e")
    return invoke("evaluate", "--data", *arguments, *options, "--json")


def test_ranges_are_scored_by_their_ends(
    invoke: Invoke, folder: Path, picture: Picture, write_folder: Folder
) -> None:
    text = table("file,age,gender,race", "images/{n}.jpg,{range},{sex},East Asian")
    (folder / "fairface_label_val.csv").write_text(text)
    fairface = evaluate(invoke, ".", "--labels", "fairface_label_val.csv")
    assert fairface.exit_code == 0, fairface.output
    faces = {f"aligned/u@N/landmark_aligned_face.{n}.{n}_o.jpg": picture(n, 48) for n in range(10)}
    rows = [
        f"u@N\t{n}_o.jpg\t{n}\t({RANGES[n].replace('-', ', ')})\t{'mf'[gender]}"
        for n, gender in enumerate(GENDERS)
    ]
    fold = "\n".join(["user_id\toriginal_image\tface_id\tage\tgender", *rows])
    write_folder(folder, {**faces, "fold_0_data.txt": fold.encode()})
    adience = evaluate(invoke, "aligned", "--labels", "fold_0_data.txt")
    assert adience.exit_code == 0, adience.output
    for result in (fairface, adience):
        found = json.loads(result.stdout)
        assert found["n_label_ranges"] == 10
        assert found["label_range_distance"] >= 0
        assert found["gender_accuracy"] is not None
        assert found["mae"] is None
        assert "mae" not in found["populations"]["all"]["figures"]


@pytest.mark.parametrize(("kind", "other"), [("age", "gender"), ("gender", "age")])
def test_only_the_label_that_is_there_is_scored(
    invoke: Invoke, folder: Path, kind: str, other: str
) -> None:
    (folder / f"{kind}.csv").write_text(table(f"path,{kind}", f"images/{{n}}.jpg,{{{kind}}}"))
    result = evaluate(invoke, ".", "--labels", f"{kind}.csv")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    metric = {"age": "mae", "gender": "gender_accuracy"}
    assert found[metric[kind]] is not None
    assert found[metric[other]] is None
