"""A loaded predictor: from pictures that a program has to typed rows, one a face."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from utkage.core.errors import ConfigError, UsageError
from utkage.core.reporter import Reporter
from utkage.faces.choice import check_detector, open_detector
from utkage.images.inputs import PictureInput, always, as_input, open_inputs
from utkage.models.locate import resolve_weights
from utkage.prediction.face_rows import FaceRow, photo_rows
from utkage.prediction.rows import RowOptions

if TYPE_CHECKING:
    from utkage.images.video import Frame
    from utkage.models.card import Card
    from utkage.prediction.face_tracks import FaceTrack, TrackedFrame, TrackingSettings
    from utkage.prediction.photos import Photo

CROPS = ("auto", "none", "box")


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """How to answer.

    Attributes:
        weights: As in ``models.locate.resolve_weights``.
        device: As in ``--device``.
        engine: ``"onnx"``, ``"torch"`` or ``"auto"``, as in ``load_predictor``.
        crop: ``"auto"`` finds and aligns faces, ``"box"`` finds them and cuts around the box
            without turning, ``"none"`` takes pictures that are chips already.
        flip: Average each answer with that for the mirrored chip.
        interval: Level of the age interval, 0..1.
        max_faces: Keep only this many faces of a photograph, the largest.
        workers: Threads.
        detector: As in ``faces.choice.open_detector``.
        min_face: Smallest face to report, in pixels; None: what is found without looking finer.
        threshold: An age T; rows then say P(age >= T).
        uncertain_below: Gender is ``"uncertain"`` when neither has this probability, 0.5..1.
    """

    weights: str = "auto"
    device: str = "auto"
    engine: str = "auto"
    crop: str = "auto"
    flip: bool = True
    interval: float = 0.8
    max_faces: int | None = None
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    detector: str = "retinaface"
    min_face: float | None = None
    threshold: int | None = None
    uncertain_below: float = 0.75

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"workers {self.workers} must be at least 1")
        if self.crop not in CROPS:
            raise ConfigError(f"`crop` {self.crop}: choose one of {', '.join(CROPS)}")
        if self.max_faces is not None and self.max_faces < 1:
            raise ConfigError(f"max faces {self.max_faces} must be at least 1")
        if self.min_face is not None and not self.min_face >= 0:
            raise ConfigError(f"`min_face` {self.min_face}: use 0 or more pixels")
        check_detector(self.detector)
        # Its checks are ours.
        RowOptions(self.interval, self.threshold, self.uncertain_below)

    @property
    def row_options(self) -> RowOptions:
        """What rows say."""
        return RowOptions(self.interval, self.threshold, self.uncertain_below)


class Predictor:
    """Detector and weights, loaded once; answers as often as it is asked, from any thread.

    >>> predictor = Predictor.shipped(threshold=18)
    >>> for face in predictor.predict("examples/portrait.jpg"):
    ...     print(face.gender, face.age_low < face.age < face.age_high, face.p_at_least > 0.5)
    female True True

    Args:
        settings: How to answer.

    Raises:
        UsageError: unknown weights, or a device or package that is not there.
        WeightsError: the weights are not ours.
    """

    def __init__(self, settings: PredictSettings | None = None) -> None:
        from utkage.prediction.cropping import Cropper
        from utkage.prediction.loading import load_predictor

        self.settings = settings = settings or PredictSettings()
        self.weights = resolve_weights(settings.weights)
        # Pictures are worked on side by side, a thread each: more for one would only get in the
        # way of the others.
        self._answers = load_predictor(
            self.weights,
            device=settings.device,
            flip=settings.flip,
            engine=settings.engine,
            threads=1,
        )
        detector = None
        if settings.crop != "none":
            detector = open_detector(settings.detector, settings.min_face)
        self._cropper = Cropper(
            self._answers.card.contract,
            detector,
            by_box=settings.crop == "box",
            max_faces=settings.max_faces,
        )

    @classmethod
    def shipped(cls, **settings: Any) -> Predictor:
        """With the weights in the package; ``settings`` as in ``PredictSettings``."""
        return cls(PredictSettings(**{"weights": "shipped", **settings}))

    @property
    def card(self) -> Card:
        """Of the weights."""
        return self._answers.card

    @property
    def engine(self) -> str:
        """``"onnx"`` or ``"torch"``."""
        return self._answers.engine

    def predict(self, source: Any) -> Iterator[FaceRow]:
        """Answer for every face, lazily and in order; a picture without any gives one row.

        A picture that cannot be read gives a row with ``status`` ``"failed"`` and the reason.

        Args:
            source: A path (a folder or pattern stands for the pictures in it), the bytes of a
                file, a uint8 RGB array (height, width, 3), a Pillow image, or any number of these,
                which are read as they are needed.

        Raises:
            UsageError: something else, or a folder without a picture.
        """
        return self._rows(_pictures(source))

    def _rows(self, pictures: Iterable[PictureInput]) -> Iterator[FaceRow]:
        with closing(self.photos(pictures)) as photos:
            for photo in photos:
                yield from photo_rows(photo, self.settings.row_options)

    def photos(
        self,
        pictures: Iterable[PictureInput],
        *,
        keep_images: bool = False,
        ready: Callable[[], bool] = always,
    ) -> Generator[Photo, None, None]:
        """The faces of each picture with their chips and whole answers, lazily and in order.

        Args:
            pictures: What to look at.
            keep_images: Carry the decoded pictures along.
            ready: Whether the next picture can be had without waiting; while it cannot, all
                that came before are answered.
        """
        from utkage.prediction.photos import predict_photos

        return predict_photos(
            pictures,
            self._answers,
            self._cropper,
            workers=self.settings.workers,
            keep_images=keep_images,
            ready=ready,
        )

    def watch(
        self,
        frames: Iterable[Frame],
        tracking: TrackingSettings | None = None,
        *,
        live: bool = False,
    ) -> Generator[TrackedFrame | FaceTrack, None, None]:
        """Follow the faces of a video: every frame in its order, every face as soon as it is gone.

        Args:
            frames: Of the video, such as ``utkage.open_video("clip.mp4").frames()``.
            tracking: How faces are followed.
            live: Never read ahead of the frame that is answered for.
        """
        from utkage.prediction.face_tracks import TrackingSettings, watch

        return watch(
            frames,
            self._answers,
            self._cropper,
            tracking or TrackingSettings(),
            workers=self.settings.workers,
            live=live,
        )


def open_predictor(settings: PredictSettings, reporter: Reporter) -> Predictor:
    """Load a predictor and say which weights and which engine it has.

    Raises:
        UsageError, WeightsError: as ``Predictor``.
    """
    predictor = Predictor(settings)
    weights = predictor.weights
    reporter.info(f"weights {weights.path} ({weights.origin}), engine {predictor.engine}")
    return predictor


def _pictures(source: Any) -> Iterable[PictureInput]:
    if isinstance(source, (str, Path)):
        return open_inputs((str(source),)).pictures
    if isinstance(source, (bytes, np.ndarray)):
        return [as_input(source)]
    if hasattr(source, "__array_interface__") and hasattr(source, "convert"):
        return [as_input(np.asarray(source.convert("RGB")))]
    if isinstance(source, Iterable):
        return chain.from_iterable(map(_pictures, source))
    raise UsageError(
        f"{type(source).__name__} is no picture; give paths, bytes, RGB arrays or Pillow images"
    )
