"""What a report of a fault needs: versions, devices, processors, weights, codecs and free space."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from utkage.core.device import gpu_is_possible
from utkage.core.errors import UtkageError
from utkage.core.files import file_hash
from utkage.core.packages import named_packages
from utkage.core.processors import available_processors
from utkage.images.readers import readable_formats
from utkage.models.locate import shipped_weights
from utkage.reporting.table import Table

# Variables of the environment that change speed or results.
_VARIABLES = (
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
    *("ORT_DISABLE_TELEMETRY", "PYTHONPATH", "LANG", "LC_ALL"),
)
# OpenCV has one of these packages; two of them overwrite each other's files.
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python")
_NOT_INSTALLED = "not installed"


def diagnose() -> tuple[Table, ...]:
    """Collect what a report of a fault needs; nothing is sent, and nothing is written.

    The home folder is shown as ``~``, so that no user name is in it. PyTorch is imported only if
    it is installed, for its devices.

    Returns:
        Tables of names and values: ``system``, ``packages`` and ``optional packages``.
    """
    packages, extras = named_packages()
    return (
        Table.of("system", ("what", "value"), [(name, _hidden(text)) for name, text in _system()]),
        Table.of("packages", ("package", "version"), _versions({*packages, *_OPENCV} - {"utkage"})),
        Table.of("optional packages", ("package", "version"), _versions(extras - packages)),
    )


def _system() -> Iterator[tuple[str, str]]:
    yield "utkage", _version("utkage")
    yield "installed in", str(Path(__file__).parents[1])
    yield "Python", f"{platform.python_version()} ({sys.executable})"
    yield "system", platform.platform()
    yield "processors", f"{available_processors()} of {os.cpu_count() or 'unknown'} may be used"
    yield "memory", _memory()
    yield "shipped weights", _weights()
    yield "PyTorch devices", _torch_devices()
    yield "ONNX Runtime providers", _providers()
    for name, problem in readable_formats().items():
        yield f"{name} pictures", f"cannot be read; {problem}" if problem else "can be read"
    yield "OpenCV windows", _opencv("GUI")
    yield "OpenCV videos", _opencv("FFMPEG")
    for name, folder in (("this folder", Path.cwd()), ("temporary", Path(tempfile.gettempdir()))):
        yield f"free space, {name}", _free_space(folder)
    yield "encoding of stdout", str(getattr(sys.stdout, "encoding", None))
    for name in _VARIABLES:
        if name in os.environ:
            yield name, os.environ[name]


def _versions(packages: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, _version(name)) for name in sorted(packages)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _NOT_INSTALLED


def _weights() -> str:
    try:
        path = shipped_weights()
        return f"{path.name}, SHA-256 begins with {file_hash(path)}"
    except UtkageError as error:
        return str(error)


def _torch_devices() -> str:
    if _version("torch") == _NOT_INSTALLED:
        return _NOT_INSTALLED
    try:
        import torch
    except (ImportError, OSError) as error:
        # A library of the system is missing, or does not fit.
        return f"cannot be imported: {error}"
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        count = range(torch.cuda.device_count())
        names += [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in count]
    elif gpu_is_possible():
        names.append(f"no GPU that this PyTorch can use (built for CUDA {torch.version.cuda})")
    if torch.backends.mps.is_available():
        names.append("mps")
    return ", ".join(names)


def _providers() -> str:
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        return f"cannot be imported: {error}"
    return ", ".join(onnxruntime.get_available_providers())


def _opencv(part: str) -> str:
    """The line of OpenCV's build information on one of its parts."""
    try:
        import cv2
    except (ImportError, OSError) as error:
        return f"cannot be imported: {error}"
    found = re.search(rf"^\s*{part}:\s*(.*)$", cv2.getBuildInformation(), re.MULTILINE)
    return (found[1].strip() if found else "") or "none"


def _memory() -> str:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return "unknown"
    return f"{pages * size / 1e9:.1f} GB"


def _free_space(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB ({folder})"
    except OSError as error:
        return f"unknown ({error.strerror})"


def _hidden(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
