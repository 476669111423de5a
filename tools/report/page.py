"""``ReportPage``: one measured part of the documents."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from tools.documents import Block


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """How some blocks of a document are measured.

    Attributes:
        name: Name on the command line.
        summary: One line of help.
        document: The file below docs/ that has the blocks, or a function of the options that
            returns it; empty if the page is only printed.
        add_options: Adds the options of the page to a parser.
        measure: Measures, given the parsed options; returns the blocks by name.
    """

    name: str
    summary: str
    document: str | Callable[[argparse.Namespace], str]
    add_options: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[argparse.Namespace], dict[str, Block]]

    def document_for(self, options: argparse.Namespace) -> str:
        """The file below docs/ that is written with these options."""
        return self.document if isinstance(self.document, str) else self.document(options)
