"""``EvaluateRequest``: what one evaluation measures, and on which faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import ConfigError
from utkage.data.labels import MAX_AGE
from utkage.data.split import SPLITS
from utkage.evaluation.age_checks.guarantee_report import YOUNGEST_YEARS
from utkage.evaluation.age_checks.guaranteed_demand import Guarantee, require_youngest
from utkage.evaluation.inputs.labelled_faces import FaceSelection
from utkage.evaluation.robustness.corruption_errors import SAMPLE

DEFAULT_REPORT = Path("evaluation")


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest(FaceSelection):
    """Measurements to take, and the faces to take them on (the fields of ``FaceSelection``).

    Attributes:
        weights: As in ``open_prediction_source``: weights, an exported ONNX file, or a CSV of
            another program's predictions.
        device: As in ``core.device.resolve_device``.
        flip: Average each prediction with that for the mirrored chip.
        out: Folder for ``metrics.json``, ``predictions.csv`` and charts.
        plot_cm: Draw the confusion matrix of the age ranges.
        report: Draw every chart and write the page, the model card and, with pyarrow,
            ``predictions.parquet``.
        compare: Other weights, exported files or tables, scored on the same faces.
        threshold: Measure the error rates of passing or failing at this age; None: do not.
        max_false_pass: Choose the demand at ``threshold`` such that at most this share of the
            minors passes, as in ``Guarantee``; None: do not.
        confidence: Probability with which that holds.
        youngest: Youngest age of those minors, and of those of ``challenge``, years; None: five
            years under ``threshold``.
        guarantee_by: Axes whose groups each have such a demand, as in ``axes.chosen_axes``.
        simulate: Check by simulation how often the promise of ``max_false_pass`` holds.
        challenge: Challenge ages, years, of ``threshold`` or older: measure who is estimated at
            or over them, by true age and group.
        demand: Levels of P(age >= ``threshold``), above 0 to 1, that are measured beside the
            challenge ages; empty: that of ``max_false_pass``, else one half.
        group_by: Further axes of groups, as in ``axes.chosen_axes``: columns of the label file and
            crossings.
        person_column: Further column of the label file that says who is in each picture: measure
            the spread within persons, and resample persons instead of pictures; None: do not.
        stress: Measure errors on corrupted chips of a sample, of all faces and by group.
        stress_faces: Number of faces in that sample, at least 1.
        allow_suspicious: Score predictions that the guards would refuse.
        resamples: Number of bootstrap resamples.
        seed: Seed of the bootstrap.
        command: The command line, for the report.
        overwrite: Whether files in ``out`` that are not of an earlier report may be replaced.
        csv_safe: Whether spreadsheets must not take texts in ``predictions.csv`` for formulas.
    """

    weights: str = "auto"
    device: str = "auto"
    flip: bool = True
    out: Path = DEFAULT_REPORT
    plot_cm: bool = False
    report: bool = False
    compare: tuple[str, ...] = ()
    threshold: int | None = None
    max_false_pass: float | None = None
    confidence: float = 0.95
    youngest: int | None = None
    guarantee_by: tuple[str, ...] = ()
    simulate: bool = False
    challenge: tuple[int, ...] = ()
    demand: tuple[float, ...] = ()
    group_by: tuple[str, ...] = ()
    person_column: str | None = None
    stress: bool = False
    stress_faces: int = SAMPLE
    allow_suspicious: bool = False
    resamples: int = 2000
    seed: int = 0
    command: str = ""
    overwrite: bool = False
    csv_safe: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split not in (*SPLITS, "all"):
            raise ConfigError(f"`split` {self.split}: choose one of {', '.join(SPLITS)}, all")
        if self.threshold is not None and not 1 <= self.threshold <= 116:
            raise ConfigError(f"`threshold` {self.threshold}: use an age of 1 to 116")
        if self.resamples < 100:
            raise ConfigError(f"`resamples` {self.resamples}: use at least 100")
        if self.stress_faces < 1:
            raise ConfigError(f"`stress_faces` {self.stress_faces}: use 1 or more")
        if self.stress_faces != SAMPLE and not self.stress:
            raise ConfigError("`stress_faces` is for `stress`")
        if self.max_false_pass is not None and self.threshold is None:
            raise ConfigError("`max_false_pass` needs a `threshold`, such as `threshold=18`")
        for name in ("confidence", "guarantee_by", "simulate"):
            is_default = getattr(self, name) == type(self).__dataclass_fields__[name].default
            if self.max_false_pass is None and not is_default:
                raise ConfigError(f"`{name}` is for `max_false_pass`")
        if self.youngest is not None and self.max_false_pass is None and not self.challenge:
            raise ConfigError("`youngest` is for `max_false_pass` and `challenge`")
        self._check_challenge()
        if self.max_false_pass is not None and self.allow_seen:
            raise ConfigError(
                "`max_false_pass` with `allow_seen`: training images say nothing about new faces, "
                "so no promise can be based on them; leave them out with `skip_seen=True`"
            )
        _ = self.guarantee

    def _check_challenge(self) -> None:
        if self.demand and not self.challenge:
            raise ConfigError("`demand` is for `challenge`")
        if not self.challenge:
            return
        if self.threshold is None:
            raise ConfigError("`challenge` needs a `threshold`, such as `threshold=18`")
        for age in self.challenge:
            if not self.threshold <= age <= MAX_AGE:
                raise ConfigError(
                    f"`challenge` {age}: use an age from the `threshold`, {self.threshold}, to "
                    f"{MAX_AGE}"
                )
        for share in self.demand:
            if not 0 < share <= 1:
                raise ConfigError(f"`demand` {share:g}: use a number above 0, up to 1")
        require_youngest(self.youngest_minor, self.threshold)

    @property
    def youngest_minor(self) -> int:
        """Youngest age of the minors of ``max_false_pass`` and ``challenge``, years."""
        if self.youngest is not None:
            return self.youngest
        return max(0, (self.threshold or 0) - YOUNGEST_YEARS)

    @property
    def guarantee(self) -> Guarantee | None:
        """The promise of ``max_false_pass``; None if it was not requested.

        Raises:
            UsageError: a value is out of range.
        """
        if self.max_false_pass is None or self.threshold is None:
            return None
        return Guarantee(
            age=self.threshold,
            youngest=self.youngest_minor,
            max_false_pass=self.max_false_pass,
            confidence=self.confidence,
        )
