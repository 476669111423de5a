"""``Predictor``: detector and weights, loaded once, from pictures to typed rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from utkage.core.device import resolve_device
from utkage.core.errors import ConfigError, UsageError
from utkage.core.processors import available_processors
from utkage.core.reporter import Reporter
from utkage.faces.any_direction import AnyDirectionDetector
from utkage.faces.choice import (
    DEFAULT_DETECTOR,
    absolute_detector,
    check_detector,
    open_upright_detector,
)
from utkage.faces.face_appearance import shipped_face_appearance
from utkage.images.inputs import always
from utkage.images.objects import pictures_of
from utkage.images.picture_input import PictureInput
from utkage.images.reduction import MAX_PIXELS
from utkage.images.video import Frame
from utkage.models.card import Card
from utkage.models.locate import LATEST, SHIPPED, is_shipped, newest_run_weights, resolve_weights
from utkage.models.weights_files import LoadedWeights
from utkage.prediction.cropping import Cropper
from utkage.prediction.face_tracks import FaceTrack, TrackedFrame, TrackingSettings, track_faces
from utkage.prediction.loading import load_predictor
from utkage.prediction.photos import Photo, predict_photos
from utkage.prediction.row_list import Rows
from utkage.prediction.rows import FaceRow, RowOptions, photo_rows

CROPS = ("auto", "none", "box")
ROTATIONS = ("auto", "none")
COLOUR_ORDERS = ("rgb", "bgr")
# Settings that do not decide rows, and a path that others may give otherwise.
_NOT_OF_ROWS = ("weights", "device", "engine", "workers", "arrays")


@dataclass(frozen=True, kw_only=True)
class PredictSettings(RowOptions):
    """How a predictor finds faces and what its rows contain. Further fields: ``RowOptions``.

    Attributes:
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``core.device.resolve_device``.
        engine: ``"onnx"``, ``"torch"`` or ``"auto"``, as in ``load_predictor``.
        crop: ``"auto"`` finds and aligns faces, ``"box"`` finds them and crops around the box
            without rotation, ``"none"`` takes pictures that are chips already.
        flip: Whether each prediction is averaged with that of the mirrored chip.
        max_faces: Largest number of faces per picture; the largest faces are kept. None keeps all.
        workers: Number of threads.
        detector: As in ``faces.choice.open_detector``.
        min_face: Smallest face to report, in pixels; None reports what the usual passes find.
        rotate: ``"auto"`` also finds the faces of pictures that lie on their side or upside down,
            ``"none"`` takes every picture as upright. Videos are always taken as upright.
        max_pixels: As in ``images.decode.load_image``; larger pictures are reduced while they are
            read, or refused. Not for videos.
        arrays: Order of the colours in arrays that a program passes: ``"rgb"``, or ``"bgr"`` as in
            those of OpenCV. Not for frames of videos.
    """

    weights: str = "shipped"
    device: str = "auto"
    engine: str = "auto"
    crop: str = "auto"
    flip: bool = True
    max_faces: int | None = None
    workers: int = field(default_factory=available_processors)
    detector: str = DEFAULT_DETECTOR
    min_face: float | None = None
    rotate: str = "auto"
    max_pixels: int = MAX_PIXELS
    arrays: str = "rgb"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.workers < 1:
            raise ConfigError(f"`workers` {self.workers}: use 1 or more")
        if self.crop not in CROPS:
            raise ConfigError(f"`crop` {self.crop}: choose one of {', '.join(CROPS)}")
        if self.rotate not in ROTATIONS:
            raise ConfigError(f"`rotate` {self.rotate}: choose one of {', '.join(ROTATIONS)}")
        if self.max_faces is not None and self.max_faces < 1:
            raise ConfigError(f"`max_faces` {self.max_faces}: use 1 or more")
        if self.min_face is not None and not self.min_face >= 0:
            raise ConfigError(f"`min_face` {self.min_face}: use 0 or more pixels")
        if self.arrays not in COLOUR_ORDERS:
            raise ConfigError(f"`arrays` {self.arrays}: choose one of {', '.join(COLOUR_ORDERS)}")
        if not self.max_pixels >= 1:
            raise ConfigError(f"`max_pixels` {self.max_pixels}: use 1 or more")
        check_detector(self.detector)

    @property
    def row_settings(self) -> dict[str, Any]:
        """The settings that decide rows, by name; the weights are not among them."""
        names = PredictSettings.__dataclass_fields__
        return {name: getattr(self, name) for name in names if name not in _NOT_OF_ROWS}


class Predictor:
    """Detector and weights, loaded once; any number of threads may use it.

    >>> predictor = Predictor.shipped(threshold=18)
    >>> for face in predictor.predict("examples/portrait.jpg"):
    ...     print(face.gender, face.age_low < face.age < face.age_high, face.p_at_least > 0.5)
    female True True
    >>> faces = predictor.predict_all("examples/family.jpg")
    >>> len(faces), len(faces[faces.ages >= 18]) <= 7
    (7, True)

    Args:
        settings: How to find faces, and the content of rows.

    Attributes:
        settings: The same.
        weights: The weights.
        device: Device of the weights, and of the detector where that is possible.
        detector_on_cpu_because: Why the detector runs on the CPU although ``device`` is another;
            None if it runs there, or there is none.

    Raises:
        UsageError: unknown weights, or a missing device or package.
        WeightsError: not a utkage weights file.
    """

    def __init__(self, settings: PredictSettings | None = None) -> None:
        self.settings = settings = settings or PredictSettings()
        self.weights = resolve_weights(settings.weights)
        self._file = LoadedWeights(self.weights.path.resolve())
        self._state = _state_of(self._file.path)
        self._settings_elsewhere = _for_any_folder(settings, self._file.path)
        self.device = resolve_device(settings.device)
        # Pictures are processed in parallel, one thread each.
        self._chip_predictor = load_predictor(
            self.weights, device=self.device, flip=settings.flip, engine=settings.engine, threads=1
        )
        detector = None
        if settings.crop != "none":
            detector = open_upright_detector(settings.detector, settings.min_face, self.device)
        self.detector_on_cpu_because = None if detector is None else detector.on_cpu_because
        by_box = settings.crop == "box"
        appearance = shipped_face_appearance()
        self._cropper = Cropper(
            self.card.contract, detector, by_box, settings.max_faces, appearance
        )
        # Frames of a video are upright, or their container notes the rotation.
        self._photo_croppers = {"auto": self._cropper, "none": self._cropper}
        if detector is not None:
            any_direction = AnyDirectionDetector(detector)
            self._photo_croppers["auto"] = replace(self._cropper, detector=any_direction)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the settings; the other process loads the same weights again, or refuses others.

        Raises:
            UsageError: the file of the weights has been replaced since they were loaded.
        """
        path = self._file.path
        if _state_of(path) != self._state:
            raise UsageError(
                f"{path}: has changed since its weights were loaded, so another process would load "
                "others; make a new predictor"
            )
        return _load_again, (type(self), self._settings_elsewhere, self._file.file_hash)

    @classmethod
    def shipped(cls, **settings: Any) -> Predictor:
        """A predictor with the weights in the package; ``settings`` as in ``PredictSettings``."""
        return cls(PredictSettings(**{"weights": "shipped", **settings}))

    @property
    def card(self) -> Card:
        """The card of the weights."""
        return self._chip_predictor.card

    @property
    def engine(self) -> str:
        """``"onnx"`` or ``"torch"``."""
        return self._chip_predictor.engine

    def predict(self, source: Any) -> Generator[FaceRow, None, None]:
        """Predict every face, lazily and in order; a picture without a face gives one row.

        A picture that cannot be read gives a row with ``status`` ``"failed"`` and the reason.

        Args:
            source: A path (a folder or pattern stands for the pictures in it), a ``file:`` URL or
                ``data:`` URI, the bytes of a file, an open file, a uint8 RGB array (height, width,
                3), a Pillow image, or an iterable of these, which is read as needed. Pictures
                without a name are called ``array`` or ``bytes``; those of an iterable have their
                index in it, such as ``array[2]``.

        Raises:
            UsageError: another type, an empty name, or a folder without a picture.
        """
        return self._rows(self._pictures(source))

    def _pictures(self, source: Any) -> Iterable[PictureInput]:
        return pictures_of(source, bgr=self.settings.arrays == "bgr")

    def predict_all(self, source: Any) -> Rows[FaceRow]:
        """Predict every face, and return the rows of ``predict`` as one sequence."""
        return Rows(self.predict(source))

    def _rows(self, pictures: Iterable[PictureInput]) -> Generator[FaceRow, None, None]:
        with closing(self.photos(pictures)) as photos:
            for photo in photos:
                yield from photo_rows(photo, self.settings)

    def photos(
        self,
        pictures: Any,
        *,
        keep_images: bool = False,
        ready: Callable[[], bool] = always,
        rotate: str | None = None,
    ) -> Generator[Photo, None, None]:
        """The faces of each picture with chips and whole distributions, lazily and in order.

        ``pictures`` are those of ``predict``. With ``keep_images``, results keep the decoded
        pictures. ``ready`` tells whether the next picture is available without waiting; if it is
        not, all results before it come first. ``rotate`` replaces that of the settings.

        Raises:
            UsageError: another type, an empty name, or a folder without a picture.
            ConfigError: an unknown ``rotate``.
        """
        rotate = self.settings.rotate if rotate is None else rotate
        if rotate not in ROTATIONS:
            raise ConfigError(f"`rotate` {rotate}: choose one of {', '.join(ROTATIONS)}")
        return predict_photos(
            self._pictures(pictures),
            self._chip_predictor,
            self._photo_croppers[rotate],
            workers=self.settings.workers,
            keep_images=keep_images,
            ready=ready,
            max_pixels=self.settings.max_pixels,
        )

    def watch(
        self,
        frames: Iterable[Frame],
        tracking: TrackingSettings | None = None,
        *,
        live: bool = False,
    ) -> Generator[TrackedFrame | FaceTrack, None, None]:
        """Track the faces of a video: yields every frame, and every face as soon as it has left.

        Frames come, for example, from ``utkage.open_video("clip.mp4").frames()``. With ``live``,
        they are never read ahead of the frame that is yielded.
        """
        tracking = tracking or TrackingSettings()
        workers = self.settings.workers
        return track_faces(
            frames, self._chip_predictor, self._cropper, tracking, workers=workers, live=live
        )


def _load_again(kind: type[Predictor], settings: PredictSettings, file_hash: str) -> Predictor:
    """The predictor that another process has pickled.

    Raises:
        UsageError: there is no such file, or it holds other weights.
    """
    weights = resolve_weights(settings.weights)
    if weights.file_hash != file_hash:
        raise UsageError(
            f"{weights.path}: holds other weights than in the process that the predictor comes "
            "from; install the same version of utkage, or copy the same file"
        )
    return kind(settings)


def _for_any_folder(settings: PredictSettings, weights: Path) -> PredictSettings:
    """The settings for a process in another working directory."""
    return replace(
        settings,
        weights=SHIPPED if is_shipped(weights) else str(weights),
        detector=absolute_detector(settings.detector),
    )


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def open_predictor(settings: PredictSettings, reporter: Reporter) -> Predictor:
    """Load a predictor and report its weights and engine."""
    predictor = Predictor(settings)
    weights = predictor.weights
    reporter.info(f"weights {weights.path} ({weights.origin}), engine {predictor.engine}")
    if predictor.detector_on_cpu_because is not None:
        reporter.info(
            f"`device` {predictor.device.name}: runs the weights; the detector stays on the CPU: "
            f"{predictor.detector_on_cpu_because}"
        )
    newest = newest_run_weights() if settings.weights == SHIPPED else None
    if newest is not None:
        reporter.info(f"`weights={LATEST}` would use the newest run, {newest.parent}")
    return predictor
