"""The output folder of a job: one Parquet file per part, and the plan that they belong to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from utkage.cluster.parts import Part, Source
from utkage.core.errors import DataError, UsageError
from utkage.core.files import require_folder, write_json
from utkage.core.json_text import parse_json
from utkage.core.partials import remove_dead_partials
from utkage.core.single_writer import holding_folder
from utkage.core.text import counted
from utkage.prediction.parquet_rows import require_pyarrow

PLAN = "plan.json"
SUMMARY = "summary.json"
MANIFEST = "manifest.jsonl"
_ATTEMPTS = ".attempts"
_FORMAT = 1
_OWN = (PLAN, SUMMARY, MANIFEST)


@dataclass(frozen=True, kw_only=True)
class JobSummary:
    """What a finished job has predicted; pictures are those of all its runs.

    Attributes:
        folder: The output folder.
        parts: Number of files with rows.
        pictures: Number of pictures.
        faces: Number of faces.
        failed: Number of pictures that could not be read; the reasons are in their rows.
    """

    folder: Path
    parts: int
    pictures: int
    faces: int
    failed: int


class JobFolder:
    """The files of one job. Workers on all nodes must see the folder at the same path."""

    def __init__(self, folder: Path) -> None:
        self.path = folder

    @property
    def plan_file(self) -> Path:
        """The plan, which is there from the beginning of the job."""
        return self.path / PLAN

    def rows_file(self, part: int) -> Path:
        """The rows of a part; it has this name only when it is complete."""
        return self.path / f"rows-{part:06d}.parquet"

    def attempts_file(self, part: int) -> Path:
        """The record of the attempts at a part that is not finished."""
        return self.path / _ATTEMPTS / f"{part:06d}"

    def is_finished(self, part: int) -> bool:
        """Whether the rows of a part are complete."""
        return self.rows_file(part).exists()

    def require_usable(self, *, resume: bool) -> None:
        """Refuse a folder that holds something else, or a job without ``resume``.

        Raises:
            UsageError: what is in the way, and what to do.
        """
        require_folder(self.path, "out")
        if self.plan_file.exists():
            # A job that no node has begun, such as one without workers, is no obstacle.
            if not resume and any(self.path.glob("rows-*.parquet")):
                raise UsageError(
                    f"`out` {self.path}: has rows of an earlier job; continue it with "
                    "`resume=True`, or name another folder"
                )
            return
        # What a killed command leaves before there is a plan.
        others = [
            path.name
            for path in (self.path.iterdir() if self.path.is_dir() else ())
            if path.name not in _OWN and not path.name.startswith(".")
        ]
        if others:
            raise UsageError(
                f"`out` {self.path}: holds other files ({min(others)}); name an empty folder"
            )

    @contextmanager
    def held(self, *, resume: bool) -> Iterator[None]:
        """Keep other commands out, and remove what killed workers have left, before and after.

        Without ``resume``, the plan of a job that never began is removed as well.
        """

        def is_own(name: str) -> bool:
            return name in _OWN or name.startswith("rows-")

        with holding_folder(self.path, is_own):
            self.require_usable(resume=resume)
            if not resume:
                self.plan_file.unlink(missing_ok=True)
                shutil.rmtree(self.path / _ATTEMPTS, ignore_errors=True)
            yield
            remove_dead_partials(self.path, is_own)
            with suppress(OSError):
                (self.path / _ATTEMPTS).rmdir()

    def write_plan(self, plan: dict[str, Any]) -> None:
        """Begin the job with this plan, or check that it is the one of the job that resumes.

        Raises:
            UsageError: the job was begun with other settings, weights or sources.
        """
        plan = {"format": _FORMAT, **plan}
        former = self.plan()
        if former is None:
            write_json(self.plan_file, plan)
            return
        changed = sorted(key for key in {*plan, *former} if plan.get(key) != former.get(key))
        if changed:
            raise UsageError(
                f"{self.plan_file}: the job was begun with another value of "
                f"{', '.join(changed)}; repeat the command as it was, or name another folder"
            )

    def plan(self) -> dict[str, Any] | None:
        """The plan of the job, or None before its beginning.

        Raises:
            DataError: the file is damaged.
        """
        if not self.plan_file.exists():
            return None
        try:
            plan = parse_json(self.plan_file.read_bytes())
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.plan_file}: damaged ({error}); remove the folder and begin again"
            ) from error
        if not isinstance(plan, dict):
            raise DataError(f"{self.plan_file}: no plan of a job; name another folder")
        return plan

    def summarise(self, parts: Sequence[Part]) -> JobSummary:
        """Check that each picture of each part has its rows, and count them.

        Raises:
            DataError: rows are missing, or too many.
        """
        pyarrow, parquet = require_pyarrow()
        pictures = faces = failed = 0
        for part in parts:
            path = self.rows_file(part.number)
            try:
                table = parquet.read_table(path, columns=["status", "face"])
            except (pyarrow.ArrowException, OSError) as error:
                reason = " ".join(str(error).split())
                raise DataError(
                    f"{path}: cannot be read ({reason}); remove it and resume with `resume=True`"
                ) from error
            statuses, numbers = table["status"].to_pylist(), table["face"].to_pylist()
            found = sum(number in (None, 1) for number in numbers)
            if part.count is not None and found != part.count:
                raise DataError(
                    f"{path}: has rows of {counted(found, 'picture')}, not of {part.count:,}; "
                    "remove it and resume with `resume=True`"
                )
            pictures += found
            faces += sum(number is not None for number in numbers)
            failed += statuses.count("failed")
        summary = JobSummary(
            folder=self.path, parts=len(parts), pictures=pictures, faces=faces, failed=failed
        )
        values = asdict(summary)
        del values["folder"]
        write_json(self.path / SUMMARY, values)
        return summary


def described(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """The sources in a plan."""
    return [
        {
            "name": source.name,
            "base": source.base,
            "fingerprint": source.fingerprint,
            "pictures": source.count,
        }
        for source in sources
    ]
