from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
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
        assert picture.size == (3 * 160, 2 * 160)
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


def test_names_are_no_formulas(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    names = [r"$\frac$", r"a\$b$c$", "$x$", "猫 😀", "<script>"]
    figure = new_figure(4, 3)
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], label=names[0])
    axes.set(title=names[0], xlabel=names[1], ylabel=names[2])
    axes.set_yticks(range(len(names)), names)
    axes.legend()
    figure.suptitle(names[3])
    files = save_figure(figure, tmp_path, "names")
    texts = [node.text for node in ElementTree.parse(files["svg"]).iter() if node.text]
    assert set(names) <= set(texts)
    assert not recwarn.list, "nothing about missing glyphs on stderr"
