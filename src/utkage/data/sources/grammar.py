"""Labels from the names of the pictures, by the grammars in ``utkage.data.names``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from utkage.core.errors import LabelError
from utkage.data.names.registry import recognise_grammar
from utkage.data.names.utkface import UTKFACE, UTKFACE_WITHOUT_RACE
from utkage.data.sources.base import Entry
from utkage.data.sources.contents import archives_note, spreadsheets_note
from utkage.data.sources.options import SourceOptions
from utkage.images.containers.container import Container, RawFile, file_name, is_picture_path
from utkage.images.decode import picture_size

# Number of pictures that decide whether a source holds chips or photographs.
SAMPLE = 32


def is_chip_name(path: str) -> bool:
    """Whether the name ends like those of UTKFace's aligned chips."""
    return path.lower().endswith(".chip.jpg")


def _all_square(files: list[RawFile]) -> bool:
    """Whether these are probably chips: all pictures are square, which photographs rarely are.

    Files named as chips are ignored.
    """
    sizes = [
        picture_size(file.content)
        for file in files
        if file.problem is None and not is_chip_name(file.path)
    ]
    known = [size for size in sizes if size is not None]
    return bool(known) and all(width == height for width, height in known)


class GrammarSource:
    """Pictures whose names follow one grammar: UTKFace's, unless most follow another."""

    def __init__(self, container: Container, options: SourceOptions) -> None:
        self.name = container.name
        self.total_bytes = container.total_bytes
        self.fingerprint = container.fingerprint
        self._container = container
        self._options = options
        missing_race = options.allow_missing_race
        pictures = [path for path in container.paths() if is_picture_path(path)]
        default = UTKFACE_WITHOUT_RACE if missing_race else UTKFACE
        found = recognise_grammar(pictures, allow_missing_race=missing_race)
        self._grammar = found or default
        named = self._grammar not in (UTKFACE, UTKFACE_WITHOUT_RACE)
        self._has_unique_names = not named
        self.notes: tuple[str, ...] = (
            (f"{container.path}: labels from names as in {self._grammar.name}",) if named else ()
        )
        self.notes += archives_note(container) + spreadsheets_note(container)

    @classmethod
    def recognise(cls, container: Container, options: SourceOptions) -> GrammarSource:
        """Accept any container; names that do not follow the grammar are reported one by one."""
        return cls(container, options)

    def entries(self) -> Iterator[Entry]:
        """Yield every picture, under its file name if that holds the label, else under its path."""
        aligned = self._options.aligned
        files = self._container.files()
        first = list(islice(files, SAMPLE))
        all_chips = _all_square(first) if aligned is None else aligned
        for file in chain(first, files):
            name = file_name(file.path) if self._has_unique_names else file.path
            label, problem = None, file.problem
            if problem is None:
                try:
                    label = self._grammar.parse(file.path)
                except LabelError as error:
                    problem = str(error)
            yield Entry(
                name=name,
                content=file.content if problem is None else b"",
                position=file.position,
                label=label,
                aligned=all_chips or (aligned is None and is_chip_name(name)),
                problem=problem,
            )
