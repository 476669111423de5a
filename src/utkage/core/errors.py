"""Every error that utkage raises on purpose, and the exit code that each one becomes.

* ``UtkageError``                     exit 1, something failed
    * ``UsageError``                  exit 2, the call cannot work as written
        * ``DeviceError``             the wanted device is not there
        * ``ConfigError``             a setting has an impossible value
    * ``DataError``                   a data set or manifest cannot be used
    * ``LabelError``                  a file name does not carry a valid label
    * ``ImageError``                  one picture cannot be read
    * ``WeightsError``                a weights file is not ours, or damaged
    * ``TrainingError``               training cannot go on
    * ``ParityError``                 exit 4, an exported file does not answer as the model does

Messages say what is wrong, with which file, and what to do about it, on one line.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell. Documented in ``docs/cli.md``."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SOME_INPUTS_FAILED = 3
    GATE_CLOSED = 4
    INTERRUPTED = 130


class UtkageError(Exception):
    """Base of all deliberate errors; ``exit_code`` is what the CLI exits with."""

    exit_code: ExitCode = ExitCode.FAILED


class UsageError(UtkageError):
    """The call cannot work as it is written: a wrong option, a path that is not there."""

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
    """A picture cannot be decoded, or is over a limit."""


class WeightsError(UtkageError):
    """A weights file is missing, damaged, or of another program."""


class TrainingError(UtkageError):
    """Training cannot go on: a non-finite loss, or a run of another configuration."""


class ParityError(UtkageError):
    """An exported graph does not give the answers of the model it came from."""

    exit_code = ExitCode.GATE_CLOSED
