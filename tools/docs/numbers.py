"""Fill the README with real output and with the numbers in the shipped weights' card.

    python tools/write_numbers.py [--check]

Between the marks ``<!-- numbers -->`` comes a table made from the card, and between
``<!-- output -->`` what ``predict`` prints for the examples; the annotated picture beside it is
written as well. ``--check`` only compares the numbers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.release.ship import FLIPPED
from utkage.core.files import write_text
from utkage.data.labels import RANGE_NAMES
from utkage.evaluation.groups import Group
from utkage.evaluation.metrics import SHARE, YEARS, format_value
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
WEIGHTS_PAGE = ROOT / "docs" / "weights.md"
PICTURE = ROOT / "docs" / "images" / "family.annotated.jpg"
EXAMPLES = ("couple.jpg", "family.jpg", "landscape.jpg", "portrait.jpg", "rotated.jpg")

ROWS = (
    ("faces", "n", "{}"),
    ("MAE, all ages", "mae", "{:.2f} years"),
    ("MAE, ages 21-60", "mae_21_60", "{:.2f} years"),
    ("CS@5 (error at most 5 years)", "cs5", "{:.1%}"),
    ("age range, nine ranges", "range_accuracy", "{:.1%}"),
    ("gender, all ages", "gender_accuracy", "{:.1%}"),
    ("gender, 16 and older", "gender_accuracy_16plus", "{:.1%}"),
    ("faces of 21-60; of 16 and older", ("n_21_60", "n_16plus"), "{}; {}"),
    ("age inside its 80 % interval", "interval_coverage", "{:.1%}"),
    ("MAE of always answering the median age", "baseline_mae", "{:.2f} years"),
)


def numbers() -> str:
    """The table of figures, with where each comes from."""
    path = shipped_weights()
    card = read_card(path)
    sources = card.data["source"].split("+")
    columns = [
        (f"{source}, {words}", card.metrics[f"{source} test{suffix}"])
        for source in sources
        for words, suffix in (("one look", ""), ("flip averaging", FLIPPED))
    ]
    lines = [
        "| on the test split of | " + " | ".join(name for name, _ in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for words, key, form in ROWS:
        keys = (key,) if isinstance(key, str) else key
        cells = [form.format(*(metrics[key] for key in keys)) for _, metrics in columns]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    data = card.data
    lines += [
        "",
        f"Data: {data['source']}, {sum(data['splits'].values())} usable chips, split "
        f"`{data['split_hash']}` (train {data['splits']['train']}, val {data['splits']['val']}, "
        f"test {data['splits']['test']}; seed {data['split']['seed']}). Weights: "
        f"{path.stat().st_size / 1e6:.1f} MB, `{card.training['command']}`, measured "
        f"{columns[0][1]['measured']} on the stored file by `tools/ship_weights.py`.",
    ]
    return "\n".join(lines)


def ranges() -> str:
    """Errors by age range on the test splits, with flip averaging."""
    card = read_card(shipped_weights())
    sources = card.data["source"].split("+")
    groups = [
        {
            group.name: group
            for stored in card.metrics[f"{source} test{FLIPPED}"]["groups"]
            if (group := Group.from_dict(stored)).axis == "range"
        }
        for source in sources
    ]
    heads = [f"{source}: faces | MAE, years | gender" for source in sources]
    lines = [f"| age range | {' | '.join(heads)} |", "|---" * (1 + 3 * len(sources)) + "|"]
    for name in RANGE_NAMES:
        cells = [name]
        for by_name in groups:
            if name in by_name:
                n, found = by_name[name].n, by_name[name].metrics
                cells += [str(n), format_value(found["mae"].value, YEARS)]
                cells += [format_value(found["gender_accuracy"].value, SHARE)]
            else:
                cells += ["-"] * 3
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def output() -> str:
    """What the command prints for the examples, as it prints it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "examples", folder / "examples")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "utkage", "predict"),
                *(f"examples/{example}" for example in EXAMPLES),
                *("--weights", "shipped", "--save-images", "out", "--quiet"),
            ],
            cwd=folder,
            env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(next((folder / "out").glob("*family*.jpg")), PICTURE)
    return f"```\n$ utkage predict examples/*.jpg\n{done.stdout.strip()}\n```"


def filled(text: str, mark: str, content: str) -> str:
    """``text`` with what stands between two marks replaced."""
    pattern = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"a page has no marks <!-- {mark} --> ... <!-- /{mark} -->")
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text)


def fill_page(page: Path, mark: str, content: str) -> None:
    """Replace what stands between two marks of a page."""
    write_text(page, filled(page.read_text(encoding="utf-8"), mark, content))


def main() -> int:
    """Write the README's generated parts, or with ``--check`` fail when numbers are stale."""
    text = README.read_text(encoding="utf-8")
    page = WEIGHTS_PAGE.read_text(encoding="utf-8")
    fresh = filled(text, "numbers", numbers())
    fresh_page = filled(page, "ranges", ranges())
    if "--check" in sys.argv[1:]:
        if (fresh, fresh_page) != (text, page):
            print("README.md or docs/weights.md is stale; run: make docs", file=sys.stderr)
            return 1
        return 0
    write_text(WEIGHTS_PAGE, fresh_page)
    write_text(README, filled(fresh, "output", output()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
