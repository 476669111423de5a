from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from utkage.core.errors import ConfigError
from utkage.faces.contract import utkface_contract
from utkage.faces.detector import Face
from utkage.images.video import Frame
from utkage.prediction import face_tracks as module
from utkage.prediction.cropping import Cropper
from utkage.prediction.face_tracks import FaceTrack, TrackedFrame, TrackingSettings, track_faces
from utkage.prediction.predictions import Predictions

CONTRACT = utkface_contract(64)
SIDE = 60


@dataclass
class MarkedDetector:
    """Finds the textured squares that ``scene`` draws, by the colour of their corner."""

    calls: int = 0

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        self.calls += 1
        faces = []
        for blue in (200, 100):
            ys, xs = np.nonzero((rgb[..., 2] == blue) & (rgb[..., 0] == 1))
            if len(xs):
                x, y = float(xs.min()), float(ys.min())
                points = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
                landmarks = tuple((x + SIDE * px, y + SIDE * py) for px, py in points)
                faces.append(Face((x, y, x + SIDE, y + SIDE), 0.9, landmarks))  # type: ignore[arg-type]
        return faces


class CountingPredictor:
    """Predicts an age from the green of the middle pixel, with a narrow distribution."""

    card = SimpleNamespace(contract=CONTRACT)
    engine = "test"

    def predict_chips(self, chips: NDArray[np.uint8]) -> Predictions:
        count = len(chips)
        age = 20.0 + chips[:, 32, 32, 1].astype(float) / 10
        distribution = np.exp(-0.5 * ((np.arange(117) - age[:, None]) / 2) ** 2)
        distribution /= distribution.sum(axis=1, keepdims=True)
        ranges = np.full((count, 9), 1 / 9)
        return Predictions(age, distribution, ranges, np.full(count, 0.8))


def scene(places: dict[int, tuple[int, int]]) -> NDArray[np.uint8]:
    """A picture with a textured square at each (x, y), marked with a blue of its key."""
    rgb = np.full((200, 400, 3), 40, np.uint8)
    texture = np.random.default_rng(0).integers(60, 250, (SIDE // 4, SIDE // 4), np.uint8)
    for blue, (x, y) in places.items():
        square = np.kron(texture, np.ones((4, 4), np.uint8))
        rgb[y : y + SIDE, x : x + SIDE] = square[..., None]
        rgb[y, x] = (1, 0, blue)
    return rgb


def frames(count: int = 24, gone: range = range(0)) -> Iterator[Frame]:
    for index in range(count):
        places = {200: (20 + 3 * index, 30)}
        if index not in gone:
            places[100] = (300 - 2 * index, 100)
        yield Frame(index, index / 10, scene(places))


def cropper() -> Cropper:
    return Cropper(CONTRACT, MarkedDetector())


def run(every: int, *, live: bool = False, **options: object) -> list[TrackedFrame | FaceTrack]:
    settings = TrackingSettings(every, gap=0.5)
    stream = frames(**options)  # type: ignore[arg-type]
    predictor = CountingPredictor()
    return list(track_faces(stream, predictor, cropper(), settings, workers=2, live=live))  # type: ignore[arg-type]


@pytest.mark.parametrize("every", [1, 4, 7])
@pytest.mark.parametrize("live", [False, True])
def test_every_frame_has_both_faces_where_they_are(every: int, live: bool) -> None:
    events = run(every, live=live)
    watched = [event for event in events if isinstance(event, TrackedFrame)]
    assert [event.frame.index for event in watched] == list(range(24))
    for event in watched:
        index = event.frame.index
        first, second = event.faces
        assert (first.track, second.track) == (1, 2)
        np.testing.assert_allclose(first.box[:2], (20 + 3 * index, 30), atol=2.5)
        np.testing.assert_allclose(second.box[:2], (300 - 2 * index, 100), atol=2.5)
    tracks = [event for event in events if isinstance(event, FaceTrack)]
    assert [(track.number, track.frames, track.detections) for track in tracks] == [
        (1, 24, -(-24 // every)),
        (2, 24, -(-24 // every)),
    ]
    assert tracks[0].end == pytest.approx(2.3)
    assert tracks[0].chip.shape == (64, 64, 3)


def test_the_detector_looks_at_each_kth_frame_only() -> None:
    detector = MarkedDetector()
    predictor, crop = CountingPredictor(), Cropper(CONTRACT, detector)
    list(track_faces(frames(), predictor, crop, TrackingSettings(6), workers=2))  # type: ignore[arg-type]
    assert detector.calls == 4


def test_reading_ahead_changes_nothing() -> None:
    live, ahead = run(4, live=True), run(4)
    assert len(live) == len(ahead)
    for one, other in zip(live, ahead, strict=True):
        if isinstance(one, TrackedFrame):
            assert isinstance(other, TrackedFrame)
            assert [face.box for face in one.faces] == [face.box for face in other.faces]
        else:
            assert isinstance(other, FaceTrack)
            assert (one.number, one.frames) == (other.number, other.frames)
            assert float(one.prediction.age[0]) == float(other.prediction.age[0])


def test_a_face_that_comes_back_soon_is_the_same_one() -> None:
    soon = [event for event in run(2, gone=range(10, 14)) if isinstance(event, FaceTrack)]
    assert [track.number for track in soon] == [1, 2]
    assert soon[1].frames < 24
    late = [event for event in run(2, gone=range(8, 16)) if isinstance(event, FaceTrack)]
    assert [track.number for track in late] == [2, 1, 3]
    # The track of the face that left is given as soon as it has ended, not at the end.
    events = run(2, gone=range(8, 16))
    given_at = next(at for at, event in enumerate(events) if isinstance(event, FaceTrack))
    before = events[given_at - 1]
    assert isinstance(before, TrackedFrame)
    assert before.frame.index < 16


def test_a_face_that_was_found_once_is_not_told_of() -> None:
    events = run(2, gone=range(1, 24))
    tracks = [event for event in events if isinstance(event, FaceTrack)]
    assert [track.number for track in tracks] == [1]
    watched = [event for event in events if isinstance(event, TrackedFrame)]
    assert all(len(event.faces) == 1 for event in watched[2:])


def test_no_more_is_read_ahead_of_a_live_stream() -> None:
    read = []

    def stream() -> Iterator[Frame]:
        for frame in frames():
            read.append(frame.index)
            yield frame

    predictor = CountingPredictor()
    events = track_faces(stream(), predictor, cropper(), TrackingSettings(3), workers=2, live=True)  # type: ignore[arg-type]
    for event in events:
        if isinstance(event, TrackedFrame):
            assert event.frame.index == read[-1]


def test_a_face_that_cannot_be_cut_out_does_not_end_the_video() -> None:
    class Degenerate(MarkedDetector):
        def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
            found = super().detect(rgb)
            if self.calls == 2:
                found[0] = replace(found[0], landmarks=((5.0, 5.0),) * 5)
            return found

    crop = Cropper(CONTRACT, Degenerate())
    events = track_faces(frames(), CountingPredictor(), crop, TrackingSettings(3), workers=1)  # type: ignore[arg-type]
    tracks = [event for event in events if isinstance(event, FaceTrack)]
    assert [(track.number, track.detections) for track in tracks] == [(1, 7), (2, 7)]


def test_large_frames_are_not_heaped_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 3 * scene({}).nbytes)
    read, behind = [], []

    def stream() -> Iterator[Frame]:
        for frame in frames():
            read.append(frame.index)
            yield frame

    for event in track_faces(
        stream(), CountingPredictor(), cropper(), TrackingSettings(4), workers=8
    ):  # type: ignore[arg-type]
        if isinstance(event, TrackedFrame):
            behind.append(read[-1] - event.frame.index)
    assert max(behind) == 3


def test_a_broken_detector_is_not_hidden() -> None:
    class Broken:
        def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
            raise RuntimeError("broken")

    crop = replace(cropper(), detector=Broken())
    with pytest.raises(RuntimeError, match="broken"):
        list(track_faces(frames(), CountingPredictor(), crop, TrackingSettings(), workers=2))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"every": 0}, {"gap": -1.0}, {"gap": float("nan")}])
def test_impossible_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"`every`|`gap`"):
        TrackingSettings(**wrong)  # type: ignore[arg-type]
