"""Face detectors by name."""

from __future__ import annotations

from pathlib import Path

from utkage.core.device import CPU, Device
from utkage.core.errors import ConfigError
from utkage.core.files import file_hash
from utkage.faces.any_direction import AnyDirectionDetector
from utkage.faces.detector import Detector, SearchingDetector

DEFAULT_DETECTOR = "retinaface"
_YUNET = "yunet:"


def check_detector(choice: str) -> None:
    """Refuse an unknown detector before anything is loaded.

    Raises:
        ConfigError: neither ``retinaface`` nor ``yunet:FILE``.
    """
    if choice != DEFAULT_DETECTOR and not (choice.startswith(_YUNET) and choice != _YUNET):
        raise ConfigError(f"`detector` {choice}: choose retinaface or yunet:FILE")


def absolute_detector(choice: str) -> str:
    """The same choice for a process in another working directory."""
    if not choice.startswith(_YUNET):
        return choice
    return f"{_YUNET}{Path(choice.removeprefix(_YUNET)).absolute()}"


def detector_record(choice: str) -> dict[str, str | None]:
    """Name of a detector, and the hash of its file if it has one.

    Raises:
        UsageError: the file cannot be read.
    """
    name, _, file = choice.partition(":")
    return {"name": name, "file": file_hash(Path(file)) if file else None}


def open_detector(choice: str, min_face: float | None = None) -> Detector:
    """Load a detector for pictures in any direction; arguments as in ``open_upright_detector``."""
    return AnyDirectionDetector(open_upright_detector(choice, min_face))


def open_upright_detector(
    choice: str, min_face: float | None = None, device: Device = CPU
) -> SearchingDetector:
    """Load a detector that uses one thread per picture, since pictures are processed in parallel.

    Args:
        choice: ``"retinaface"``, or ``"yunet:FILE"`` with a YuNet file for OpenCV.
        min_face: Longer side of the smallest face to report, in pixels of the picture. RetinaFace
            then searches every picture at the scale that such faces need. None searches at up to
            1600 pixels, and only where a coarser pass found no face, or small or weak ones.
        device: Device that the network should run on. The detector tells why if it cannot
            (``on_cpu_because``).

    Raises:
        ConfigError: unknown name, or a length below 0.
        UsageError: the file or the package is missing.
    """
    check_detector(choice)
    if choice.startswith(_YUNET):
        from utkage.faces.yunet import YuNetDetector

        path = Path(choice.removeprefix(_YUNET))
        lengths = {} if min_face is None else {"min_face": min_face}
        return YuNetDetector(path, device=device, **lengths)
    from utkage.faces.retinaface import RetinaFaceDetector, finest_scale

    if min_face is None:
        return RetinaFaceDetector(threads=1, device=device)
    if not min_face >= 0:
        raise ConfigError(f"`min_face` {min_face}: use 0 or more pixels")
    return RetinaFaceDetector(
        threads=1,
        min_face=min_face,
        finest=finest_scale(min_face),
        thorough=True,
        device=device,
    )
