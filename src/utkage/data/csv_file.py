"""CSV files of this program, and split files: read line by line, with errors that name the line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from utkage.core.errors import DataError

# The reader of the standard library refuses longer cells.
LONGEST_CELL = 131_072


def read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a CSV file in UTF-8 with a header.

    Args:
        path: The file.
        columns: Columns that it must have; every line has a cell for each of them.

    Yields:
        The number of each line in the file, and its cells by column; missing ones are empty.

    Raises:
        DataError: the file cannot be read, is not CSV in UTF-8, or lacks a column.
    """
    line = 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey="", restval="")
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                wanted = ",".join(columns)
                raise DataError(f"{path}: lacks the column {missing[0]}; it needs {wanted}")
            for cells in reader:
                line = reader.line_num
                yield line, {name: cells[name] for name in cells if name}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    except csv.Error as error:
        raise DataError(
            f"{path}: not CSV after line {line} ({error}); cells have at most {LONGEST_CELL:,} "
            "characters"
        ) from error
