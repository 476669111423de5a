"""The table and the chart of who loses most when pictures get worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from utkage.core.text import printable
from utkage.evaluation.groups.group_metrics import COMPARABLE
from utkage.evaluation.metrics.registry import SHARE, YEARS
from utkage.evaluation.reports.cells import estimate_cell, number_cell
from utkage.evaluation.robustness.corruption_errors import RobustnessReport
from utkage.evaluation.robustness.group_losses import CAVEAT, GroupLoss, Loss, worst_first
from utkage.reporting.figure_files import CHART_WIDTH, new_figure
from utkage.reporting.table import Cell, Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ALL_CORRUPTIONS = "all corruptions"
# Groups that the chart shows, so that a column of many values does not make it endless.
_MOST_GROUPS = 40


def losses_table(report: RobustnessReport, count: int | None = None) -> Table:
    """Groups and corruptions, those that lose most beyond all faces first; ``count`` limits them.

    With ``count``, groups with too few faces to compare are left out.
    """
    labels = {factor.name: factor.label for factor in report.factors}
    rows: list[Row] = []
    muted = []
    for line in worst_first(report.groups):
        group, loss = line.group, line.loss
        if count is not None and (len(rows) == count or group.n < COMPARABLE):
            break
        if group.small:
            muted.append(len(rows))
        rows.append(
            (
                f"{group.label} (few faces)" if group.small else group.label,
                number_cell(group.n),
                ALL_CORRUPTIONS if line.corruption is None else labels[line.corruption],
                estimate_cell(loss.mae_rise, YEARS),
                _excess_cell(group, loss),
                estimate_cell(loss.gender_loss, SHARE),
            )
        )
    columns = (
        *("group", "n", "corruption (mean of its strengths)", "rise of the MAE, years"),
        *("beyond the rise of all faces, years", "loss of gender accuracy"),
    )
    return Table.of("who loses most", columns, rows, muted=muted, note=CAVEAT)


def _excess_cell(group: GroupLoss, loss: Loss) -> Cell:
    """The rise beyond that of all faces; emphasised where ``_stands_out``."""
    found = loss.excess_rise
    if found is None:
        return Cell("-")
    cell = estimate_cell(found, YEARS)
    return Cell(cell.text, cell.value, emphasised=_stands_out(group, loss))


def _stands_out(group: GroupLoss, loss: Loss) -> bool:
    """Whether the interval lies above 0; those of few faces are too narrow to say so."""
    if group.small:
        return False
    return loss.excess_rise is not None and (loss.excess_rise.low or 0) > 0


def losses_chart(report: RobustnessReport) -> Figure:
    """Rise of the MAE by group and corruption, beyond that of all faces.

    Darker cells lose more; bold numbers have an interval above 0, in groups of enough faces. Of
    many groups, the largest are shown.
    """
    least = sorted((group.n for group in report.groups), reverse=True)[:_MOST_GROUPS][-1]
    groups = [group for group in report.groups if group.n >= least][:_MOST_GROUPS]
    columns = (ALL_CORRUPTIONS, *(factor.label for factor in report.factors))
    losses = [[group.mean, *(found.mean for found in group.corruptions)] for group in groups]
    values = np.array([[_excess(loss) for loss in own] for own in losses])
    figure = new_figure(1.8 * CHART_WIDTH, 2.0 + 0.26 * len(groups))
    axes = figure.subplots()
    top = max(1.0, float(np.nanmax(np.abs(values))))
    cells = axes.imshow(values, cmap="PuOr_r", vmin=-top, vmax=top, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        weight = "bold" if _stands_out(groups[row], losses[row][column]) else "normal"
        colour = "white" if abs(value) > 0.6 * top else "black"
        axes.text(
            column,
            row,
            f"{value:+.1f}",
            color=colour,
            weight=weight,
            ha="center",
            va="center",
            fontsize=7,
        )
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(groups)), _names(groups), fontsize=8)
    figure.colorbar(cells, ax=axes, label="years beyond all faces", shrink=0.8)
    axes.set_title("Rise of the MAE by group (bold: 95 % interval above 0)", fontsize=10)
    return figure


def _excess(loss: Loss) -> float:
    found = None if loss.excess_rise is None else loss.excess_rise.value
    return np.nan if found is None else found


def _names(groups: Sequence[GroupLoss]) -> list[str]:
    few = {True: ", few faces", False: ""}
    return [printable(f"{group.label} (n = {group.n}{few[group.small]})") for group in groups]
