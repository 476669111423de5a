"""Comparing the labels of a table with those in the names of the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from utkage.data.labels import FaceLabel
from utkage.data.names.registry import label_in_name, recognise_grammar

# Tables may correct single labels. If more than this share differs, the table is wrong.
TOLERATED_SHARE = 0.1
# Differences of a few years are corrections, or ages at another date.
_AGE_TOLERANCE = 5


@dataclass(frozen=True)
class Contradictions:
    """How the labels of a table differ from those in the names.

    Attributes:
        grammar: Name of the data set whose grammar the names follow.
        compared: Number of pictures whose name contains a label.
        genders: Number of pictures whose two genders differ.
        both_genders: Number of pictures of which both labels have a gender.
        ages: Number of pictures whose ages are far apart.
        example: A picture that differs, with both labels; empty if none does.
    """

    grammar: str
    compared: int
    genders: int
    both_genders: int
    ages: int
    example: str

    @property
    def too_many(self) -> bool:
        """Whether they are more than corrections."""
        return max(self.genders, self.ages) > TOLERATED_SHARE * self.compared

    @property
    def text(self) -> str:
        """A sentence, such as "gender differs in 10 of 10 rows"; empty if nothing differs."""
        parts = []
        if self.genders:
            inverted = self.genders > 0.5 * self.both_genders
            hint = " (is it coded the other way round?)" if inverted else ""
            parts.append(f"gender differs in {self.genders} of {self.both_genders} rows{hint}")
        if self.ages:
            parts.append(
                f"age differs by more than {_AGE_TOLERANCE} years in {self.ages} of "
                f"{self.compared} rows"
            )
        if not parts:
            return ""
        return (
            f"contradicts the labels in the {self.grammar} names of the pictures: "
            f"{' and '.join(parts)}, such as {self.example}"
        )


def find_contradictions(labels: Mapping[str, FaceLabel]) -> Contradictions | None:
    """Compare labels with the names of the pictures.

    Args:
        labels: Labels of a table by path of the picture.

    Returns:
        The differences; None if the names follow no known grammar.
    """
    grammar = recognise_grammar(tuple(labels))
    if grammar is None:
        return None
    compared = genders = both = ages = 0
    example = ""
    for path, label in labels.items():
        named = label_in_name(path, grammar)
        if named is None:
            continue
        compared += 1
        has_both = label.gender is not None and named.gender is not None
        gender_differs = has_both and label.gender != named.gender
        age_differs = _years_apart(label, named) > _AGE_TOLERANCE
        both += has_both
        genders += gender_differs
        ages += age_differs
        if (gender_differs or age_differs) and not example:
            example = f"{path.rpartition('/')[2]} labelled {_text(label)}"
    return Contradictions(grammar.name, compared, genders, both, ages, example)


def _years_apart(first: FaceLabel, second: FaceLabel) -> int:
    """Years between the ages that two labels allow; 0 if they overlap or one is unknown."""
    if first.years is None or second.years is None:
        return 0
    return max(0, first.years.first - second.years.last, second.years.first - first.years.last)


def _text(label: FaceLabel) -> str:
    age = "" if label.years is None else f"age {label.years.name}"
    gender = "" if label.gender is None else ("male", "female")[label.gender]
    return ", ".join(part for part in (age, gender) if part)
