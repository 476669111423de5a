import base64
import re
from html.parser import HTMLParser

import pytest

from utkage.data.labels import FaceLabel
from utkage.data.records import Dropped, Record
from utkage.data.split import SplitConfig
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.page import render_audit_page, write_audit_page
from utkage.preparation.audit.report import build_audit
from utkage.preparation.audit.resolve import FixConfig, resolve

EVIL = '<script>alert("x")</script>&'
VOID = {"meta", "br", "img", "link", "!doctype"}
CHARTS = 3


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
    assert page.count("<figure>") == CHARTS + 2
    assert page.count("<img ") == CHARTS + 2
    assert page.count("data:image/jpeg;base64,") == 2
    assert "50 years apart, both genders" in page
    assert "<b>20, male, Black</b>" in page
    assert "<b>70, female, Black</b>" in page
    assert "identical pixels, test, removed" in page


def test_picture_without_thumbnail_still_stands():
    page = render_audit_page(audit_of([record("a", 20, 0, "p"), record("b", 70, 0, "p")]), {})
    assert page.count("<figure>") == CHARTS + 2
    assert page.count("<img ") == CHARTS


def charts_of(page: str) -> list[str]:
    """The SVG text of each chart."""
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', page)
    return [base64.b64decode(content).decode("utf-8") for content in found]


def test_spike_is_marked_by_more_than_colour(page):
    ages = charts_of(page)[0]
    assert re.search(r'<text style="[^"]*fill: #d55e00[^"]*"[^>]*>30</text>', ages)
    assert "30 (40 faces" in page


def test_charts_keep_labels_and_totals_as_text(page):
    _, ranges, races = charts_of(page)
    assert "26-35" in ranges
    assert ">41<" in ranges
    assert "male (41)" in ranges
    assert "female (0)" in ranges
    assert "unknown" in races
    assert ">41<" in races


def test_empty_audit_still_makes_a_page(tmp_path):
    target = tmp_path / "deep" / "audit.html"
    write_audit_page(audit_of([]), {}, target)
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "No single year stands out." in text
    assert [path.name for path in target.parent.iterdir()] == ["audit.html"]
