"""Labels from file names, as in UTKFace: ``<age>_<gender>_<race>_<date>.jpg``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from utkage.core.errors import LabelError
from utkage.data.labels import parse_name
from utkage.data.sources.base import Entry
from utkage.data.sources.container import Container, RawFile, file_name
from utkage.data.sources.options import SourceOptions
from utkage.images.decode import picture_size

# Pictures that are looked at to tell chips from photographs.
SAMPLE = 32


def is_chip_name(path: str) -> bool:
    """Whether the name ends as those of UTKFace's aligned chips do."""
    return path.lower().endswith(".chip.jpg")


def _all_square(files: list[RawFile]) -> bool:
    """Whether these look like cut-out chips: the pictures among them are square without exception.

    Photographs hardly ever are. Files named as chips are left out of the question.
    """
    sizes = [
        picture_size(file.content)
        for file in files
        if file.problem is None and not is_chip_name(file.path)
    ]
    known = [size for size in sizes if size is not None]
    return bool(known) and all(width == height for width, height in known)


class GrammarSource:
    """Pictures whose names follow the grammar of ``utkage.data.labels``."""

    def __init__(
        self,
        container: Container,
        allow_missing_race: bool = False,
        aligned: bool | None = None,
    ) -> None:
        """Read names from ``container``; for the others see ``SourceOptions``."""
        self.name = container.name
        self.total_bytes = container.total_bytes
        self._container = container
        self._allow_missing_race = allow_missing_race
        self._aligned = aligned

    @classmethod
    def recognise(cls, container: Container, options: SourceOptions) -> GrammarSource:
        """Take any container: names that do not fit are reported one by one."""
        return cls(container, options.allow_missing_race, options.aligned)

    def fingerprint(self) -> str:
        """That of the container."""
        return self._container.fingerprint()

    def entries(self) -> Iterator[Entry]:
        """Yield every picture, under its bare name.

        Raises:
            DataError: the container is damaged or over a limit.
        """
        files = self._container.files()
        first = list(islice(files, SAMPLE))
        chips = self._aligned if self._aligned is not None else _all_square(first)
        for file in chain(first, files):
            name = file_name(file.path)
            aligned = chips or (self._aligned is None and is_chip_name(name))
            label, problem = None, file.problem
            if problem is None:
                try:
                    label = parse_name(name, allow_missing_race=self._allow_missing_race)
                except LabelError as error:
                    problem = str(error)
            content = file.content if problem is None else b""
            yield Entry(name, content, file.position, label, aligned, problem=problem)
