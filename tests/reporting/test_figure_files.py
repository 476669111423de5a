from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from utkage.reporting.figure_files import new_figure, save_figure


def drawn() -> Figure:
    figure = new_figure(3, 2)
    axis = figure.add_subplot()
    axis.plot([1, 2], [3, 4])
    axis.set_title("Age & gender")
    return figure


def test_files_of_each_format(tmp_path: Path) -> None:
    files = save_figure(drawn(), tmp_path / "charts", "ages")
    assert files == {form: tmp_path / "charts" / f"ages.{form}" for form in ("png", "svg")}
    assert sorted((tmp_path / "charts").iterdir()) == sorted(files.values())
    with Image.open(files["png"]) as picture:
        assert picture.size == (3 * 120, 2 * 120)
    texts = [node.text for node in ElementTree.parse(files["svg"]).iter() if node.text]
    assert "Age & gender" in texts, "text stays text"


def test_one_format(tmp_path: Path) -> None:
    assert list(save_figure(drawn(), tmp_path, "x", ("png",))) == ["png"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_equal_figures_give_the_same_bytes(tmp_path: Path) -> None:
    first, again, other = (
        save_figure(drawn(), tmp_path / folder, name, ("svg",))["svg"].read_bytes()
        for folder, name in (("first", "a"), ("second", "a"), ("third", "b"))
    )
    assert first == again != other
    assert b"<dc:date>" not in first
