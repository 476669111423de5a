"""The tables of settings in docs/training.md: names, defaults and docstrings of the fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.documents import markdown
from utkage.core.settings import field_docs, to_table
from utkage.core.toml_file import toml_lines
from utkage.data.augment import AugmentConfig
from utkage.training.recipe import AUGMENTATION, SYSTEMS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# By block of the page.
TABLES: dict[str, type[DataclassInstance]] = {**SYSTEMS, AUGMENTATION: AugmentConfig}


def settings_table(kind: type[DataclassInstance]) -> str:
    """All settings of a dataclass."""
    docs = field_docs(kind)
    rows = []
    for name, value in to_table(kind()).items():
        default = toml_lines({name: value}).removeprefix(f"{name} = ").strip()
        meaning = docs.get(name, "").replace("``", "`")
        rows.append((f"`{name}`", f"`{default}`" if default else "", meaning))
    return markdown(("setting", "default", "meaning"), rows)
