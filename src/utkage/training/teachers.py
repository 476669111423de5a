"""Teachers: weights whose predictions for the training faces are soft targets (distillation).

Each teacher predicts once, for the chips as they are stored, and its predictions are kept in the
run folder. So a step costs no more with teachers than without, and a resumed run has the same
targets.
"""

from __future__ import annotations

import hashlib
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
from utkage.core.json_text import json_text
from utkage.core.reporter import Reporter
from utkage.data.chips import LabelledChips
from utkage.data.labels import AGE_COUNT
from utkage.faces.contract import CropContract
from utkage.models.card import Card
from utkage.models.locate import resolve_weights
from utkage.prediction.chip_predictor import predict_faces
from utkage.prediction.loading import load_predictor
from utkage.training.batches import SoftTargets

SOFT_TARGETS_NAME = "teacher-{}.safetensors"
# Key of the file's metadata that names teacher and faces.
ABOUT = "about"


@dataclass(frozen=True)
class Teacher:
    """Weights that predict soft targets.

    Attributes:
        identity: Hash of the file.
        fingerprints: Fingerprints of their training images.
    """

    path: Path
    identity: str
    card: Card
    fingerprints: NDArray[np.int32]

    def lineage(self, known: Sequence[str]) -> str:
        """The step of a student's lineage that names this teacher, without ``known`` steps."""
        name = f"distilled from weights {self.identity}"
        # Cards of former versions have another word for it.
        names = (name, f"taught by weights {self.identity}")
        if any(step.startswith(names) for step in known):
            return name
        steps = [step for step in self.card.lineage if step not in known]
        return f"{name}: {'; '.join(steps)}" if steps else name

    def soft_targets(
        self, faces: LabelledChips, device: torch.device, folder: Path, reporter: Reporter
    ) -> SoftTargets:
        """Predictions for faces, averaged over mirrored views, and kept in the run folder."""
        about, path = self._about(faces), folder / SOFT_TARGETS_NAME.format(self.identity)
        kept = _read(path, about, len(faces))
        if kept is not None:
            return kept
        predictor = load_predictor(self.path, device=device)
        label = f"teacher {self.path.stem} predicts"
        predictions = predict_faces(predictor, faces, reporter, label)
        soft_targets = SoftTargets(
            torch.from_numpy(predictions.age_distribution).float(),
            torch.from_numpy(predictions.p_female).float(),
        )
        write_bytes(path, save(soft_targets._asdict(), metadata={ABOUT: about}))
        return soft_targets

    def _about(self, faces: LabelledChips) -> str:
        """Names this teacher, the faces and their order."""
        hashes = "\n".join(faces.pixel_hashes).encode()
        margin = round(faces.contract.margin, 3)
        # Predictions of former versions have no margin in their description.
        chips: dict[str, object] = {"margin": margin} if margin else {}
        chips |= {"size": faces.contract.size, "faces": hashlib.sha256(hashes).hexdigest()}
        return json_text({"teacher": self.identity, **chips})


def open_teachers(choices: Sequence[str], contract: CropContract) -> tuple[Teacher, ...]:
    """Open teachers, chosen as in ``resolve_weights``, for training chips of a crop contract.

    Raises:
        UsageError: no such file, or weights for faces that are cropped differently.
        WeightsError: not a utkage weights file.
    """
    teachers = []
    for choice in choices:
        weights = resolve_weights(choice)
        if contract.width_ratio(weights.card.contract) is None:
            raise UsageError(
                f"teacher {weights.path}: these weights expect faces that are cropped differently "
                "from the training chips; choose another teacher, or prepare the set with this "
                "version"
            )
        teachers.append(
            Teacher(weights.path, weights.file_hash, weights.card, weights.fingerprints)
        )
    return tuple(teachers)


def mean_soft_targets(
    teachers: Sequence[Teacher],
    faces: LabelledChips,
    device: torch.device,
    folder: Path,
    reporter: Reporter,
) -> SoftTargets | None:
    """Mean of the ``soft_targets`` of all teachers; None without teachers."""
    predicted = [teacher.soft_targets(faces, device, folder, reporter) for teacher in teachers]
    if not predicted:
        return None
    ages, genders = (torch.stack(parts).mean(0) for parts in zip(*predicted, strict=True))
    return SoftTargets(ages, genders)


def _read(path: Path, about: str, count: int) -> SoftTargets | None:
    """Kept predictions, if they are of the same teacher for the same ``count`` faces."""
    try:
        with safe_open(path, framework="pt") as file:
            if (file.metadata() or {}).get(ABOUT) != about:
                return None
            found = SoftTargets(*(file.get_tensor(name) for name in SoftTargets._fields))
    except (OSError, SafetensorError):
        # Missing or damaged: compute the predictions again.
        return None
    shapes = ((count, AGE_COUNT), (count,))
    fits = all(
        part.dtype == torch.float32 and part.shape == shape and bool(torch.isfinite(part).all())
        for part, shape in zip(found, shapes, strict=True)
    )
    return found if fits else None
