"""``utkage predict --cluster``: the options it takes, and what it reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from utkage.cli.option_names import as_options
from utkage.core.errors import ExitCode, UsageError
from utkage.core.text import counted

if TYPE_CHECKING:
    from utkage.core.reporter import Reporter


def reason_as_options(reason: str) -> str:
    """The reason of a failed row with the options of ``predict``, in any process.

    >>> reason_as_options("http://a/b.jpg: reading an address needs `allow_download=True`")
    'http://a/b.jpg: reading an address needs --allow-download'
    """
    # Imports this module.
    from utkage.cli.app import app

    command = typer.main.get_command(app).commands["predict"]  # type: ignore[attr-defined]
    with command.make_context("predict", [], resilient_parsing=True):
        return as_options(reason)


def predict_inputs_on_cluster(
    sources: Sequence[str],
    cluster: str,
    out: Path | None,
    settings: Mapping[str, Any],
    *,
    resume: bool,
    others: Mapping[str, object],
    reporter: Reporter,
) -> None:
    """Run the job, report what it found, and end with the exit code of ``predict``.

    Args:
        sources: Inputs of the command.
        cluster: As in ``ClusterRequest``.
        out: Output folder.
        settings: Those of ``predict``; ``workers`` is the largest number of workers.
        resume: Whether to continue the job in the output folder.
        others: Options without a meaning here, by name; those with a value are refused.
        reporter: Receives the progress.
    """
    from utkage.cluster.predict_on_cluster import ClusterRequest, predict_on_cluster

    if out is None:
        raise UsageError("--cluster needs --out FOLDER, which gets Parquet files with the rows")
    values = dict(settings)
    for name, value in others.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"--cluster and {option} exclude each other; leave one out")
    request = ClusterRequest(
        sources=tuple(sources),
        out=out,
        cluster=cluster,
        most_workers=values.pop("workers", None),
        resume=resume,
        reason_text=reason_as_options,
        **values,
    )
    summary = predict_on_cluster(request, reporter)
    faces, pictures = counted(summary.faces, "face"), counted(summary.pictures, "picture")
    reporter.info(f"rows: {out} ({faces} in {pictures}, {counted(summary.parts, 'file')})")
    if summary.failed:
        reporter.warn(
            f"{counted(summary.failed, 'input')} could not be read; see the reasons in rows"
        )
        raise typer.Exit(ExitCode.SOME_INPUTS_FAILED)
