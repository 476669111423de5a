import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from utkage.data.labels import FaceLabel
from utkage.data.records import Dropped, Record
from utkage.data.split import SplitConfig
from utkage.preparation.audit.duplicates import find_duplicates
from utkage.preparation.audit.page import render_audit_page, write_audit_page
from utkage.preparation.audit.report import build_audit
from utkage.preparation.audit.resolve import FixConfig, resolve
from utkage.reporting.svg import columns, stacked_rows

EVIL = '<script>alert("x")</script>&'
VOID = {"meta", "br", "img", "!doctype"}


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
    assert "link" not in tags
    assert "alert(&quot;x&quot;)" in page
    assert EVIL not in page
    for _, attributes in parser.seen:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith("data:image/jpeg;base64,")
    assert "url(" not in page
    assert "http" not in page


def test_conflicts_show_pictures_and_labels(page):
    assert page.count("<figure>") == 2
    assert page.count("<img ") == 2
    assert "50 years apart, both genders" in page
    assert "<b>20, male, Black</b>" in page
    assert "<b>70, female, Black</b>" in page
    assert "identical pixels, test, left out" in page


def test_picture_without_thumbnail_still_stands():
    page = render_audit_page(audit_of([record("a", 20, 0, "p"), record("b", 70, 0, "p")]), {})
    assert page.count("<figure>") == 2
    assert "<img" not in page


def test_spike_is_marked_by_more_than_colour(page):
    assert re.search(r'<text class="mark"[^>]*>30</text>', page)
    assert "30 (40 faces" in page


def test_empty_audit_still_makes_a_page(tmp_path):
    target = tmp_path / "deep" / "audit.html"
    write_audit_page(audit_of([]), {}, target)
    text = target.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "No single year stands out." in text
    assert [path.name for path in target.parent.iterdir()] == ["audit.html"]


def test_columns_scale_to_the_highest():
    chart = ElementTree.fromstring(columns([0, 5, 10], {2}, 'a "label" & more'))
    bars = chart.findall("rect")
    assert [bar.get("class") for bar in bars] == ["c0", "spike"]
    assert float(bars[1].get("height")) == 2 * float(bars[0].get("height"))
    assert chart.get("aria-label") == 'a "label" & more'


def test_stacked_rows_lie_side_by_side_within_the_chart():
    chart = ElementTree.fromstring(stacked_rows([("a<b", (30, 10)), ("c", (0, 5))], ("m", "f")))
    first, second, third = chart.findall("rect")
    assert float(second.get("x")) >= float(first.get("x")) + float(first.get("width"))
    assert float(first.get("width")) > 2.5 * float(second.get("width"))
    assert third.get("class") == "c1"
    assert float(second.get("x")) + float(second.get("width")) <= 480
    assert [text.text for text in chart.findall("text")] == ["a<b", "40", "c", "5"]


def test_charts_of_nothing():
    ElementTree.fromstring(columns([0] * 117, set(), "empty"))
    ElementTree.fromstring(stacked_rows([("a", (0, 0))], ("m", "f")))
