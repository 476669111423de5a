"""What the columns of a label file can hold, and how data sets and languages call them."""

from __future__ import annotations

from collections.abc import Mapping

from utkage.images.containers.path_titles import PATH_TITLES, words

PATH = "path"
AGE = "age"
AGE_LOW = "age_low"
AGE_HIGH = "age_high"
GENDER = "gender"
RACE = "race"
SPLIT = "split"
PIXELS = "pixels"
IMAGE = "image"
# The ends of the box around the face, pixels, in this order.
BOX = ("face_x0", "face_y0", "face_x1", "face_y1")
ROLES = (PATH, AGE, AGE_LOW, AGE_HIGH, GENDER, RACE, SPLIT, PIXELS, IMAGE)


# Titles of each role, the preferred ones first, in lower case with underscores.
TITLES: Mapping[str, tuple[str, ...]] = {
    PATH: PATH_TITLES,
    AGE: words(
        """
        age real_age true_age actual_age ages age_years age_in_years age_label age_gt gt_age
        years yrs
        apparent_age apparent_age_avg age_group age_range age_bin age_class age_category
        age_interval agegroup agerange alter altersgruppe âge tranche_d_âge tranche_age edad
        grupo_edad rango_edad idade faixa_etária faixa_etaria età eta fascia_età leeftijd
        leeftijdsgroep возраст возрастная_группа 年龄 年齡 年龄段 年齢 年代
        나이 연령 연령대 wiek yaş yas ålder alder ikä
        """
    ),
    AGE_LOW: ("age_low", "age_min", "min_age", "age_from", "age_start", "low_age", "age_lower"),
    AGE_HIGH: ("age_high", "age_max", "max_age", "age_to", "age_end", "high_age", "age_upper"),
    GENDER: words(
        """
        gender sex genders gender_label sex_label gt_gender gender_gt male is_male female is_female
        geschlecht sexe genre sexo genero género gênero sesso genere geslacht пол стать 性别 性別
        성별 płeć plec cinsiyet kön køn kjønn sukupuoli pohlaví
        """
    ),
    RACE: ("race", "ethnicity", "races", "ethnic", "ethnic_group", "race_label"),
    SPLIT: ("split", "subset", "partition"),
    PIXELS: ("pixels", "pixel", "pixel_values", "image_pixels"),
}
