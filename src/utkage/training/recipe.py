"""A recipe: every setting of a training of any system, and its TOML form.

    system = "multitask"

    [training]              # the fields of TrainConfig, or of SeedConfig
    epochs = 50

    [augmentation]          # the fields of AugmentConfig
    flip = 0.5

    [provenance]            # in run folders: where the run came from; ignored when read

A setting that is not in the file has its default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError
from utkage.core.settings import (
    check_table,
    field_docs,
    field_types,
    parse_value,
    to_table,
    unknown_key,
)
from utkage.core.toml_file import read_toml, toml_lines, toml_table
from utkage.data.augment import AugmentConfig
from utkage.training.config import TrainConfig
from utkage.training.systems.seed.config import SeedConfig

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SYSTEMS: dict[str, type[TrainConfig] | type[SeedConfig]] = {
    "multitask": TrainConfig,
    "seed": SeedConfig,
}
TRAINING = "training"
AUGMENTATION = "augmentation"
PROVENANCE = "provenance"
HEADER = "# Every setting of a training, for: utkage train --config FILE\n"


@dataclass(frozen=True)
class Recipe:
    """A system, the settings of its training and the augmentation of its chips."""

    system: str = "multitask"
    """System: `"multitask"` (one network for all outputs), or `"seed"` (three models trained
    jointly)."""
    tensorboard: bool = False
    """Write TensorBoard event files into the run folder as well; needs the package tensorboard."""
    training: TrainConfig | SeedConfig = field(default_factory=TrainConfig)
    """Settings of the system's own dataclass."""
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)
    """How chips are augmented."""

    def __post_init__(self) -> None:
        if self.system not in SYSTEMS:
            raise ConfigError(f"system is {self.system!r}; choose {' or '.join(SYSTEMS)}")
        if type(self.training) is not SYSTEMS[self.system]:
            raise ConfigError(f"{type(self.training).__name__} is not for system {self.system}")

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a TOML file.

        Raises:
            ConfigError: no such file, an unknown key, a wrong type or an impossible value; the
                message names the file, the table and the key.
        """
        return cls.from_tables(read_toml(path), str(path))

    @classmethod
    def from_tables(cls, tables: Mapping[str, Any], origin: str) -> Recipe:
        """Make a recipe from the tables of a TOML file; ``origin`` names the file in errors."""
        system = tables.get("system", cls.system)
        kind = SYSTEMS.get(system) if isinstance(system, str) else None
        nested = (TRAINING, AUGMENTATION, PROVENANCE)
        top = {key: value for key, value in tables.items() if key not in nested}
        values = check_table(cls, top, origin, _places(kind or TrainConfig, table=None))
        if kind is None:
            raise ConfigError(f"{origin}: system is {system!r}; choose {' or '.join(SYSTEMS)}")
        for name, table_kind in ((TRAINING, kind), (AUGMENTATION, AugmentConfig)):
            table = tables.get(name, {})
            where = f"{origin}, [{name}]"
            if not isinstance(table, dict):
                raise ConfigError(f"{where}: must be a table of settings, not {table!r}")
            checked = check_table(table_kind, table, where, _places(kind, table=name))
            try:
                values[name] = table_kind(**checked)
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from error
        return cls(**values)

    def parse(self, assignment: str, option: str = "--set") -> tuple[str, Any]:
        """Read an assignment ``key=value``; ``option`` is the name of its option in messages.

        Keys are fields of the system, ``augmentation.`` and one of its fields, ``tensorboard`` or
        ``system``.

        Returns:
            Key with its table, such as ``training.epochs``, and value.

        Raises:
            ConfigError: no ``=``, an unknown key, or a value of another type.
        """
        where = f"{option} {assignment}"
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"{where}: give key=value, such as epochs=20 or augmentation.flip=0")
        key = key.strip()
        if key in _top_fields():
            return key, parse_value(Recipe, key, text, where)
        table, _, name = key.rpartition(".")
        table = table or TRAINING
        kinds: dict[str, type[DataclassInstance]]
        kinds = {TRAINING: type(self.training), AUGMENTATION: AugmentConfig}
        if table not in kinds:
            raise ConfigError(f"{where}: {unknown_key(table, kinds)}")
        known = field_types(kinds[table])
        if name not in known:
            places = {
                f"[{other}]; write {other}.{name}": field_types(kind)
                for other, kind in kinds.items()
                if other != table
            }
            raise ConfigError(f"{where}: {unknown_key(name, known, places)}")
        return f"{table}.{name}", parse_value(kinds[table], name, text, where)

    def changed(self, changes: Mapping[str, Any]) -> Recipe:
        """A copy with other values, which are checked together; keys as ``parse`` returns them.

        Raises:
            ConfigError: an impossible value.
        """
        tables: dict[str, dict[str, Any]] = {"": {}, TRAINING: {}, AUGMENTATION: {}}
        for key, value in changes.items():
            table, _, name = key.rpartition(".")
            tables[table][name] = value
        return replace(
            self,
            **tables[""],
            training=replace(self.training, **tables[TRAINING]),
            augmentation=replace(self.augmentation, **tables[AUGMENTATION]),
        )

    def to_tables(self) -> dict[str, Any]:
        """Every setting as plain values, for TOML and JSON."""
        return {
            **{name: getattr(self, name) for name in _top_fields()},
            TRAINING: to_table(self.training),
            AUGMENTATION: to_table(self.augmentation),
        }

    def to_toml(self, provenance: Mapping[str, Any] | None = None) -> str:
        """Every setting under its documentation, as a TOML file for ``read``."""
        tables = self.to_tables()
        top = {name: tables[name] for name in _top_fields()}
        parts = [HEADER, toml_lines(top, _comments(Recipe))]
        for name, config in ((TRAINING, self.training), (AUGMENTATION, self.augmentation)):
            parts.append(f"\n[{name}]\n{toml_lines(tables[name], _comments(type(config)))}")
        if provenance is not None:
            parts.append(f"\n{toml_table(PROVENANCE, provenance)}")
        return "".join(parts)


def _top_fields() -> tuple[str, ...]:
    return tuple(name for name in field_types(Recipe) if name not in (TRAINING, AUGMENTATION))


def _comments(kind: type[DataclassInstance]) -> dict[str, str]:
    # Backticks mark code on pages; a TOML comment needs none.
    return {name: doc.replace("`", "") for name, doc in field_docs(kind).items()}


def _places(
    kind: type[TrainConfig] | type[SeedConfig], table: str | None
) -> dict[str, Collection[str]]:
    """Places of the keys that do not belong into ``table`` (None: above all tables)."""
    places: dict[str, Collection[str]] = {
        f"[{TRAINING}]": field_types(kind) if table != TRAINING else (),
        f"[{AUGMENTATION}]": field_types(AugmentConfig) if table != AUGMENTATION else (),
        "no table; write it above the first one": _top_fields() if table is not None else (),
    }
    others = {name: other for name, other in SYSTEMS.items() if other is not kind}
    return places | {f'system = "{name}"': field_types(other) for name, other in others.items()}
