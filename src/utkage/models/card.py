"""The card: the description of weights, stored as JSON in their file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any

from utkage.core.errors import ConfigError, WeightsError
from utkage.core.setting_checks import require_choice
from utkage.faces.contract import CropContract
from utkage.models.calibration import Calibration

FORMAT = "utkage weights"
FORMAT_VERSION = 1

WHOLE_YEAR_MEDIAN = "whole-year median"
POINT_ESTIMATES = ("median", "mean", WHOLE_YEAR_MEDIAN)
AGE_HEADS = ("softmax", "coral", "corn")

RESEARCH_TERMS = (
    "Weights inherit the terms of their training data and of every step of their lineage. UTKFace, "
    "VGGFace2 and IMDB-WIKI are for non-commercial research only, All-Age-Faces is for research "
    "with citation (Cheng et al. 2019); weights that descend from any of them are for "
    "non-commercial research."
)


@dataclass(frozen=True, kw_only=True)
class Card:
    """Description of weights: architecture, origin and accuracy.

    Attributes:
        system: Kind of model, a key of ``models.systems.SYSTEMS``.
        backbone: Name in the backbone registry.
        contract: Geometry and value range of the input chips.
        point_estimate: Age estimate from the distribution: ``"median"``, interpolated within its
            year; ``"mean"``; or ``"whole-year median"``, the first year up to which half of it
            lies.
        age_head: Kind of age head (``models/age_heads.py``); ``"softmax"`` in cards without it.
        data: Name, size and hashes of the data, and its split.
        training: Command, configuration, epochs and dates.
        metrics: Metrics by split, each with its n.
        lineage: Origins of the initial weights, oldest first.
        terms: Terms of use.
        versions: Versions of utkage, torch and Python at the time of training.
        limits: Descriptions of known failures.
        repetitions: Results of repeated trainings with the recipe of these weights.
        calibration: Temperatures and conformal levels; None if none were fitted.
    """

    system: str
    backbone: str
    contract: CropContract
    point_estimate: str = "median"
    age_head: str = "softmax"
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    lineage: tuple[str, ...] = ()
    terms: str = RESEARCH_TERMS
    versions: dict[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
    repetitions: tuple[str, ...] = ()
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        require_choice(self, "point_estimate", POINT_ESTIMATES)
        require_choice(self, "age_head", AGE_HEADS)

    def with_metrics(self, split: str, metrics: dict[str, Any]) -> Card:
        """A copy with the metrics of one split added or replaced."""
        return replace(self, metrics={**self.metrics, split: metrics})

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary, with the format and its version first."""
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            **{entry.name: getattr(self, entry.name) for entry in fields(self)},
            "contract": self.contract.to_json(),
            "calibration": None if self.calibration is None else self.calibration.to_json(),
        }

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, origin: str) -> Card:
        """Read a card; ``origin`` names the file in errors.

        Raises:
            WeightsError: not a card, of a newer version, or with missing fields.
        """
        try:
            value = json.loads(text)
            if value["format"] != FORMAT:
                raise KeyError("format")
            if value["version"] != FORMAT_VERSION:
                raise WeightsError(
                    f"{origin}: card version {value['version']}, this utkage reads "
                    f"{FORMAT_VERSION}; upgrade it"
                )
            # Older files lack these keys.
            value = {"age_head": "softmax", "repetitions": (), "calibration": None} | value
            content = {entry.name: value[entry.name] for entry in fields(cls)}
            for name in ("lineage", "limits", "repetitions"):
                content[name] = tuple(content[name])
            content["contract"] = CropContract.from_json(content["contract"])
            if content["calibration"] is not None:
                content["calibration"] = Calibration.from_json(content["calibration"])
            return cls(**content)
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise WeightsError(f"{origin}: its card is damaged ({error!r})") from error
