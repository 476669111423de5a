"""Titles of the columns that hold paths of pictures, as data sets and languages call them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


PATH_TITLES = words(
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
)
"""In lower case with underscores, the preferred ones first."""


def simple_title(title: str) -> str:
    """A title without capitals, units in brackets and separators: ``"Age (years)"`` is ``age``."""
    # "Age (years)" and "Gender [M/F]" say in brackets how the values are written.
    plain = re.sub(r"\s*[(\[].*?[)\]]", "", title.lower().strip(" '\"")) or title.lower()
    return re.sub(r"[\s\-_./]+", "_", plain).strip("_")


def path_title(titles: Iterable[str]) -> str | None:
    """The title of the column of paths: the preferred one of ``PATH_TITLES``; None without any."""
    found: dict[str, str] = {}
    for title in titles:
        found.setdefault(simple_title(title), title)
    return next((found[title] for title in PATH_TITLES if title in found), None)
