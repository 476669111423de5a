"""The networks that ``train`` trains first, where a recipe has folds.

Each has a run folder of its own, ``<run>/folds/<round>-<fold>``, and goes on from there as a run
does; one that is finished is not trained again.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utkage.core.reporter import Reporter, SilentReporter
from utkage.models.locate import BEST_NAME
from utkage.workflows.recording import recording

if TYPE_CHECKING:
    from utkage.engines.training.cross_fitting import Fold
    from utkage.engines.training.loop import Setup
    from utkage.engines.training.teachers import Teacher
    from utkage.models.initial import InitialNetwork

FOLDS_FOLDER = "folds"


def train_folds(setup: Setup, reporter: Reporter) -> tuple[Teacher, ...]:
    """Train them all; each is a teacher of the faces that it has not learned from.

    Args:
        setup: Of the run.
        reporter: Shows how far it is.

    Raises:
        TrainingError: as ``engines.training.loop.fit``.
    """
    from utkage.engines.training.cross_fitting import folds_of

    folds = list(folds_of(setup.config, setup.train))
    return tuple(
        train_fold(setup, fold, f"network {place} of {len(folds)} for the folds", reporter)
        for place, fold in enumerate(folds, start=1)
    )


def train_fold(setup: Setup, fold: Fold, label: str, reporter: Reporter) -> Teacher:
    """Train one of them, or take the one that is there.

    Args:
        setup: Of the run.
        fold: Which.
        label: What it is called on the way.
        reporter: Shows how far it is.
    """
    from utkage.engines.training.loop import fit
    from utkage.engines.training.teachers import find_teachers
    from utkage.models.initial import initial_network

    if not _is_trained(setup, fold):
        config = fold.config
        start = initial_network(
            config.init,
            config.backbone,
            config.seed,
            setup.train.part(fold.learned),
            allow_download=config.allow_download,
            age_head=setup.card.age_head,
        )
        own = fold_setup(setup, fold, start)
        reporter.info(f"{label}: learns from {len(own.train)} of {len(setup.train)} faces")
        with recording(own, tensorboard=False) as own:
            fit(start.network, own, reporter)
    best = fold_folder(setup, fold) / BEST_NAME
    (teacher,) = find_teachers([str(best)], setup.train.contract)
    return teacher


def _is_trained(setup: Setup, fold: Fold) -> bool:
    """Whether its run folder is that of a finished training; all processes agree."""
    from utkage.engines.training.checkpoint_folder import CheckpointFolder
    from utkage.engines.training.loop import is_finished

    folder = fold_folder(setup, fold)
    checkpoint = CheckpointFolder(folder).newest(SilentReporter()) if setup.group.is_first else None
    finished = False
    if checkpoint is not None:
        checkpoint.require_identity(fold_identity(setup, fold), folder)
        finished = is_finished(checkpoint.rows, fold.config)
    return setup.group.from_first(finished)


def fold_setup(setup: Setup, fold: Fold, start: InitialNetwork) -> Setup:
    """What the training of one of them needs.

    Args:
        setup: Of the run.
        fold: Which.
        start: Its initial network.
    """
    faces = setup.train.part(fold.learned)
    *_, trained = setup.card.lineage
    card = replace(
        setup.card,
        data={**setup.card.data, "splits": {**setup.card.data["splits"], "train": len(faces)}},
        training={**setup.card.training, "config": fold.config.to_dict()},
        lineage=(*start.lineage, f"{trained}, without fold {fold.name} of {fold.of}"),
    )
    return replace(
        setup,
        config=fold.config,
        card=card,
        identity=fold_identity(setup, fold),
        train=faces,
        learned=np.union1d(start.fingerprints, faces.fingerprints()),
        folder=fold_folder(setup, fold),
        run=setup.folder,
        teachers=(),
    )


def fold_folder(setup: Setup, fold: Fold) -> Path:
    """Where one of them is trained."""
    return setup.folder / FOLDS_FOLDER / fold.name


def fold_identity(setup: Setup, fold: Fold) -> dict[str, object]:
    """What a checkpoint of one of them must agree on to be continued."""
    own = fold.config.to_dict()
    # Initial weights are told by their content there.
    same = {"init", "teachers"}
    changed = {key: own[key] for key in own.keys() & setup.identity.keys() - same}
    return {
        **setup.identity,
        **changed,
        "teachers": [],
        "fold": [fold.round, fold.number, fold.of],
    }
