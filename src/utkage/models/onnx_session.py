"""Sessions of ONNX Runtime, with its errors and its wrong outputs as errors of utkage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from utkage.core.errors import UtkageError, WeightsError
from utkage.core.memory_errors import is_memory_error
from utkage.data.labels import AGE_COUNT, RANGE_NAMES

INPUT_NAME = "chips"
_INPUT_TYPE = "tensor(uint8)"
_OUTPUT_TYPES = ("tensor(float)", "tensor(float16)", "tensor(double)")
# Length of the second axis by output, for those that have one; the first is the number of chips.
OUTPUT_WIDTHS: Mapping[str, int | None] = MappingProxyType(
    {
        "age": None,
        "age_distribution": AGE_COUNT,
        "range_probabilities": len(RANGE_NAMES),
        "p_female": None,
    }
)
_SHOWN = 200


def open_session(model: bytes, options: Any, path: Path) -> Any:
    """Open a session on the CPU; ``WeightsError``, naming ``path``, if that is not possible."""
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _runtime_errors() as error:
        _require_memory(error, path)
        raise WeightsError(
            f"{path}: not an ONNX file that can be run ({_reason(error)}); export it again"
        ) from error


@contextmanager
def utf8_text(path: Path) -> Iterator[None]:
    """Report text of a file that ONNX Runtime cannot decode as ``WeightsError``."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise WeightsError(
            f"{path}: its names or metadata are not UTF-8; export it again"
        ) from error


def run_session(session: Any, chips: NDArray[np.uint8], path: Path) -> list[NDArray[np.float64]]:
    """Run a session that ``require_chip_graph`` accepted.

    Args:
        session: The session.
        chips: uint8 RGB (N, S, S, 3).
        path: The file, for messages.

    Returns:
        The outputs in the order of ``OUTPUT_WIDTHS``, (N,) or (N, width).

    Raises:
        WeightsError: the graph cannot be run, or its outputs have other shapes.
        UtkageError: out of memory.
    """
    try:
        outputs = session.run(list(OUTPUT_WIDTHS), {INPUT_NAME: np.ascontiguousarray(chips)})
    except _runtime_errors() as error:
        _require_memory(error, path)
        raise WeightsError(
            f"{path}: cannot be run on chips {chips.shape} ({_reason(error)}); export it again"
        ) from error
    arrays = [np.asarray(output, dtype=np.float64) for output in outputs]
    for (name, width), array in zip(OUTPUT_WIDTHS.items(), arrays, strict=True):
        expected = (len(chips),) if width is None else (len(chips), width)
        if array.shape != expected:
            raise WeightsError(
                f"{path}: its output {name} is {array.shape} for {len(chips)} chips, not "
                f"{expected}; export it again"
            )
    return arrays


def require_chip_graph(session: Any, size: int, path: Path) -> None:
    """Check input and outputs of a session against what ``utkage export`` writes.

    Args:
        session: The session.
        size: Size of the chips of the card, pixels.
        path: The file, for messages.

    Raises:
        WeightsError: an input or output is missing, or has another type or shape.
    """
    with utf8_text(path):
        inputs = {each.name: each for each in session.get_inputs()}
        outputs = {each.name: each for each in session.get_outputs()}
        # Lengths that are not fixed have names, which are decoded here for the first time.
        _ = [each.shape for each in (*inputs.values(), *outputs.values())]
    if list(inputs) != [INPUT_NAME]:
        raise WeightsError(f"{path}: its inputs are {_listed(inputs)}, not {INPUT_NAME}")
    _require_form(inputs[INPUT_NAME], "input", (_INPUT_TYPE,), (None, size, size, 3), path)
    for name, width in OUTPUT_WIDTHS.items():
        if name not in outputs:
            raise WeightsError(
                f"{path}: has no output {name}, only {_listed(outputs)}; export it again"
            )
        shape = (None,) if width is None else (None, width)
        _require_form(outputs[name], "output", _OUTPUT_TYPES, shape, path)


def _require_form(
    found: Any, role: str, kinds: Sequence[str], shape: Sequence[int | None], path: Path
) -> None:
    # Names stand for lengths that are not fixed.
    lengths = [length if isinstance(length, int) else None for length in found.shape]
    fits = len(lengths) == len(shape) and all(
        None in (own, expected) or own == expected
        for own, expected in zip(lengths, shape, strict=True)
    )
    if found.type not in kinds or not fits:
        expected = ", ".join("N" if length is None else str(length) for length in shape)
        raise WeightsError(
            f"{path}: its {role} {found.name} is {found.type} {found.shape}, not {kinds[0]} "
            f"({expected}); export it again"
        )


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(ascii(name)[1:-1] for name in list(names)[:8]) or "none"


def _runtime_errors() -> tuple[type[Exception], ...]:
    """The exceptions of ONNX Runtime, which share no base class."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [each for each in vars(state).values() if isinstance(each, type)]
    errors = [each for each in own if issubclass(each, Exception)]
    # What its Python part and its bindings raise.
    return (*errors, RuntimeError, ValueError, MemoryError)


def _require_memory(error: Exception, path: Path) -> None:
    if is_memory_error(error):
        raise UtkageError(
            f"{path}: out of memory; predict fewer pictures at once (`workers`), or use smaller "
            "weights"
        ) from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:_SHOWN]
