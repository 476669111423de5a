from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tools.examples.__main__ import main
from tools.examples.demo_set import make_demo_set
from utkage.core.errors import DataError
from utkage.data.labels import AGE_RANGES, format_name, parse_name, range_index

FACES = Path(__file__).resolve().parents[2] / "examples" / "faces"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_demo_set(FACES, tmp_path_factory.mktemp("demo"), 60, seed=3)


def test_the_same_seed_gives_the_same_files(demo: list[Path], tmp_path: Path) -> None:
    again = make_demo_set(FACES, tmp_path, 60, seed=3)
    assert [path.name for path in again] == [path.name for path in demo]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in demo]


def test_another_seed_gives_other_pictures(demo: list[Path], tmp_path: Path) -> None:
    other = make_demo_set(FACES, tmp_path, 60, seed=4)
    assert not {path.read_bytes() for path in other} & {path.read_bytes() for path in demo}


def test_all_pictures_are_distinct(demo: list[Path]) -> None:
    assert len(set(demo)) == 60
    assert len({path.read_bytes() for path in demo}) == 60


def test_every_name_follows_the_grammar(demo: list[Path]) -> None:
    for path in demo:
        label = parse_name(path.name)
        assert label.race == 4
        assert format_name(label, path.name.split(".")[0].split("_")[3]) == path.name


def test_both_genders_and_all_ranges_are_there(demo: list[Path]) -> None:
    labels = [parse_name(path.name) for path in demo]
    assert sum(label.gender for label in labels) == 30
    for gender in (0, 1):
        ranges = {range_index(label.age) for label in labels if label.gender == gender}
        assert ranges == set(range(len(AGE_RANGES)))


def test_chips_are_200_pixels_of_rgb(demo: list[Path]) -> None:
    for path in demo:
        with Image.open(path) as picture:
            assert (picture.size, picture.mode, picture.format) == ((200, 200), "RGB", "JPEG")


def test_nothing_else_is_left_in_the_folder(demo: list[Path]) -> None:
    assert sorted(demo[0].parent.iterdir()) == sorted(demo)


def test_a_folder_without_faces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="male"):
        make_demo_set(tmp_path, tmp_path / "out", 4, seed=0)


def test_a_face_with_a_wrong_name_is_refused(tmp_path: Path) -> None:
    for name in ("young_male.jpg", "old_male.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(DataError, match="is not named"):
        make_demo_set(tmp_path, tmp_path / "out", 4, seed=0)


def test_the_command_makes_as_many_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo-set", str(tmp_path / "set"), "--count", "6", "--seed", "1"]) == 0
    assert "6 chips" in capsys.readouterr().out
    assert len(list((tmp_path / "set").iterdir())) == 6


def test_the_command_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo-set", str(tmp_path / "set"), "--faces", str(tmp_path)]) == 1
    assert "two or more faces" in capsys.readouterr().err
