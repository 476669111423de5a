"""Teachers: weights whose answers for the training faces are learned besides their labels.

Each answers once, for the chips as they are stored, and its answers are kept in the run folder, so
a step costs no more with teachers than without and a run that goes on learns the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from utkage.core.errors import UsageError
from utkage.core.files import write_bytes
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.faces.contract import CropContract
from utkage.models.card import Card
from utkage.models.locate import resolve_weights
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor
from utkage.training.targets import SoftTargets

SOFT_TARGETS_NAME = "teacher-{}.safetensors"
ABOUT = "about"


@dataclass(frozen=True)
class Teacher:
    """Weights that teach.

    Attributes:
        path: Their file.
        identity: Names them by their content.
        card: Theirs.
        fingerprints: Of the pictures that they learned from.
    """

    path: Path
    identity: str
    card: Card
    fingerprints: NDArray[np.int32]

    def lineage(self, known: Sequence[str]) -> str:
        """What the weights that learn from it say of it.

        Args:
            known: Steps of their lineage that are said already.
        """
        name = f"taught by weights {self.identity}"
        if any(step.startswith(name) for step in known):
            return name
        steps = [step for step in self.card.lineage if step not in known]
        return f"{name}: {'; '.join(steps)}" if steps else name

    def soft_targets(
        self, faces: LabelledChips, device: torch.device, folder: Path, reporter: Reporter
    ) -> SoftTargets:
        """Its answers for faces, mirrored chips averaged in; kept in a run folder.

        Args:
            faces: The training split, n of them.
            device: Where to compute.
            folder: Holds the answers afterwards, and is asked for them first.
            reporter: Shows how far it is.
        """
        about, path = self._about(faces), folder / SOFT_TARGETS_NAME.format(self.identity)
        kept = _read(path, about)
        if kept is not None:
            return kept
        predictor = load_predictor(self.path, device=device)
        answers = predict_faces(predictor, faces, reporter, f"asking teacher {self.path.stem}")
        soft_targets = SoftTargets(
            torch.from_numpy(answers.age_distribution).float(),
            torch.from_numpy(answers.p_female).float(),
        )
        write_bytes(path, save(soft_targets._asdict(), metadata={ABOUT: about}))
        return soft_targets

    def _about(self, faces: LabelledChips) -> str:
        """Whose answers these are, for which faces in which order."""
        names = "\n".join(faces.pixel_hashes).encode()
        chips = {"size": faces.contract.size, "faces": hashlib.sha256(names).hexdigest()}
        return json.dumps({"teacher": self.identity, **chips})


def open_teachers(choices: Sequence[str], contract: CropContract) -> tuple[Teacher, ...]:
    """The teachers that a recipe names.

    Args:
        choices: Each as in ``models.locate.resolve_weights``.
        contract: Of the training chips.

    Raises:
        UsageError: no such file, or weights that want their faces cut otherwise.
        WeightsError: not a file of ours.
    """
    teachers = []
    for choice in choices:
        weights = resolve_weights(choice)
        if not weights.card.contract.fits(contract):
            raise UsageError(
                f"teacher {weights.path}: wants its faces cut otherwise than these chips are; take "
                "another teacher, or prepare the set with this version"
            )
        teachers.append(
            Teacher(weights.path, weights.file_hash, weights.card, weights.fingerprints)
        )
    return tuple(teachers)


def ask(
    teachers: Sequence[Teacher],
    faces: LabelledChips,
    device: torch.device,
    folder: Path,
    reporter: Reporter,
) -> SoftTargets | None:
    """The mean of what all teachers answer; None where there is none.

    Args:
        teachers: Who is asked.
        faces: As in ``Teacher.soft_targets``, like all that follow.
        device: Where to compute.
        folder: Keeps the answers.
        reporter: Shows how far it is.
    """
    all_soft_targets = [
        teacher.soft_targets(faces, device, folder, reporter) for teacher in teachers
    ]
    if not all_soft_targets:
        return None
    ages, genders = (torch.stack(parts).mean(0) for parts in zip(*all_soft_targets, strict=True))
    return SoftTargets(ages, genders)


def _read(path: Path, about: str) -> SoftTargets | None:
    """Kept answers, if they are those that are wanted."""
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get(ABOUT) != about:
                return None
            return SoftTargets(*(file.get_tensor(name) for name in SoftTargets._fields))
    except (OSError, SafetensorError):
        # Not there or damaged: the teacher can be asked again.
        return None
