"""Gender as label files write it: words in several languages, letters, and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from utkage.core.errors import ConfigError, LabelError
from utkage.data.label_files.row import shown

MALE = 0
FEMALE = 1


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Whole words, lower case.
_MALE_WORDS = _words("""
    male man men boy boys males masculine gentleman masc
    homme hommes garçon garcon masculin
    männlich maennlich mann männer herr junge
    hombre varón varon masculino niño
    homem menino
    uomo maschio maschile ragazzo
    mannelijk jongen
    manlig mand mannlig mies erkek bay
    mężczyzna mezczyzna męski chłopiec muž mužský férfi bărbat
    мужчина мужской муж муж. чоловік чоловіча мальчик
    άνδρας άντρας αρσενικό αγόρι
    男 男性 男人 男子 男孩 남 남자 남성 nam lelaki laki-laki pria ชาย
    ذكر رجل זכר גבר पुरुष
""")
_FEMALE_WORDS = _words("""
    female woman women girl girls females feminine lady fem
    femme femmes fille féminin feminin
    weiblich frau frauen mädchen maedchen
    mujer hembra femenino niña
    mulher feminino menina
    donna femmina femminile ragazza
    vrouwelijk vrouw meisje
    kvinnlig kvinna kvinde kvinne kvinnelig nainen kadın kadin bayan
    kobieta żeński dziewczyna žena ženský nő femeie
    женщина женский жен жен. жінка жіноча девочка
    γυναίκα θηλυκό κορίτσι
    女 女性 女人 女子 女孩 여 여자 여성 nữ wanita perempuan หญิง
    أنثى امرأة נקבה אישה महिला स्त्री
""")
_WORDS = {**dict.fromkeys(_MALE_WORDS, MALE), **dict.fromkeys(_FEMALE_WORDS, FEMALE)}

# Pairs of letters, male then female. "m" is male in most languages, but female beside "h"
# (Spanish, Portuguese) or "v" alone ("homme" and "hombre", "vrouw" are the others).
_LETTER_PAIRS = (
    ("m", "f"),
    ("m", "w"),
    ("h", "f"),
    ("h", "m"),
    ("m", "v"),
    ("m", "k"),
    ("m", "n"),
    ("m", "ž"),
    ("e", "k"),
    ("l", "p"),
    ("м", "ж"),
    ("ч", "ж"),
    ("α", "γ"),
)
_NUMBER = re.compile(r"([+-]?\d+)(?:[.,]0*)?", re.ASCII)
# A column in which more numbers than this are neither 0 nor 1 follows another coding.
_TOLERATED_SHARE = 0.05
_TRUE = ("true", "yes", "t", "y")
_FALSE = ("false", "no", "n")

_KNOWN = "0, 1, male, female, m, f"


@dataclass(frozen=True)
class GenderColumn:
    """How the cells of one column are read.

    Attributes:
        coding: Gender by text, as ``cell_key`` gives it.
        number_problem: Why no number of the column can be trusted, or None.
        letter_problem: Why no single letter of the column can be trusted, or None.
    """

    coding: Mapping[str, int] = field(default_factory=dict)
    number_problem: str | None = None
    letter_problem: str | None = None

    def parse(self, text: str) -> int:
        """0 male, 1 female.

        Raises:
            LabelError: the cell is empty or not understood.
        """
        key = cell_key(text)
        if key not in self.coding:
            raise LabelError(f"gender {shown(text)} is none of {_KNOWN}")
        problem = self.number_problem if _NUMBER.fullmatch(key) else None
        if len(key) == 1 and key.isalpha():
            problem = self.letter_problem
        if problem is not None:
            raise LabelError(f"gender {shown(text)} {problem}")
        return self.coding[key]


def cell_key(text: str) -> str:
    """The text of a cell in lower case; whole numbers lose their decimals."""
    plain = text.strip().lower()
    match = _NUMBER.fullmatch(plain)
    return str(int(match[1])) if match and len(plain) < 10 else plain


def parse_coding(pairs: Mapping[str, str]) -> dict[str, int]:
    """The gender of each text, from pairs such as ``{"1": "male", "2": "female"}``.

    Raises:
        ConfigError: a gender is neither male nor female.
    """
    genders = {**_WORDS, "m": MALE, "f": FEMALE}
    coding = {}
    for text, gender in pairs.items():
        if gender.strip().lower() not in genders:
            raise ConfigError(
                f"`gender_coding` {text}={gender}: give pairs such as 0=male,1=female"
            )
        coding[cell_key(text)] = genders[gender.strip().lower()]
    return coding


def understand_column(
    texts: Iterable[str], title: str, coding: Mapping[str, int] | None
) -> GenderColumn:
    """Decide how to read a column from all of its values.

    Args:
        texts: The cells; empty ones are ignored.
        title: Title of the column; ``male``, ``is_female`` and the like are flags.
        coding: Coding that the user gave, or that the data set is known for; None: 0 is male and
            1 female.
    """
    keys = [key for key in map(cell_key, texts) if key]
    if coding is not None:
        return GenderColumn({**_WORDS, **dict(_letters(set(keys))), **coding})
    flag = title.removeprefix("is_")
    if flag in ("male", "female"):
        return GenderColumn(_flag_coding(MALE if flag == "male" else FEMALE, set(keys)))
    known = {**_WORDS, **dict(_letters(set(keys))), "0": MALE, "1": FEMALE}
    number_problem = letter_problem = None
    letters = {key for key in keys if len(key) == 1 and key.isalpha()}
    if {"h", "m"} <= letters and letters & {"f", "w", "v"}:
        letter_problem = (
            "stands beside letters of another language; say which is which with `gender_coding`"
        )
    numbers = [key for key in keys if _NUMBER.fullmatch(key)]
    others = sum(number not in ("0", "1") for number in numbers)
    if others > _TOLERATED_SHARE * len(numbers):
        found = ", ".join(sorted(set(numbers))[:4])
        number_problem = (
            f"is in a column with the values {found}; say what they mean with `gender_coding`"
        )
    return GenderColumn(known, number_problem, letter_problem)


def _letters(keys: set[str]) -> Iterable[tuple[str, int]]:
    """The meaning of single letters, from the pair of letters that the column contains."""
    yield from (("m", MALE), ("f", FEMALE))
    for male, female in _LETTER_PAIRS:
        if female in keys and (male in keys or female not in "mkn"):
            yield from ((male, MALE), (female, FEMALE))
    if "h" in keys:
        yield "h", MALE
        if "m" in keys:
            yield "m", FEMALE


def _flag_coding(gender: int, keys: set[str]) -> dict[str, int]:
    """The coding of a column that says whether the person has ``gender``."""
    other = FEMALE if gender == MALE else MALE
    yes = dict.fromkeys(("1", *_TRUE), gender)
    no = dict.fromkeys(("0", "-1", *_FALSE), other)
    return {**yes, **no}
