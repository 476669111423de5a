"""A record of the attempts at one part, by which a picture that kills workers is found.

A picture can end its process: a fault in a decoder, or memory. Ray starts another worker, which
would end as well. The record tells the next worker that the part has ended one before; it then
predicts one picture after the other and notes each, so the one that ends it is known.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import TracebackType

_START = "start"


class Attempts:
    """The record of one part: a file that is there while the part is unfinished.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "000000"
    >>> for _ in range(2):
    ...     attempts = Attempts(path)
    ...     attempts.begin()
    ...     attempts.note(7)  # and the process ends here
    >>> Attempts(path).ended, Attempts(path).ended_at(7), Attempts(path).ended_at(8)
    (2, 2, 0)

    Attributes:
        ended: Number of earlier attempts, all of which ended without finishing the part.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ended = 0
        self._last: Counter[int] = Counter()
        text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
        for attempt in text.split(f"{_START}\n")[1:]:
            self.ended += 1
            # The last line may be incomplete.
            noted = [line for line in attempt.split("\n")[:-1] if line.isdigit()]
            if noted:
                self._last[int(noted[-1])] += 1

    def ended_at(self, index: int) -> int:
        """How many attempts ended while this picture of the part was predicted alone."""
        return self._last[index]

    def begin(self) -> None:
        """Note that an attempt begins."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._append(_START)

    def note(self, index: int) -> None:
        """Note that this picture of the part is about to be predicted alone."""
        self._append(str(index))

    def finish(self) -> None:
        """Remove the record: the part is finished, or failed with an error that is no crash."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Attempts:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    def _append(self, line: str) -> None:
        # Written at once: a process that is killed loses what it has buffered.
        with self._path.open("a", encoding="ascii") as file:
            file.write(f"{line}\n")
