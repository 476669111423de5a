"""What a request may choose: the options of ``predict`` that concern rows and faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from utkage.core.errors import ConfigError
from utkage.prediction.photos import Photo
from utkage.prediction.rows import FaceRow, RowOptions, photo_rows

_KINDS = {"interval": float, "threshold": int, "uncertain_below": float, "max_faces": int}


@dataclass(frozen=True, kw_only=True)
class RequestOptions(RowOptions):
    """Options of one request. Further fields: ``RowOptions``.

    Attributes:
        max_faces: Largest number of faces per picture; the largest faces are kept. None keeps all.
    """

    max_faces: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_faces is not None and self.max_faces < 1:
            raise ConfigError(f"`max_faces` {self.max_faces}: use 1 or more")

    @classmethod
    def of(cls, given: Mapping[str, Any], defaults: RequestOptions) -> RequestOptions:
        """``defaults`` with the options that a request gives, as text or numbers.

        Raises:
            ConfigError: an unknown option, or a value outside its range.
        """
        known = tuple(field.name for field in fields(cls))
        changes: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise ConfigError(f"there is no option `{name}`; there are {', '.join(known)}")
            kind = _KINDS[name]
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                raise ConfigError(f"`{name}`: is not a number")
            try:
                changes[name] = kind(value)
            except (ValueError, OverflowError) as error:
                raise ConfigError(f"`{name}` {value!r}: is not a number") from error
        return replace(defaults, **changes)

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
