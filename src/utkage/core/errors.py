"""The errors that utkage raises on purpose, and their exit codes.

* ``UtkageError``                     exit 1, something failed
    * ``UsageError``                  exit 2, the call cannot work as written
        * ``DeviceError``             the requested device does not exist
        * ``ConfigError``             a setting has an impossible value
    * ``DataError``                   a data set or manifest cannot be used
    * ``LabelError``                  a file name does not contain a valid label
    * ``ImageError``                  one picture cannot be read
    * ``WeightsError``                a weights file is damaged, or of another program
    * ``TrainingError``               training cannot continue
    * ``ParityError``                 exit 4, an exported file predicts differently from its weights

A message is one line: what is wrong, in which file, and what to do about it.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line, documented in ``docs/cli.md``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SOME_INPUTS_FAILED = 3
    GATE_CLOSED = 4
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class UtkageError(Exception):
    """Base of all deliberate errors; ``exit_code`` is the exit code of the CLI."""

    exit_code: ExitCode = ExitCode.FAILED


class UsageError(UtkageError):
    """The call cannot work as written, such as a wrong option or a missing file."""

    exit_code = ExitCode.USAGE


class DeviceError(UsageError):
    """The requested device does not exist on this machine."""


class ConfigError(UsageError):
    """A configuration field has a value outside its documented range."""


class DataError(UtkageError):
    """A data set, archive or manifest cannot be used."""


class LabelError(UtkageError):
    """A file name does not follow the label grammar, or a label is out of range."""


class ImageError(UtkageError):
    """A picture cannot be decoded, or exceeds a limit."""


class WeightsError(UtkageError):
    """A weights file is missing, damaged, or of another program."""


class TrainingError(UtkageError):
    """Training cannot continue: a non-finite loss, or a run with another configuration."""


class ParityError(UtkageError):
    """An exported file predicts differently from the weights it came from."""

    exit_code = ExitCode.GATE_CLOSED
