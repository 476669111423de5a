"""What the columns of a label file can hold, and how data sets and languages call them."""

from __future__ import annotations

from collections.abc import Mapping

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


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Titles of each role, the preferred ones first, in lower case with underscores.
TITLES: Mapping[str, tuple[str, ...]] = {
    PATH: _words(
        """
        path file_name filename file img_path image_path full_path file_path filepath imgpath
        impath img_paths image_paths img_name image_name imgname imagename relative_path rel_path
        image_file img_file imagefile photo_path picture_path face_path crop_path files filenames
        images image img photo picture photograph fname jpg face datei dateiname dateipfad bild
        fichier chemin nom_fichier nom_du_fichier archivo fichero ruta nombre_archivo arquivo
        caminho immagine percorso bestand bestandsnaam pad файл имя_файла путь изображение 文件
        文件名 文件路径 路径 图片 图像 图片名 画像 ファイル ファイル名 パス
        파일 파일명 파일이름 경로 이미지 plik nazwa_pliku zdjęcie dosya dosya_adı resim
        image_id img_id picture_id photo_id url image_url img_url uri link name id index
        """
    ),
    AGE: _words(
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
    GENDER: _words(
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
