"""Fill the tables of settings in docs/training.md from the dataclasses, or check them.

python tools/write_config_docs.py [--check]

Between the marks ``<!-- multitask -->``, ``<!-- seed -->`` and ``<!-- augmentation -->`` come
names, defaults and docstrings of the fields.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.docs.numbers import filled
from utkage.core.files import write_text
from utkage.core.settings import field_docs, to_table
from utkage.core.toml_file import toml_lines
from utkage.data.augment import AugmentConfig
from utkage.training.recipe import AUGMENTATION, SYSTEMS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "training.md"
TABLES: dict[str, type[DataclassInstance]] = {**SYSTEMS, AUGMENTATION: AugmentConfig}


def render(text: str) -> str:
    """``text`` with all its tables of settings filled."""
    for mark, kind in TABLES.items():
        text = filled(text, mark, _table(kind))
    return text


def _table(kind: type[DataclassInstance]) -> str:
    words = field_docs(kind)
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, value in to_table(kind()).items():
        default = toml_lines({name: value}).removeprefix(f"{name} = ").strip()
        meaning = words.get(name, "").replace("``", "`").replace("|", "\\|")
        lines.append(f"| `{name}` | {f'`{default}`' if default else ''} | {meaning} |")
    return "\n".join(lines)


def main() -> int:
    """Write the page, or with ``--check`` fail when it is stale."""
    text = PAGE.read_text(encoding="utf-8")
    fresh = render(text)
    if "--check" in sys.argv[1:]:
        if fresh != text:
            print(f"{PAGE} is stale; run: make docs", file=sys.stderr)
            return 1
        return 0
    write_text(PAGE, fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
