"""Which column of a table is which: titles of many data sets and languages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from utkage.core.errors import ConfigError
from utkage.data.label_files.titles import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    GENDER,
    IMAGE,
    PATH,
    PIXELS,
    ROLES,
    TITLES,
)
from utkage.images.containers.path_titles import simple_title
from utkage.images.formats import IMAGE_SUFFIXES

# Titles of the predictions of this and other programs, which are not labels.
PREDICTIONS = (
    *("p_female", "predicted_age", "age_pred", "pred_age", "gender_confidence"),
    *("predicted_gender", "pred_gender", "gender_pred", "estimated_age"),
)

# The only title with one of these words names the role, unless it has one of the words below.
_WORDS = {AGE: ("age",), GENDER: ("gender", "sex")}
_OTHER_WORDS = ("std", "num", "count", "score", "conf", "confidence", "prob", "pred", "predicted")
# Number of rows that are searched for names of pictures, to find the column of paths.
_SAMPLE = 50
# A title whose spelling is more similar than this is probably meant.
_ALIKE = 0.75


@dataclass(frozen=True)
class Columns:
    """The title of the column of each role, as the table spells it."""

    by_role: Mapping[str, str]

    def title(self, role: str) -> str | None:
        """The title of the column that holds ``role``, or None if there is none."""
        return self.by_role.get(role)

    @property
    def has_age(self) -> bool:
        """Whether a column, or a pair of columns, holds ages."""
        return AGE in self.by_role or {AGE_LOW, AGE_HIGH} <= set(self.by_role)

    @property
    def are_labels(self) -> bool:
        """Whether the columns name pictures and at least one of age and gender."""
        pictures = any(role in self.by_role for role in (PATH, PIXELS, IMAGE))
        return pictures and (self.has_age or GENDER in self.by_role)


def find_columns(
    titles: Sequence[str],
    chosen: Mapping[str, str],
    samples: Sequence[Mapping[str, str]] = (),
    image_title: str | None = None,
) -> Columns:
    """Find the columns of all roles.

    Args:
        titles: Titles of the table, lower case.
        chosen: Titles by role that the user gave; a number is the place of a column, from 1.
        samples: Cells of some lines. If several titles may be that of the path, the first whose
            cells look like names of pictures is it.
        image_title: Column that holds encoded pictures, or None.

    Raises:
        ConfigError: ``chosen`` names an unknown role or a column that is not there.
    """
    found = dict(_recognised(titles, samples))
    if image_title is not None:
        found[IMAGE] = image_title
    for role, title in chosen.items():
        if role not in ROLES:
            raise ConfigError(f"`columns` {role}={title}: choose from {', '.join(ROLES)}")
        found[role] = _chosen_title(role, title, titles)
    if AGE in chosen:
        for role in {AGE_LOW, AGE_HIGH} - set(chosen):
            found.pop(role, None)
    return Columns(found)


def _chosen_title(role: str, title: str, titles: Sequence[str]) -> str:
    wanted = title.strip().lower()
    if wanted in titles:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(titles):
        return titles[int(wanted) - 1]
    near = nearest(wanted, titles)
    hint = f"; did you mean {near}?" if near else ""
    raise ConfigError(
        f"`columns` {role}={title}: there is no such column among {listed(titles)}{hint}"
    )


def _recognised(
    titles: Sequence[str], samples: Sequence[Mapping[str, str]]
) -> Iterable[tuple[str, str]]:
    by_simple: dict[str, list[str]] = {}
    for title in titles:
        by_simple.setdefault(simple_title(title), []).append(title)
    if any(title in by_simple for title in PREDICTIONS):
        return
    for role, names in TITLES.items():
        alike = [by_simple[name] for name in names if name in by_simple]
        # The preferred title of a role may not occur twice.
        if role in (PATH, AGE, GENDER) and alike and len(alike[0]) > 1:
            return
        present = [spellings[0] for spellings in alike if len(spellings) == 1]
        if not present and role in _WORDS:
            present = _of_one_word(role, titles)
        if role == PATH:
            named = [title for title in present if _holds_paths(title, samples)]
            present = named or present
        if present:
            yield role, present[0]


def _holds_paths(title: str, samples: Sequence[Mapping[str, str]]) -> bool:
    texts = [line.get(title, "").lower() for line in samples[:_SAMPLE]]
    return any(text.endswith(IMAGE_SUFFIXES) for text in texts)


def _of_one_word(role: str, titles: Iterable[str]) -> list[str]:
    """The only title with the role as one of its words, such as ``person_age``; else nothing."""
    ends = (*TITLES[AGE_LOW], *TITLES[AGE_HIGH])
    alike = [
        title
        for title in titles
        if set(simple_title(title).split("_")) & set(_WORDS[role])
        and not set(simple_title(title).split("_")) & set(_OTHER_WORDS)
        and simple_title(title) not in ends
    ]
    return alike if len(alike) == 1 else []


def nearest(title: str, candidates: Iterable[str]) -> str | None:
    """The candidate that is spelled most like ``title``, or None if none is."""
    return next(iter(difflib.get_close_matches(title, list(candidates), 1, 0.6)), None)


def listed(titles: Sequence[str]) -> str:
    """Titles of a header for a message, at most a dozen."""
    shown = [ascii(title).strip("'") if not title.isprintable() else title for title in titles]
    shown = [title if len(title) <= 30 else f"{title[:30]}..." for title in shown]
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    return ", ".join(shown[:12]) + more


def suggestion(titles: Sequence[str]) -> str:
    """A value of ``columns`` for titles that were not understood, from the nearest known ones.

    >>> suggestion(("image", "agee", "gendr"))
    'path=image,age=agee,gender=gendr'
    """
    repeated = len(set(titles)) < len(titles)
    exact_titles = {
        title for title in titles if any(simple_title(title) in TITLES[r] for r in TITLES)
    }
    left = list(dict.fromkeys(titles))
    pairs = []
    for role in (PATH, AGE, GENDER):
        exact = [title for title in left if simple_title(title) in TITLES[role]]
        near = sorted(
            (
                title
                for title in left
                if title not in exact_titles and _likeness(title, role) >= _ALIKE
            ),
            key=lambda title: -_likeness(title, role),
        )
        title = next(iter((*exact, *near)), None)
        if title is not None:
            left.remove(title)
        # A title that occurs twice can only be chosen by its place.
        chosen = str(titles.index(title) + 1) if title is not None and repeated else title
        pairs.append(f"{role}={chosen or '...'}")
    return ",".join(pairs)


def _likeness(title: str, role: str) -> float:
    """How much a title is spelled like one of the role, 0..1; an abbreviation is 1."""
    simple = simple_title(title)
    if len(simple) > 2 and any(known.startswith(simple) for known in TITLES[role]):
        return 1.0
    return max(
        difflib.SequenceMatcher(None, simple, known).ratio()
        for known in TITLES[role]
        if len(known) > 2
    )
