"""The recipe of docs/compare.md: models of others, by HTTP and as texts, beside the shipped one."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from document_code import blocks_of, run_block
from foreign_service import finds_a_face, foreign_service

from tools.documents import DOCS
from tools.examples.demo_set import make_demo_set

FACES, EVERY_THIRD = 45, 3


@pytest.fixture
def workplace(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Faces with ages, others with ranges, and what a language model wrote about them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    make_demo_set(examples / "faces", tmp_path / "faces", FACES, 1)
    Path("street").mkdir()
    labels: dict[str, list[tuple[str, str, str]]] = {"faces": [], "street": []}
    answers = []
    for index, path in enumerate(sorted(Path("faces").iterdir())):
        age, gender = (int(part) for part in path.name.split("_")[:2])
        folder, label = "faces", str(age)
        if index % EVERY_THIRD == 0:
            folder, label = "street", f"{age // 10 * 10}-{age // 10 * 10 + 9}"
            shutil.move(path, Path("street") / path.name)
        labels[folder].append((path.name, label, ("male", "female")[gender]))
        answer = f"about {age + index % 9}, {('man', 'woman')[gender]}"
        if index % 5 == 0:
            answer = "I cannot tell whether this is a man or a woman."
        answers.append({"file": f"{folder}/{path.name}", "answer": answer})
    for folder, rows in labels.items():
        with Path(folder, "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("path", "age", "gender"), *rows])
    lines = "".join(f"{json.dumps(answer)}\n" for answer in answers)
    Path("answers.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


def test_the_page_runs_and_its_numbers_are_those_of_a_loop(workplace: Path) -> None:
    names: dict[str, object] = {}
    with foreign_service() as address:
        for block in blocks_of(DOCS / "compare.md"):
            if block.language in ("sh", "python"):
                text = block.text.replace("127.0.0.1:8000", address)
                run_block(replace(block, text=text), names)
    found = json.loads(Path("side-by-side/metrics.json").read_text())["side_by_side"]
    assert [name.rpartition("/")[2] for name in found["models"]][1:] == [
        *("service.csv", "language.csv")
    ]
    pictures = {folder: sorted(Path(folder).glob("*.jpg")) for folder in ("faces", "street")}
    for row in found["predicted"]:
        own = pictures[row["source"]]
        refused = sum(not finds_a_face(path.read_bytes()) for path in own)
        answered = sum("cannot" not in text for text in _answers(row["source"]).values())
        assert row["n"] == row["predicted"][0] == len(own)
        assert row["predicted"][1:] == [len(own) - refused, answered]
        assert 0 < refused < len(own)
    (bins,) = [row for row in found["sources"] if row["metric"] == "label_range_accuracy"]
    common = {
        path.name: path.name.split("_")[0]
        for path in pictures["street"]
        if finds_a_face(path.read_bytes()) and "cannot" not in _answers("street")[path.name]
    }
    right = Counter(
        int(re.findall("[0-9]+", _answers("street")[name])[0]) // 10 == int(age) // 10
        for name, age in common.items()
    )
    assert (bins["source"], bins["n"]) == ("street", len(common))
    assert bins["values"][2]["value"] == pytest.approx(right[True] / len(common), abs=1e-4)


def _answers(folder: str) -> dict[str, str]:
    """What the language model wrote, by the name of the picture."""
    rows = map(json.loads, Path("answers.jsonl").read_text(encoding="utf-8").splitlines())
    pairs = ((row["file"].partition("/"), row["answer"]) for row in rows)
    return {name: answer for (own, _, name), answer in pairs if own == folder}
