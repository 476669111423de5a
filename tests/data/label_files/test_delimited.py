"""Headers, delimiters, quoting and encodings of tables."""

import pytest

from utkage.core.errors import ConfigError, DataError
from utkage.data.label_files import read_label_file
from utkage.data.label_files.settings import LabelSettings, parse_pairs
from utkage.data.labels import AgeRange, FaceLabel

LABEL = FaceLabel(25, 1)


def labels_of(content: str | bytes, **settings: dict[str, str]) -> dict[str, FaceLabel | None]:
    raw = content.encode() if isinstance(content, str) else content
    rows = read_label_file(raw, "t.csv", LabelSettings(**settings)).rows
    return {row.path: row.label for row in rows}


@pytest.mark.parametrize(
    "header",
    [
        "path,age,gender",
        "img_name,age,gender",
        "file_name,Age,Gender",
        "Image Path,AGE,sex",
        "image,age,sex",
        "full_path,real_age,gender",
        "file-name,age_group,Sex",
        "photo,Age (years),Gender [M/F]",
        "url,image,person_age,person_gender",
        '"file","age","gender"',
        "Datei,Alter,Geschlecht",
        "fichier,âge,sexe",
        "archivo,edad,sexo",
        "文件名,年龄,性别",
        "파일명,나이,성별",
        "файл,возраст,пол",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_titles_of_others(header: str, delimiter: str) -> None:
    row = "x,a.jpg,25,f" if header.startswith("url") else "a.jpg,25,f"
    text = f"{header}\n{row}\n".replace(",", delimiter)
    assert labels_of(text) == {"a.jpg": LABEL}


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\npath;age;gender\na.jpg;25;f\n",
        '"sep=;"\r\npath;age;gender\r\na.jpg;25;f\r\n',
        "SEP=,\npath,age,gender\na.jpg,25,f",
        "\ufeffsep=\t\npath\tage\tgender\na.jpg\t25\tf\n",
        "# made by hand\n\npath,age,gender\na.jpg,25,f\n",
        "path age gender\na.jpg 25 f\n",
        ",path,age,gender\n0,a.jpg,25.0,1.0\n",
        "name,path,age,gender\nAnna,a.jpg,25,f\n",
        "id,image_id,age,gender\n7,a.jpg,25,f\n",
        "path;age;gender\na.jpg;25,0;1,0\n",
    ],
)
def test_what_programs_write_around_a_table(text: str) -> None:
    assert labels_of(text) == {"a.jpg": LABEL}


def test_ranges_without_quotes_stay_in_one_cell() -> None:
    text = "path,age,gender\na.jpg,(25, 32),f\nb.jpg,[20, 30),m\n"
    assert labels_of(text) == {
        "a.jpg": FaceLabel(None, 1, None, AgeRange(25, 32)),
        "b.jpg": FaceLabel(None, 0, None, AgeRange(20, 29)),
    }


def test_two_columns_may_hold_the_ends_of_the_range() -> None:
    text = "path,age_min,age_max,gender\na.jpg,20,29,f\nb.jpg,30,30,m\n"
    assert labels_of(text) == {
        "a.jpg": FaceLabel(None, 1, None, AgeRange(20, 29)),
        "b.jpg": FaceLabel(30, 0),
    }


def test_one_label_of_two() -> None:
    assert labels_of("path,age\na.jpg,25\n") == {"a.jpg": FaceLabel(25, None)}
    assert labels_of("path,gender\na.jpg,f\n") == {"a.jpg": FaceLabel(None, 1)}


def test_chosen_columns() -> None:
    text = "pic,years_lived,what\na.jpg,25,f\n"
    chosen = parse_pairs("path=pic,age=years_lived,gender=What", "columns")
    assert labels_of(text, columns=chosen) == {"a.jpg": LABEL}
    assert labels_of("a.jpg;25;f\n", columns={"path": "1", "age": "2", "gender": "3"}) == {
        "a.jpg": LABEL
    }
    with pytest.raises(ConfigError, match="did you mean years_lived"):
        labels_of(text, columns={**chosen, "age": "year_lived"})
    with pytest.raises(ConfigError, match="choose from path, age"):
        labels_of(text, columns={**chosen, "agee": "what"})
    with pytest.raises(ConfigError, match="`columns` path: give pairs"):
        parse_pairs("path", "columns")


def test_an_unknown_header_is_shown_with_what_is_meant() -> None:
    with pytest.raises(DataError, match="found imagee, lifespan, gendr: none is") as error:
        labels_of("imagee,lifespan,gendr\na.jpg,25,f\n")
    assert "`columns=path=imagee,age=...,gender=gendr`" in str(error.value)
    with pytest.raises(DataError, match=r"already holds data: a\.jpg, 25, f") as error:
        labels_of("a.jpg,25,f\nb.jpg,26,m\n")
    assert "`columns=path=1,age=2,gender=3`" in str(error.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,age_group,sex\na.jpg,3,f\nb.jpg,4,m\n", "numbers of groups"),
        ("path,age,age,sex\na.jpg,3,4,f\n", "age is there twice.*columns=path=1,age=2,gender=4"),
        ("file,age,gender,p_female\na.jpg,25,f,0.9\n", "holds predictions"),
    ],
)
def test_columns_that_would_be_misread(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        labels_of(text)


def test_apparent_ages_are_means_and_rounded() -> None:
    text = "file_name,num_ratings,apparent_age_avg,real_age\n000000.jpg,38,4.81579,4\n"
    assert labels_of(text) == {"000000.jpg": FaceLabel(4, None)}
    assert labels_of(text, columns={"age": "apparent_age_avg"}) == {
        "000000.jpg": FaceLabel(5, None)
    }
