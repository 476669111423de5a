"""What all documented rows of answers have in common: one a face of a photograph or of a video."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from utkage.core.errors import ConfigError
from utkage.data.labels import GENDERS, MAX_AGE, RANGE_NAMES

if TYPE_CHECKING:
    from utkage.prediction.predictions import Predictions

UNCERTAIN = "uncertain"
_POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
# Columns of tables that stand for one field.
_SPREAD = {
    "box": ("x0", "y0", "x1", "y1"),
    "landmarks": tuple(f"{point}_{axis}" for point in _POINTS for axis in "xy"),
}


@dataclass(frozen=True)
class RowOptions:
    """What rows say beyond the answers themselves.

    Attributes:
        interval: Level of the age interval, 0..1.
        threshold: An age T; rows then say P(age >= T). None: they do not.
        uncertain_below: Gender is said only if its probability is at least this, 0.5..1.
    """

    interval: float = 0.8
    threshold: int | None = None
    uncertain_below: float = 0.75

    def __post_init__(self) -> None:
        if not 0 < self.interval < 1:
            raise ConfigError(f"interval level {self.interval} must lie between 0 and 1")
        if self.threshold is not None and not 1 <= self.threshold <= MAX_AGE:
            raise ConfigError(f"`threshold` {self.threshold}: an age of 1 to {MAX_AGE}")
        if not 0.5 <= self.uncertain_below <= 1:
            raise ConfigError(
                f"`uncertain_below` {self.uncertain_below}: a probability of 0.5 to 1"
            )


@dataclass(frozen=True)
class Row:
    """Base of the documented rows, which are frozen dataclasses of plain values.

    Attributes:
        file: The path or address as given.
        status: ``"ok"``, ``"no_face"`` or ``"failed"``; what follows is None unless ok.
        reason: Why it failed.
    """

    file: str
    status: str
    reason: str | None = None

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        """Keys of JSON objects, in their order."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """Columns of CSV: box and landmarks are spread over one a number."""
        return tuple(c for name in cls.field_names() for c in _SPREAD.get(name, (name,)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, in the documented order."""
        return {name: _listed(value) for name, value in vars(self).items()}

    def to_cells(self) -> list[Any]:
        """The cells of ``column_names``; flags are joined by spaces."""
        cells: list[Any] = []
        for name, value in vars(self).items():
            if name in _SPREAD:
                flat = [number for part in value or () for number in _flat(part)]
                cells.extend(flat or [None] * len(_SPREAD[name]))
            else:
                cells.append(" ".join(value or ()) if name == "flags" else value)
        return cells

    @property
    def is_last_of_file(self) -> bool:
        """Whether no further row has to be written together with this one."""
        return True


def prediction_columns(answers: Predictions, options: RowOptions) -> list[dict[str, Any]]:
    """The fields of rows that say what is answered, ``age`` to ``p_at_least``, one a face."""
    low, high = answers.age_interval(options.interval)
    at_least = None
    if options.threshold is not None:
        at_least = answers.probability_at_least(options.threshold)
    return [
        {
            "age": round(float(answers.age[index]), 2),
            "age_low": round(float(low[index]), 2),
            "age_high": round(float(high[index]), 2),
            "range": RANGE_NAMES[answers.range_index[index]],
            "range_probability": round(float(answers.range_probabilities[index].max()), 4),
            "gender": gender_word(float(answers.p_female[index]), options.uncertain_below),
            "p_female": round(float(answers.p_female[index]), 4),
            "interval_level": options.interval,
            "threshold": options.threshold,
            "p_at_least": None if at_least is None else round(float(at_least[index]), 4),
        }
        for index in range(len(answers))
    ]


def gender_word(p_female: float, uncertain_below: float) -> str:
    """``"female"``, ``"male"``, or ``"uncertain"`` where neither is probable enough."""
    if max(p_female, 1 - p_female) < uncertain_below:
        return UNCERTAIN
    return GENDERS[int(p_female >= 0.5)]


def gender_with_certainty(gender: str, p_female: float) -> str:
    """A gender with its probability, such as ``"female 97%"``, or ``"uncertain"``."""
    return gender if gender == UNCERTAIN else f"{gender} {max(p_female, 1 - p_female):.0%}"


def rounded_box(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A box in tenths of a pixel, as plain numbers."""
    x0, y0, x1, y1 = (round(float(value), 1) for value in box)
    return x0, y0, x1, y1


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _flat(part: Any) -> tuple[Any, ...]:
    return part if isinstance(part, tuple) else (part,)
