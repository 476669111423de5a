"""Pictures that ``predict`` writes beside its rows: annotated copies, crops, a contact sheet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UsageError
from utkage.core.files import require_folder
from utkage.prediction.rows import gender_with_certainty

if TYPE_CHECKING:
    from utkage.images.draw import Annotation
    from utkage.prediction.face_rows import FaceRow
    from utkage.prediction.face_tracks import FaceTrack
    from utkage.prediction.photos import Photo
    from utkage.prediction.track_rows import TrackRow

# More would be no overview, and would have to be held in memory.
SHEET_FACES = 400
# Characters of addresses that not every system has in file names.
_UNSAFE = re.compile(r'[<>:"|?*\\/]')


@dataclass
class PictureWriter:
    """Writes what was asked for, one photograph after the other.

    Attributes:
        images: Folder for annotated copies, or None.
        crops: Folder for the chips that were answered for, or None.
        sheet: File for the contact sheet of the first ``SHEET_FACES`` faces, or None.

    Raises:
        UsageError: a folder is a file.
    """

    images: Path | None = None
    crops: Path | None = None
    sheet: Path | None = None
    _taken: set[Path] = field(default_factory=set)
    _tiles: list[NDArray[np.uint8]] = field(default_factory=list)
    _captions: list[tuple[str, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.images is not None:
            require_folder(self.images, "save_images")
        if self.crops is not None:
            require_folder(self.crops, "save_crops")

    def add(self, photo: Photo, rows: list[FaceRow]) -> None:
        """Write what belongs to one photograph.

        Raises:
            ImageError: a picture cannot be written.
        """
        from utkage.images.draw import annotate
        from utkage.images.save import save_image

        if self.images is not None and photo.image is not None:
            path = self._free_name(self.images, photo.name, ".annotated.jpg")
            save_image(path, annotate(photo.image, face_annotations(rows)))
        for chip, row in zip(photo.chips, rows, strict=False):
            self._add_chip(chip, row, f".face{row.face}.png")

    def add_track(self, track: FaceTrack, row: TrackRow) -> None:
        """Write what belongs to one face of a video.

        Raises:
            ImageError: a picture cannot be written.
        """
        self._add_chip(track.chip, row, f".track{row.track}.png")

    def video_path(self, name: str) -> Path:
        """Where the annotated copy of a video goes.

        Raises:
            UsageError: no folder for copies was given.
        """
        if self.images is None:
            raise UsageError("annotated videos need a folder to go to")
        return self._free_name(self.images, name, ".annotated.mp4")

    def _add_chip(self, chip: NDArray[np.uint8], row: FaceRow | TrackRow, ending: str) -> None:
        from utkage.images.save import save_image
        from utkage.images.sheet import thumbnail

        if self.crops is not None:
            save_image(self._free_name(self.crops, row.file, ending), chip)
        if self.sheet is not None and len(self._tiles) < SHEET_FACES:
            self._tiles.append(thumbnail(chip))
            self._captions.append((PurePath(row.file).name, *label_lines(row)))

    def finish(self) -> None:
        """Write the contact sheet, if there is anything on it."""
        from utkage.images.save import save_image
        from utkage.images.sheet import contact_sheet

        if self.sheet is not None and self._tiles:
            save_image(self.sheet, contact_sheet(self._tiles, self._captions))

    def _free_name(self, folder: Path, name: str, ending: str) -> Path:
        """Where a picture goes; files of one name do not overwrite each other."""
        file = PurePath(name)
        parent = "" if file.parent == PurePath() else f"{file.parent.name}_"
        stem, number = _UNSAFE.sub("_", f"{parent.strip('.')}{file.stem}"), 1
        path = folder / f"{stem}{ending}"
        while path in self._taken:
            number += 1
            path = folder / f"{stem}-{number}{ending}"
        self._taken.add(path)
        return path


def face_annotations(rows: list[FaceRow]) -> list[Annotation]:
    """Boxes and labels of the faces of one picture."""
    from utkage.images.draw import Annotation

    return [Annotation(row.box, label_lines(row)) for row in rows if row.box is not None]


def label_lines(row: FaceRow | TrackRow) -> tuple[str, ...]:
    """A face's answer in two short lines."""
    if row.age is None or row.gender is None or row.p_female is None:
        return ()
    ages = f"{row.age:.0f} ({row.age_low:.0f}-{row.age_high:.0f})"
    return ages, gender_with_certainty(row.gender, row.p_female)
