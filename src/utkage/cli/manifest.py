"""``utkage manifest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from utkage.cli.options import Debug, FollowLinks, Overwrite, Quiet, output_option
from utkage.cli.session import session


def manifest_command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of the pictures; subfolders too.", metavar="FOLDER")
    ],
    out: Annotated[
        Path,
        output_option("--out", "-o", help="Manifest to write: .jsonl or .parquet.", metavar="FILE"),
    ] = Path("pictures.jsonl"),
    follow_links: FollowLinks = True,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the pictures of a folder in a file, for predict --cluster.

    Listing millions of files takes long, so it is done once. Paths are relative to the folder of
    the manifest, unless FOLDER is absolute.
    """
    with session(quiet=quiet, debug=debug, prints=False) as reporter:
        from utkage.cluster.manifest import write_manifest
        from utkage.core.text import counted

        count = write_manifest(
            folder, out, overwrite=overwrite, follow_links=follow_links, reporter=reporter
        )
        reporter.info(f"manifest: {out} ({counted(count, 'picture')})")
