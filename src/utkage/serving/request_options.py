"""What a request may choose: the options of ``predict`` that concern rows and faces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from utkage.core.errors import ConfigError
from utkage.prediction.photos import Photo
from utkage.prediction.predictor import ROTATIONS, PredictSettings
from utkage.prediction.rows import FaceRow, RowOptions, photo_rows

_NUMBERS = {"interval": float, "threshold": int, "uncertain_below": float, "max_faces": int}


@dataclass(frozen=True, kw_only=True)
class RequestOptions(RowOptions):
    """Options of one request. Further fields: ``RowOptions``.

    Attributes:
        max_faces: Largest number of faces per picture; the largest faces are kept. None keeps all.
        rotate: As in ``PredictSettings``.
    """

    max_faces: int | None = None
    rotate: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_faces is not None and self.max_faces < 1:
            raise ConfigError(f"`max_faces` {self.max_faces}: use 1 or more")
        if self.rotate not in ROTATIONS:
            raise ConfigError(f"`rotate` {self.rotate}: choose {' or '.join(ROTATIONS)}")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the options."""
        return tuple(field.name for field in fields(cls))

    @classmethod
    def of_settings(cls, settings: PredictSettings) -> RequestOptions:
        """The defaults of a server whose predictor has these settings."""
        return cls(**{name: getattr(settings, name) for name in cls.names()})

    def changed(self, given: Iterable[tuple[str, Any]]) -> RequestOptions:
        """These options with those that a request gives, as texts or numbers.

        Raises:
            ConfigError: an unknown option, one that is given twice, or a value outside its range.
        """
        changes: dict[str, Any] = {}
        for name, value in given:
            if name not in self.names():
                known = ", ".join(self.names())
                raise ConfigError(f"there is no option `{name[:100]}`; there are {known}")
            if name in changes:
                raise ConfigError(f"`{name}`: is given twice; give it once")
            changes[name] = _number(name, value) if name in _NUMBERS else str(value)[:100]
        return replace(self, **changes)

    def rows(self, photo: Photo) -> list[FaceRow]:
        """The rows of a photo, as ``predict`` gives them with these options."""
        if self.max_faces is not None and len(photo.faces) > self.max_faces:
            kept = slice(self.max_faces)
            photo = replace(
                photo,
                faces=photo.faces[kept],
                chips=photo.chips[kept],
                predictions=photo.predictions[kept],
            )
        return photo_rows(photo, self)


def _number(name: str, value: Any) -> float:
    kind = _NUMBERS[name]
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError
        number: float = kind(value)
        if isinstance(value, float) and kind is int and number != value:
            raise ValueError
    except (ValueError, OverflowError) as error:
        wanted = "a whole number" if kind is int else "a number"
        raise ConfigError(f"`{name}` {str(value)[:100]!r}: use {wanted}") from error
    return number
