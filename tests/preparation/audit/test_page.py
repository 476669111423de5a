import re
from html.parser import HTMLParser

import pytest
from browser import open_browser
from page_layout import check_on_paper, check_on_screen, measure

from utkage.data.labels import RANGE_NAMES, FaceLabel
from utkage.data.records import Dropped, Record
from utkage.data.split import SplitConfig
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.page import render_audit_page, write_audit_page
from utkage.preparation.audit.report import build_audit
from utkage.preparation.audit.resolve import FixConfig, resolve

EVIL = '<script>alert("x")</script>&'
VOID = {"meta", "br", "img", "link", "!doctype"}


class Balance(HTMLParser):
    """Checks that tags close in order, and collects tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def record(name, age, gender=0, pixels=None):
    return Record(
        source="src" + EVIL,
        name=name,
        label=FaceLabel(age, gender, 1),
        byte_hash=name,
        pixel_hash=pixels or name,
        perceptual=bytes(32),
        width=200,
        height=200,
        aligned=True,
        wrong_extension=True,
        constant=False,
    )


def audit_of(records):
    config, split = FixConfig(max_distance=-1), SplitConfig()
    groups = find_duplicates(records, -1)
    decisions = resolve(records, groups, lambda component: "test", config)
    return build_audit(
        records, groups, decisions, [Dropped("s", "bad" + EVIL, EVIL)], config, split
    )


@pytest.fixture
def page():
    records = [record("a" + EVIL, 20, 0, "p"), record("b", 70, 1, "p"), record("c", 26)]
    records += [record(f"many{k}", 30) for k in range(40)]
    return render_audit_page(audit_of(records), {"p": b"\xff\xd8jpeg"})


def test_page_is_whole_escaped_and_self_contained(page):
    parser = Balance()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    tags = {tag for tag, _ in parser.seen}
    assert "script" not in tags
    assert "alert(&#34;x&#34;)" in page
    assert EVIL not in page
    for _, attributes in parser.seen:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith("data:")
    assert "url(" not in page
    assert "http" not in re.sub(r'"data:[^"]*"', "", page)


def test_conflicts_show_pictures_and_labels(page):
    assert page.count("<figure>") == 1 + 2, "of the ages, and of two faces"
    assert page.count("<img ") == 2
    assert page.count("data:image/jpeg;base64,") == 2
    assert "50 years apart, both genders" in page
    assert "<b>20, male, Black</b>" in page
    assert "<b>70, female, Black</b>" in page
    assert "identical pixels, test, removed" in page


def test_picture_without_thumbnail_still_stands():
    page = render_audit_page(audit_of([record("a", 20, 0, "p"), record("b", 70, 0, "p")]), {})
    assert page.count("<figure>") == 1 + 2
    assert page.count("<img ") == 0


class Charts(HTMLParser):
    """Collects the columns of the histogram, and the rows of the tables with bars.

    Attributes:
        columns: Class, style, title and text of each column.
        tables: Cells of each row of each table; widths of the bars of a cell that contains bars.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.columns: list[list[str]] = []
        self.tables: list[list[list[str | list[float]]]] = []
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if given.get("class") == "plot" or (tag == "table" and given.get("class") == "bars"):
            self._inside = given["class"]
            if tag == "table":
                self.tables.append([])
        elif tag in ("table", "div"):
            self._inside = ""
        elif self._inside == "plot" and tag == "span":
            values = [given.get("class") or "", given["style"], given["title"], ""]
            self.columns.append(values)
        elif self._inside == "bars" and tag == "tr":
            self.tables[-1].append([])
        elif self._inside == "bars" and tag in ("th", "td"):
            self.tables[-1][-1].append("")
        elif self._inside == "bars" and tag == "span" and "style" in given:
            cell = self.tables[-1][-1]
            width = float(re.fullmatch(r"width:([0-9.]+)%", given["style"]).group(1))
            cell[-1] = [*(cell[-1] or []), width]

    def handle_endtag(self, tag):
        if tag == "table":
            self._inside = ""

    def handle_data(self, data):
        if self._inside == "plot" and self.columns:
            self.columns[-1][-1] += data.strip()
        elif self._inside == "bars" and self.tables[-1] and self.tables[-1][-1]:
            cells = self.tables[-1][-1]
            if isinstance(cells[-1], str):
                cells[-1] = (cells[-1] + data).strip()


def test_spike_is_marked_by_more_than_colour(page):
    columns = Charts(page).columns
    assert len(columns) == 117
    assert columns[30] == ["marked", "height:100.0%", "age 30: 40", "30"]
    assert columns[26] == ["", "height:2.5%", "age 26: 1", ""]
    assert [age for age, column in enumerate(columns) if column[0]] == [30]
    assert ".plot .marked{background:#d55e00}" in page
    assert "30 (40 faces" in page


def test_the_histogram_has_a_text_and_a_table(page):
    assert (
        'role="img" aria-label="Faces of each year of age, from 26 to 30. '
        'The most frequent age is 30, with 40."'
    ) in page
    assert '<tr><th scope="row">30-39</th><td>40</td><td>0</td>' in page


def test_bars_have_names_and_numbers(page):
    ranges, races = Charts(page).tables
    assert ranges[0] == ["age range", "", "male (41)", "female (0)", "faces"]
    assert ["26-35", [100, 0], "41", "0", "41"] in ranges
    assert ["5-9", [0, 0], "0", "0", "0"] in ranges
    assert [row[0] for row in ranges[1:]] == list(RANGE_NAMES)
    assert races[0] == ["race", "", "faces"]
    assert ["Black", [100], "41"] in races
    assert races[-1] == ["unknown", [0], "0"]


def test_empty_audit_still_makes_a_page(tmp_path):
    target = tmp_path / "deep" / "audit.html"
    write_audit_page(audit_of([]), {}, target)
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "No single year stands out." in text
    assert [path.name for path in target.parent.iterdir()] == ["audit.html"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def written(tmp_path_factory, examples):
    """A page with every age, and with six groups of conflicting labels."""
    records = [record(f"{'folder/' * 6}{k}.jpg", k % 100, k % 2) for k in range(800)]
    for k in range(6):
        records += [record(f"{k}-{age}", age, 0, f"p{k}") for age in (20, 24 + k)]
    face = (examples / "faces/0-4_male.jpg").read_bytes()
    page = render_audit_page(audit_of(records), {f"p{k}": face for k in range(6)})
    path = tmp_path_factory.mktemp("written") / "audit.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [400, 800, 1280, 1920])
def test_on_a_screen(browser, written, width):
    found = check_on_screen(browser, written, width)
    assert width < 1280 or found["scrolling"] == []
    assert browser.logs() == []


def test_nobody_is_shut_out(browser, written, barriers):
    measure(browser, written, 1280, color_scheme="light")
    assert barriers(browser) == []


def test_on_paper(browser, written):
    check_on_paper(browser, written)
    closed = "[...document.querySelectorAll('details ul')]"
    browser.devtools("Emulation.setEmulatedMedia", media="print")
    assert browser.run(f"return {closed}.every((one) => one.checkVisibility())")
    browser.devtools("Emulation.setEmulatedMedia", media="")
