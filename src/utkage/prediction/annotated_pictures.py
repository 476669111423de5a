"""Pictures that ``predict`` writes beside its rows: annotated copies, crops, a contact sheet."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ImageError, UsageError
from utkage.core.files import require_folder
from utkage.core.json_text import json_text
from utkage.core.outputs import file_identity, require_output, same_file
from utkage.core.reporter import Reporter
from utkage.core.signals import work_to_save
from utkage.core.single_writer import holding_files, holding_folder
from utkage.core.text import cut_to_bytes
from utkage.faces.contract import CropContract
from utkage.images.draw import Annotation, Box, annotate
from utkage.images.save import is_saved_image, save_image
from utkage.images.sheet import contact_sheet, thumbnail
from utkage.images.video_writer import is_saved_video
from utkage.prediction.face_tracks import FaceTrack
from utkage.prediction.photos import Photo
from utkage.prediction.rows import FaceRow, Row, TrackRow, label_lines

# A larger sheet gives no overview, and its thumbnails are kept in memory.
SHEET_FACES = 400
# Characters of addresses and paths that some systems do not allow in file names.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_COPY = ".annotated.jpg"
_PICTURE = re.compile(
    r".*(\.annotated|\.face\d+|\.track\d+|~[0-9a-f]{8})\.(jpg|png|mp4)", re.DOTALL
)
# Length of a file name that every system allows, and room for a number.
_NAME_BYTES, _NUMBER_BYTES = 255, 8

OnUnwritten = Callable[[ImageError], None]


def ignore_unwritten(error: ImageError) -> None:
    """Do nothing about a picture that cannot be written."""


def warning_of_unwritten(reporter: Reporter) -> OnUnwritten:
    """A function that reports each picture that cannot be written as a warning."""
    return lambda error: reporter.warn(str(error))


@dataclass
class PictureWriter:
    """Writes annotated copies and crops as they come, and the contact sheet when it is closed.

    Attributes:
        images: Folder for annotated copies, or None.
        crops: Folder for the face chips, or None.
        sheet: File for the contact sheet of the first ``SHEET_FACES`` faces, or None.
        contract: Crop contract of the chips, which saved crops describe, so that they can be
            predicted as they are; or None.
        inputs: Files that are read, or numbers of open ones, which no picture replaces.
        more_inputs: Whether there are more of them, whose names are not known yet. Then copies and
            crops replace no file at all.
        overwrite: Whether the sheet may replace a picture of another program.
        on_unwritten: Receives the error of each picture that cannot be written.

    Raises:
        UsageError: a folder is a file, the sheet must not be replaced, or another process is
            writing there.
    """

    images: Path | None = None
    crops: Path | None = None
    sheet: Path | None = None
    contract: CropContract | None = None
    inputs: Sequence[Path | int] = ()
    more_inputs: bool = False
    overwrite: bool = False
    on_unwritten: OnUnwritten = ignore_unwritten
    _taken: set[Path] = field(default_factory=set, init=False)
    _numbers: Counter[Path] = field(default_factory=Counter, init=False)
    _videos: set[str] = field(default_factory=set, init=False)
    _written: set[tuple[int, int] | None] = field(default_factory=set, init=False)
    _held: ExitStack = field(default_factory=ExitStack, init=False)
    _thumbnails: list[NDArray[np.uint8]] = field(default_factory=list, init=False)
    _captions: list[tuple[str, ...]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        for folder, field_name in ((self.images, "save_images"), (self.crops, "save_crops")):
            if folder is not None:
                require_folder(folder, field_name)
        if self.sheet is not None:
            require_output(
                self.sheet,
                "contact_sheet",
                inputs=self.inputs,
                is_ours=is_saved_image,
                overwrite=self.overwrite,
            )
            self._taken.add(self.sheet)

    def __enter__(self) -> PictureWriter:
        """Lock all outputs, and remove what killed processes have left of them."""
        with ExitStack() as stack:
            folders = [folder for folder in (self.images, self.crops) if folder is not None]
            for folder in {Path(os.path.realpath(path)): path for path in folders}.values():
                stack.enter_context(holding_folder(folder, _is_picture))
            if self.sheet is not None:
                stack.enter_context(holding_files(self.sheet))
            self._held = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Write the contact sheet, after Ctrl-C as well, if there is a face for it."""
        with self._held:
            if self.sheet is None or not self._thumbnails:
                return
            with self._noting_errors(self.sheet), work_to_save():
                save_image(self.sheet, contact_sheet(self._thumbnails, self._captions))

    def add(self, photo: Photo, rows: list[FaceRow]) -> None:
        """Write the annotated copy and the crops of one photograph.

        Raises:
            UsageError: the photograph, which stdin named, is the file of the contact sheet.
        """
        self._require_other_sheet(photo.name)
        if self.images is not None and photo.image is not None:
            path = self._free_name(self.images, photo.name, _COPY)
            labels = [
                Annotation(_reduced(row.box, photo.scale), label_lines(row))
                for row in rows
                if row.box is not None
            ]
            with self._noting_errors(path):
                save_image(path, annotate(photo.image, labels))
            self._written.add(file_identity(path))
        for chip, row in zip(photo.chips, rows, strict=False):
            self._add_chip(chip, row, _crop_ending(row))

    def reserve(self, row: FaceRow) -> None:
        """Keep what an earlier run, which this one resumes, wrote for a row."""
        if self.images is not None and row.status != "failed" and row.face in (None, 1):
            self._written.add(file_identity(self._free_name(self.images, row.file, _COPY)))
        if self.crops is not None and row.face is not None:
            chip = self._free_name(self.crops, row.file, _crop_ending(row))
            self._written.add(file_identity(chip))

    def add_track(self, track: FaceTrack, row: TrackRow) -> None:
        """Write the crop of one tracked face of a video."""
        self._add_chip(track.chip, row, _track_ending(row))

    def reserve_track(self, row: TrackRow) -> None:
        """Keep what an earlier run, which this one resumes, wrote for a row of a video."""
        if self.images is not None and row.status != "failed" and row.file not in self._videos:
            self._videos.add(row.file)
            self._written.add(file_identity(self.video_path(row.file)))
        if self.crops is not None and row.track is not None:
            chip = self._free_name(self.crops, row.file, _track_ending(row))
            self._written.add(file_identity(chip))

    def video_path(self, name: str) -> Path:
        """Path of the annotated copy of a video.

        Raises:
            UsageError: no folder for annotated copies was given.
        """
        if self.images is None:
            raise UsageError("annotated videos need a folder; set `save_images`")
        return self._free_name(self.images, name, ".annotated.mp4")

    def _add_chip(self, chip: NDArray[np.uint8], row: Row, suffix: str) -> None:
        if self.crops is not None:
            crop = None if self.contract is None else json_text(self.contract.to_json())
            path = self._free_name(self.crops, row.file, suffix)
            with self._noting_errors(path):
                save_image(path, chip, crop=crop)
            self._written.add(file_identity(path))
        if self.sheet is not None and len(self._thumbnails) < SHEET_FACES:
            self._thumbnails.append(thumbnail(chip))
            self._captions.append((PurePath(row.file).name, *label_lines(row)))

    @contextmanager
    def _noting_errors(self, path: Path) -> Iterator[None]:
        """Pass on why a picture cannot be written; the rows and the other pictures still are."""
        try:
            yield
        except ImageError as error:
            self.on_unwritten(error)
        except (OSError, ValueError, MemoryError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self.on_unwritten(ImageError(f"{path}: the picture cannot be written ({reason})"))

    def _free_name(self, folder: Path, name: str, suffix: str) -> Path:
        """A path that no other picture of this run has, nor an input or a foreign file.

        Two inputs may have the same name.
        """
        file = PurePath(name)
        parent = "" if file.parent == PurePath() else f"{file.parent.name}_"
        stem = _UNSAFE.sub("_", f"{parent.strip('.')}{file.stem}")
        stem = cut_to_bytes(stem, _NAME_BYTES - _NUMBER_BYTES - len(suffix))
        first = folder / f"{stem}{suffix}"
        # Many archives may hold the same names, so the search begins after the last one.
        while True:
            self._numbers[first] += 1
            number = self._numbers[first]
            path = first if number == 1 else folder / f"{stem}-{number}{suffix}"
            if path not in self._taken and not self._must_stay(path):
                self._taken.add(path)
                return path

    def _must_stay(self, path: Path) -> bool:
        """Whether a file is an input, of this run, or of another program, or is a link."""
        if path.is_symlink():
            return True
        if not path.exists():
            return False
        identity = file_identity(path)
        # Where capital letters do not matter, a file of this run may have another name.
        if self.more_inputs or identity in self._written or identity in self._input_identities:
            return True
        is_ours = is_saved_video if path.suffix == ".mp4" else is_saved_image
        return not is_ours(path)

    def _require_other_sheet(self, name: str) -> None:
        if self.sheet is not None and self.more_inputs and same_file(self.sheet, [Path(name)]):
            sheet, self.sheet = self.sheet, None
            raise UsageError(
                f"`contact_sheet` {sheet}: is an input of this command; name another file"
            )

    @cached_property
    def _input_identities(self) -> frozenset[tuple[int, int] | None]:
        return frozenset(map(file_identity, self.inputs))


def _reduced(box: Box, scale: int) -> Box:
    x0, y0, x1, y1 = (value / scale for value in box)
    return x0, y0, x1, y1


def _is_picture(name: str) -> bool:
    """Whether a name is of a copy or a crop; long names are cut in those of temporary files."""
    return _PICTURE.fullmatch(name) is not None


def _crop_ending(row: FaceRow) -> str:
    return f".face{row.face}.png"


def _track_ending(row: TrackRow) -> str:
    return f".track{row.track}.png"
