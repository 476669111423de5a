"""Average the weights of several runs, and move the average towards their common start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import torch

from utkage.core.errors import WeightsError
from utkage.data.store import ChipStore
from utkage.models.averaging import average_states, fold_batch_norms
from utkage.models.batch_norms import restore_batch_norms
from utkage.models.initial import batch_norm_sample, initial_network
from utkage.models.systems import build_multitask
from utkage.models.weights import Weights, save_weights
from utkage.models.weights_files import load_weights


def average_runs(files: Sequence[Path], start: Path, share: float, data: Path, out: Path) -> None:
    """Write the average of ``files``, ``share`` of the way from ``start``, to ``out``.

    Args:
        files: Weights of multi-task networks that were trained from ``start`` on one set.
        start: Their ``init``: faceres, or utkage weights.
        share: 1 is the average of the files, 0 the start.
        data: The prepared set, on which batch norms are measured: those of the start before they
            are folded, and those of the average, so that it can be trained further.
        out: The weights file to write.

    Raises:
        WeightsError: the files hold different networks or were trained on different splits.
    """
    runs = [load_weights(path) for path in files]
    card = runs[0].card
    for path, run in zip(files, runs, strict=True):
        same = (run.card.contract, run.card.data["split_hash"], run.card.age_head)
        if same != (card.contract, card.data["split_hash"], card.age_head):
            raise WeightsError(f"{path}: holds another network or was trained on another split")
    networks = [build_multitask(run, str(path)) for path, run in zip(files, runs, strict=True)]
    chips = ChipStore.open(data).split("train")
    networks.append(
        initial_network(
            str(start),
            card.backbone,
            0,
            chips,
            card.contract,
            allow_download=False,
            age_head=card.age_head,
        ).network.eval()
    )
    for network in networks:
        fold_batch_norms(network)
    shares = [share / len(runs)] * len(runs) + [1 - share]
    average = networks[0]
    average.load_state_dict(average_states([network.state_dict() for network in networks], shares))
    restore_batch_norms(average, batch_norm_sample(chips, card.contract))
    names = ", ".join(path.name for path in files)
    line = (
        f"average of {len(runs)} such trainings ({names}), {share:g} of the way from their start, "
        "with batch norms folded"
    )
    training = {f"run {index}": run.card.training for index, run in enumerate(runs, start=1)}
    card = replace(card, training=training, lineage=(*card.lineage, line), metrics={})
    seen = reduce(np.union1d, (run.fingerprints.numpy() for run in runs))
    save_weights(out, Weights(card, average.state_dict(), torch.from_numpy(seen.astype(np.int32))))
    print(f"{out}: {line}")
