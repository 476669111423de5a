"""The card: the description of weights, stored as JSON in their file."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from utkage.core.errors import ConfigError, WeightsError
from utkage.core.fields import Fields
from utkage.core.json_text import json_text, parse_json
from utkage.core.setting_checks import require_choice
from utkage.faces.contract import CropContract
from utkage.models.calibration import Calibration
from utkage.models.normalisation import require_true_normalisation

FORMAT = "utkage weights"
FORMAT_VERSION = 1

WHOLE_YEAR_MEDIAN = "whole-year median"
POINT_ESTIMATES = ("median", "mean", WHOLE_YEAR_MEDIAN)
WHOLE, ENLARGED = "whole", "enlarged"
MIRRORED_VIEWS = (WHOLE, ENLARGED)
AGE_HEADS = ("softmax", "coral", "corn")

# Longest card, characters. That of the shipped weights has 60,000.
LONGEST = 8 * 1024**2

_FORMER_VALUES: dict[str, Any] = {
    "age_head": "softmax",
    "mirrored_view": WHOLE,
    "repetitions": [],
    "calibration": None,
}

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
        mirrored_view: What flip averaging shows of the mirrored chip: ``"whole"``, also in cards
            without it, or ``"enlarged"`` (``chip_graph.enlarged``).
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
    mirrored_view: str = WHOLE
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
        require_choice(self, "mirrored_view", MIRRORED_VIEWS)

    def with_metrics(self, split: str, metrics: dict[str, Any]) -> Card:
        """A copy with the metrics of one split added or replaced."""
        return replace(self, metrics={**self.metrics, split: metrics})

    @property
    def sources(self) -> list[str]:
        """Names of the sources that the weights were trained on; empty if none are recorded."""
        return [name for name in str(self.data.get("source", "")).split("+") if name]

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
        return json_text(self.to_dict())

    @classmethod
    def from_json(cls, text: str, origin: str) -> Card:
        """Read a card; ``origin`` names the file in errors.

        Raises:
            WeightsError: not a card, of a newer version, with values that are missing, of another
                type or out of range, or with the normalisation of another network.
        """
        try:
            found = Fields.of(parse_json(text, longest=LONGEST))
            found.choice("format", (FORMAT,))
            if (version := found.whole("version")) != FORMAT_VERSION:
                raise WeightsError(
                    f"{origin}: card version {version}, this utkage reads {FORMAT_VERSION}; "
                    "upgrade it"
                )
            # Older files lack these keys.
            return cls._read(Fields({**_FORMER_VALUES, **found.values}))
        except (ValueError, ConfigError) as error:
            raise WeightsError(
                f"{origin}: its card is damaged ({error}); copy the file again, or use other "
                "weights"
            ) from error

    @classmethod
    def _read(cls, found: Fields) -> Card:
        """The card in a JSON object; ``ValueError`` and ``ConfigError`` say what is wrong."""
        calibration = found.values["calibration"]
        card = cls(
            system=found.text("system"),
            backbone=found.text("backbone"),
            contract=CropContract.from_json(found.table("contract")),
            point_estimate=found.choice("point_estimate", POINT_ESTIMATES),
            age_head=found.choice("age_head", AGE_HEADS),
            mirrored_view=found.choice("mirrored_view", MIRRORED_VIEWS),
            data=found.table("data"),
            training=found.table("training"),
            metrics={
                split: found.fields("metrics").table(split) for split in found.table("metrics")
            },
            lineage=found.texts("lineage"),
            terms=found.text("terms"),
            versions={name: str(each) for name, each in found.table("versions").items()},
            limits=found.texts("limits"),
            repetitions=found.texts("repetitions"),
            calibration=None if calibration is None else Calibration.from_json(calibration),
        )
        require_true_normalisation(card.system, card.backbone, card.contract)
        return card
