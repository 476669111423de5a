"""The page of ``export --format web`` in headless Chromium, with made predictions.

The networks and their runtime are those of ``tests/end_to_end/test_web_page.py``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_fixtures import Barriers
from browser import Browser, file_server, open_browser
from PIL import Image

from utkage.exporting.export_web import fill_web_folder, page_settings
from utkage.faces.contract import utkface_contract
from utkage.prediction.rows import FaceRow

# Instead of the networks: as many faces as the picture is wide in hundreds of pixels, at most 7.
# Pictures of 50 pixels have none, and those of 90 pixels take half a second.
FACES = """
export class Faces {
  static async load() { return new Faces(); }
  async predict({ width, height }) {
    if (width === 90) await new Promise((done) => setTimeout(done, 500));
    const count = Math.min(7, Math.floor(width / 100)) + (width === 90 ? 1 : 0);
    return Array.from({ length: count }, (_, k) => ({
      box: [k * 100 + 10, 20, k * 100 + 60, 80].map((v) => Math.min(v, width)), score: 0.999,
      landmarks: [[20, 40], [40, 40], [30, 50], [22, 60], [38, 60]],
      age: 30 + k, age_low: 20 + k, age_high: 40 + k, range: "26-35", range_probability: 0.5,
      p_female: [0.97, 0.02, 0.6][k % 3], flags: k === 1 ? ["blurred", "cut_off"] : [],
      distribution: Array.from({ length: 117 }, (_, year) => Number(Math.abs(year - 30 - k) <= 10)),
    }));
  }
}
"""
TAB, ENTER = "\ue004", "\ue007"
STATUS = "document.getElementById('status').textContent"
IDLE = "document.getElementById('progress').hidden"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with made predictions, and pictures beside it."""
    place = tmp_path_factory.mktemp("page")
    site = place / "site"
    site.mkdir()
    fill_web_folder(site, page_settings(utkface_contract(96), "none", 0.8), b"", [])
    (site / "faces.js").write_text(FACES, encoding="utf-8")
    pictures = place / "pictures"
    for name, width in (("family.png", 750), ("b/portrait.png", 120), ("landscape.png", 50)):
        path = pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (width, 100), (90, 120, 90)).save(path)
    (pictures / "broken.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    (pictures / "notes.txt").write_text("no picture")
    slow = place / "slow"
    slow.mkdir()
    for number in range(12):
        Image.new("RGB", (90, 90)).save(slow / f"{number}.png")
    return place


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with file_server(folder / "site") as (served, _):
        yield served


@pytest.fixture(scope="module")
def window(folder: Path) -> Iterator[Browser]:
    with open_browser(folder) as browser:
        yield browser


@pytest.fixture
def browser(window: Browser, address: str) -> Browser:
    """The freshly loaded page, 1280 pixels wide."""
    window.resize(1280)
    window.prefer(color_scheme="light", reduced_motion="no-preference")
    window.open(address)
    window.wait(f"{STATUS} === 'Ready.'")
    window.logs()
    return window


def choose(browser: Browser, *paths: Path, status: str) -> None:
    browser.upload("#pictures", *paths)
    browser.wait(f"{IDLE} && {STATUS} === arguments[0]", status)


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (800, False), (360, True)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_layout(browser: Browser, folder: Path, width: int, touch: bool, scheme: str) -> None:
    browser.resize(width, touch=touch)
    browser.prefer(color_scheme=scheme)
    overflow = "return document.documentElement.scrollWidth - innerWidth"
    assert browser.run(overflow) <= 0
    # A long name, which has to be cut.
    long = folder / f"{'long name ' * 12}.png"
    Image.new("RGB", (320, 100)).save(long)
    pictures = (long, folder / "pictures/family.png", folder / "pictures/broken.jpg")
    choose(browser, *pictures, status="3 pictures, 10 faces.")
    assert browser.run(overflow) <= 0
    set_threshold(browser, "18")
    assert browser.run(overflow) <= 0
    found = browser.run("""
      const shown = [...document.querySelectorAll("body *")]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }));
      const sizes = shown.filter((one) => one.textContent.trim()).map((one) => parseFloat(
        getComputedStyle(one).fontSize));
      const buttons = shown.filter((one) => one.matches("button")).map((one) => {
        const { width, height } = one.getBoundingClientRect();
        return Math.min(width, height);
      });
      const box = document.querySelector(".scroll");
      return {
        smallest: Math.min(...sizes), target: Math.min(...buttons),
        table: box.scrollWidth - box.clientWidth,
        ground: getComputedStyle(document.body).backgroundColor,
        text: getComputedStyle(document.body).color,
      };
    """)
    assert found["smallest"] >= 13
    assert found["target"] >= 44
    assert found["table"] <= 0
    light, dark = (sum(map(int, found[key][4:-1].split(","))) for key in ("ground", "text"))
    assert (light > dark) == (scheme == "light")


def test_a_person_without_sight_finds_everything(browser: Browser, folder: Path) -> None:
    choose(browser, folder / "pictures/family.png", status="1 picture, 7 faces.")
    found = browser.run("""
      const all = (selector) => [...document.querySelectorAll(selector)];
      const named = (one) => one.getAttribute("aria-label") || one.textContent.trim();
      return {
        lang: document.documentElement.lang, title: document.title,
        marks: ["header", "main", "footer", "h1"].map((tag) => all(tag).length),
        live: all("[role=status]").length,
        nameless: all("button, canvas, section, progress").filter((one) => !named(one)
          && !one.getAttribute("aria-labelledby")).map((one) => one.outerHTML.slice(0, 80)),
        picture: document.getElementById("picture").getAttribute("aria-label"),
        heads: all("th").filter((one) => one.checkVisibility()).map((one) => one.textContent),
        roles: all("#rows tr").every((one) => one.getAttribute("role") === "row"),
        first: document.querySelector("#rows button").getAttribute("aria-label"),
      };
    """)
    assert found["lang"] == "en"
    assert found["title"]
    assert found["marks"] == [1, 1, 1, 1]
    assert found["live"] == 1
    assert found["nameless"] == []
    assert found["picture"].startswith("family.png: female 30 (20-40); male 31 (21-41); uncertain")
    assert found["heads"] == ["Thumbnail", "File", "Face", "Age", "Interval", "Gender", "P"]
    assert found["roles"]
    assert found["first"] == "Show face 1 of family.png"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_nobody_is_shut_out(
    browser: Browser, folder: Path, barriers: Barriers, width: int, scheme: str
) -> None:
    browser.resize(width, touch=width < 1000)
    browser.prefer(color_scheme=scheme)
    assert barriers(browser) == []
    two = (folder / "pictures/family.png", folder / "pictures/landscape.png")
    choose(browser, *two, status="2 pictures, 7 faces.")
    set_threshold(browser, "18")
    assert barriers(browser) == []


def test_a_button_without_a_name_would_be_noticed(browser: Browser, barriers: Barriers) -> None:
    browser.run("document.getElementById('camera').textContent = ''")
    (found,) = barriers(browser)
    assert found.startswith("critical: button-name: #camera")


def test_the_keyboard_reaches_everything_in_order(browser: Browser, folder: Path) -> None:
    two = (folder / "pictures/family.png", folder / "pictures/b/portrait.png")
    choose(browser, *two, status="2 pictures, 8 faces.")
    browser.run("document.activeElement.blur(); document.getElementById('install').hidden = true;")
    order = []
    for _ in range(11):
        browser.press(TAB)
        order.append(browser.run("return document.activeElement.textContent.trim()"))
    assert order[:5] == [
        *("Skip to the results", "Choose pictures", "Choose a folder", "Use the camera"),
        "",  # The age to compare with.
    ]
    assert order[5:10] == ["Download CSV", "Download JSON", "Clear", "\u2039", "\u203a"]
    # The table's box, which scrolls with the arrows; then the faces.
    for _ in range(3):
        browser.press(TAB)
    browser.press(ENTER)
    assert browser.run("return document.querySelector('#rows .chosen .place').textContent") == "3"
    outline = browser.run("return getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


def set_threshold(browser: Browser, age: str) -> None:
    browser.run(
        """
      const input = document.getElementById("threshold");
      input.value = arguments[0];
      input.dispatchEvent(new Event("change"));
    """,
        age,
    )
    browser.wait(
        f"{STATUS}.includes(arguments[0] ? `least ${{arguments[0]}} years` : 'No age')", age
    )


def test_a_column_shows_the_probability_of_an_age(browser: Browser, folder: Path) -> None:
    pictures = (folder / "pictures/family.png", folder / "pictures/landscape.png")
    choose(browser, *pictures, status="2 pictures, 7 faces.")
    shown = """
      const all = (selector) => [...document.querySelectorAll(selector)];
      return all(".at-least").filter((one) => one.checkVisibility()).map((one) => one.textContent);
    """
    assert browser.run(shown) == []
    # Even over 21 years around 30, 31 ...
    set_threshold(browser, "30")
    assert browser.run(shown) == ["\u2265 30", "52%", "57%", "62%", "67%", "71%", "76%", "81%", ""]
    browser.click("#json")
    rows = json.loads(saved(folder / "utkage.json"))
    assert [row["threshold"] for row in rows] == [30] * 7 + [None]
    assert rows[0]["p_at_least"] == pytest.approx(11 / 21, abs=1e-4)
    # Later pictures have it, too.
    choose(browser, folder / "pictures/b/portrait.png", status="1 picture, 1 face.")
    assert browser.run(shown)[-1] == "52%"
    set_threshold(browser, "")
    assert browser.run(shown) == []


def test_reasons_of_weak_predictions_are_shown(browser: Browser, folder: Path) -> None:
    choose(browser, folder / "pictures/family.png", status="1 picture, 7 faces.")
    flags = "return [...document.querySelectorAll('.flags')].map((one) => one.textContent)"
    assert browser.run(flags) == ["blurred, cut off"]
    browser.click("#csv")
    rows = list(csv.DictReader(saved(folder / "utkage.csv").splitlines()))
    assert [row["flags"] for row in rows[:3]] == ["", "blurred cut_off", ""]


def test_downloads_have_the_columns_of_predict(browser: Browser, folder: Path) -> None:
    pictures = [folder / "pictures" / name for name in ("family.png", "landscape.png")]
    pictures.append(folder / "pictures/broken.jpg")
    choose(browser, *pictures, status="3 pictures, 7 faces.")
    browser.click("#csv")
    browser.click("#json")
    lines = list(csv.reader(saved(folder / "utkage.csv").splitlines()))
    assert tuple(lines[0]) == FaceRow.column_names()
    rows = json.loads(saved(folder / "utkage.json"))
    assert all(tuple(row) == FaceRow.field_names() for row in rows)
    assert len(lines) == len(rows) + 1 == 10
    broken, *family, landscape = rows
    assert broken["status"] == "failed"
    assert broken["reason"].startswith("cannot be read")
    assert [row["gender"] for row in family[:3]] == ["female", "male", "uncertain"]
    assert (landscape["status"], landscape["faces"]) == ("no_face", 0)


def saved(path: Path) -> str:
    """The text of a download, as soon as it is complete.

    Chromium makes an empty file of this name first, and renames the download to it at the end.
    """
    from time import monotonic, sleep

    end = monotonic() + 60
    while not (path.exists() and path.stat().st_size) and monotonic() < end:
        sleep(0.05)
    text = path.read_text(encoding="utf-8")
    path.unlink()
    return text


def test_boxes_of_large_pictures_are_in_their_own_pixels(browser: Browser, folder: Path) -> None:
    # 25 million pixels: reduced to 16.8 million before the prediction.
    large = folder / "large.png"
    Image.new("L", (5000, 5000)).save(large)
    choose(browser, large, status="1 picture, 7 faces.")
    browser.click("#json")
    box = json.loads(saved(folder / "utkage.json"))[0]["box"]
    assert box == pytest.approx([10 / 0.8192, 20 / 0.8192, 60 / 0.8192, 80 / 0.8192], rel=0.01)


def test_a_folder_is_searched(browser: Browser, folder: Path) -> None:
    browser.upload("#folder", folder / "pictures")
    browser.wait(f"{STATUS}.startsWith('4 pictures')")
    assert browser.run(f"return {STATUS}") == "4 pictures, 8 faces. 1 other file skipped."
    names = browser.run("return [...document.querySelectorAll('.path')].map((p) => p.textContent)")
    assert list(dict.fromkeys(names)) == [
        *("pictures/b/portrait.png", "pictures/broken.jpg", "pictures/family.png"),
        "pictures/landscape.png",
    ]


GIVE = """
  const canvas = new OffscreenCanvas(240, 100);
  canvas.getContext("2d");
  const file = new File([await canvas.convertToBlob()], "image.png", { type: "image/png" });
  const transfer = new DataTransfer();
  transfer.items.add(file);
"""


def test_drop_and_paste(browser: Browser) -> None:
    browser.run(f"""{GIVE}
      const drag = (kind) => document.dispatchEvent(
        new DragEvent(kind, {{ dataTransfer: transfer, cancelable: true }}));
      drag("dragover");
      window.isMarked = document.querySelector(".over") !== null;
      drag("drop");
    """)
    browser.wait(f"{STATUS} === '1 picture, 2 faces.' && {IDLE}")
    assert browser.run("return isMarked && !document.querySelector('.over')")
    browser.run(f"""{GIVE}
      document.dispatchEvent(new ClipboardEvent("paste", {{ clipboardData: transfer }}));
    """)
    browser.wait("document.querySelectorAll('#rows tr').length === 4")
    names = browser.run("return [...document.querySelectorAll('.path')].map((p) => p.textContent)")
    assert names == ["image.png", "image.png", "pasted 1.png", "pasted 1.png"]


def test_a_run_shows_its_progress_and_can_be_stopped(browser: Browser, folder: Path) -> None:
    browser.upload("#pictures", *sorted((folder / "slow").iterdir()))
    browser.wait("document.querySelectorAll('#rows tr').length >= 2")
    found = browser.run("""
      const bar = document.getElementById("bar");
      document.getElementById("stop").focus();
      return { max: bar.max, value: bar.value, text: document.getElementById(
        bar.getAttribute("aria-labelledby")).textContent };
    """)
    assert found["max"] == 12
    assert 1 <= found["value"] < 12
    assert f"{found['value']} of 12 pictures, {found['value']} face" in found["text"]
    browser.press(ENTER)
    browser.wait(IDLE)
    status = browser.run(f"return {STATUS}")
    assert status.startswith("Stopped: ")
    done = int(status.split()[1])
    assert 2 <= done < 12
    assert status == f"Stopped: {done} of 12 pictures, {done} faces."
    # The button is gone, and the keyboard is where the results are.
    assert browser.run("return document.activeElement.id") == "results"


@pytest.mark.parametrize("button", ["stop", "clear"])
def test_pictures_that_are_opened_while_a_run_ends_are_predicted(
    browser: Browser, folder: Path, button: str
) -> None:
    browser.upload("#pictures", *sorted((folder / "slow").iterdir()))
    browser.wait("document.querySelectorAll('#rows tr').length >= 1")
    browser.run(f"document.getElementById('{button}').click()")
    # Two choices, before the picture at hand is finished.
    for name in ("family.png", "b/portrait.png"):
        browser.upload("#pictures", folder / "pictures" / name)
    browser.wait(f"{IDLE} && {STATUS} === '2 pictures, 8 faces.'")


def test_long_tables_are_shown_in_parts(browser: Browser, folder: Path) -> None:
    pictures = [folder / f"many/{number}.png" for number in range(30)]
    pictures[0].parent.mkdir()
    for path in pictures:
        Image.new("RGB", (700, 100)).save(path)
    choose(browser, *pictures, status="30 pictures, 210 faces.")
    shown = "document.querySelectorAll('#rows tr').length"
    assert browser.run(f"return {shown}") == 200
    assert browser.run("return document.getElementById('more-rows').textContent") == (
        "Show 10 more of 10"
    )
    browser.run("document.getElementById('more-rows').click()")
    assert browser.run(f"return {shown}") == 210
    assert browser.run("return document.getElementById('more').hidden")
    browser.run("document.getElementById('clear').click()")
    assert browser.run(f"return {shown}") == 0
    assert browser.run("return document.getElementById('columns').hidden")


def test_nothing_moves_for_those_who_do_not_want_it(browser: Browser) -> None:
    seconds = "return getComputedStyle(document.getElementById('stop')).transitionDuration"
    assert browser.run(seconds) == "0.15s, 0.15s"
    browser.prefer(reduced_motion="reduce")
    assert browser.run(seconds) == "0s"


def test_nothing_is_fetched_from_elsewhere(browser: Browser, address: str, folder: Path) -> None:
    choose(browser, folder / "pictures/family.png", status="1 picture, 7 faces.")
    found: Any = browser.run("""
      const wrong = [];
      addEventListener("securitypolicyviolation", (event) => wrong.push(event.effectiveDirective));
      const elsewhere = "http://127.0.0.1:1/";
      await fetch(elsewhere).catch(() => {});
      const add = (tag, values) => document.body.append(Object.assign(
        document.createElement(tag), values));
      add("img", { src: elsewhere });
      add("script", { src: elsewhere });
      add("script", { textContent: "window.isUnsafe = true" });
      add("iframe", { src: elsewhere });
      await new Promise((done) => setTimeout(done, 200));
      return { wrong: wrong.sort(), unsafe: window.isUnsafe === true,
        requested: performance.getEntriesByType("resource").map((one) => one.name) };
    """)
    assert not found["unsafe"]
    scripts = ["script-src-elem"] * 2
    assert found["wrong"] == ["connect-src", "frame-src", "img-src", *scripts]
    ours = [name for name in found["requested"] if ":1/" not in name]
    assert len(ours) > 10
    assert all(name.startswith((address, f"blob:{address}")) for name in ours)


def test_the_page_itself_breaks_no_rule(browser: Browser, folder: Path) -> None:
    choose(browser, folder / "pictures/family.png", status="1 picture, 7 faces.")
    logs = [line for line in browser.logs() if "Banner not shown" not in line]
    assert logs == []


def test_the_page_works_offline_and_can_be_installed(
    folder: Path, window: Browser, tmp_path: Path
) -> None:
    with file_server(folder / "site") as (address, end):
        window.open(address)
        window.wait("document.getElementById('offline').textContent")
        found = window.devtools("Page.getInstallabilityErrors")
        assert found["installabilityErrors"] == []
        end()
        window.open(f"{address}?again")
        window.wait(f"{STATUS} === 'Ready.'")
        choose(window, folder / "pictures/family.png", status="1 picture, 7 faces.")
        window.logs()


def test_another_version_replaces_the_saved_one(folder: Path, window: Browser) -> None:
    with file_server(folder / "site") as (address, _):
        window.open(address)
        window.wait("document.getElementById('offline').textContent")
        saved_files = "await caches.keys()"
        (before,) = window.run(f"return {saved_files}")
        script = folder / "site/offline.js"
        text = script.read_text()
        try:
            script.write_text(text.replace('"version": "', '"version": "new'))
            window.open(f"{address}?again")
            window.run("await (await navigator.serviceWorker.ready).update()")
            window.wait(f"({saved_files}).join() !== arguments[0]", before)
            window.wait(f"({saved_files}).length === 1")
        finally:
            script.write_text(text)


def test_other_addresses_of_the_server_are_left_alone(browser: Browser, address: str) -> None:
    browser.wait("document.getElementById('offline').textContent")
    browser.open(address)
    assert browser.run("return (await fetch('v1/predict')).status") == 404
    assert browser.run("return navigator.serviceWorker.controller !== null")
