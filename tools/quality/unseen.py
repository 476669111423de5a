"""Coverings and looks that are only measured: nothing like them is painted for the fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from tools.quality.face_frame import FaceFrame, Image, Painter, any_colour, painted
from utkage.faces.contract import Point

Random = np.random.Generator
Landmarks = Sequence[Point]


def hair_over_eyes(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Strands of hair from the forehead over both eyes and a cheek."""
    frame = FaceFrame.of(landmarks)
    result = image
    dark = random.uniform(10, 90) * np.array([1.0, 0.8, 0.65])
    slant = random.uniform(-0.5, 0.5)
    for _ in range(70):
        x = random.uniform(-1.2, 1.2)
        end = random.uniform(0.3, 0.8)
        strand = [(x, -1.3), (x + slant / 2, -0.4), (x + slant, end)]
        line = frame.line(image, strand, random.uniform(0.04, 0.1))
        result = painted(result, line, dark * random.uniform(0.6, 1.5))
    return result


def blindfold(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A band of cloth around the head, narrower at the nose, with a few folds."""
    frame = FaceFrame.of(landmarks)
    outline = [(-1.5, -0.45), (0, -0.3), (1.5, -0.45), (1.5, 0.4), (0, 0.3), (-1.5, 0.4)]
    colour = any_colour(random)
    result = painted(image, frame.shape(image, outline, smooth=True), colour)
    for height in (-0.15, 0.05, 0.18):
        fold = frame.line(image, [(-1.3, height * 1.5), (0, height), (1.3, height * 1.5)], 0.03)
        result = painted(result, fold * 0.8, colour * 0.7)
    return result


def printed_sheet(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """A sheet with lines of writing in front of mouth and chin."""
    frame = FaceFrame.of(landmarks)
    low, top = 2.2, random.uniform(0.45, 0.75)
    outline = [(-1.1, top), (1.1, top), (1.1, low), (-1.1, low)]
    result = painted(image, frame.shape(image, outline), np.full(3, random.uniform(200, 250)))
    for height in np.arange(top + 0.15, low, 0.16):
        x = -0.95
        while x < 0.8:
            word = random.uniform(0.08, 0.3)
            result = painted(
                result, frame.line(image, [(x, height), (x + word, height)], 0.05), np.full(3, 40.0)
            )
            x += word + 0.07
    return result


UNSEEN_COVERINGS: Mapping[str, Painter] = {
    "hair over the eyes": hair_over_eyes,
    "blindfold": blindfold,
    "printed sheet": printed_sheet,
}


def oil_painting(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Broad strokes: the colours of random places, drawn as short thick lines."""
    unit = FaceFrame.of(landmarks).unit
    height, width = image.shape[:2]
    result = cv2.GaussianBlur(image, (0, 0), 0.1 * unit)
    soft = cv2.GaussianBlur(image, (0, 0), 0.03 * unit + 0.3)
    for size in (0.14, 0.08):
        for _ in range(int(2.5 * height * width / (size * unit) ** 2)):
            x, y = int(random.integers(width)), int(random.integers(height))
            colour = [int(value) for value in soft[y, x] + random.normal(0, 12, 3)]
            turn = random.normal(0.8, 0.4)
            along = 1.2 * size * unit * np.array([np.cos(turn), np.sin(turn)])
            end = (int(x + along[0]), int(y + along[1]))
            cv2.line(result, (x, y), end, colour, max(1, round(0.5 * size * unit)))
    return np.asarray(result, dtype=np.uint8)


def engraving(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Parallel dark lines that are thicker where the picture is darker."""
    unit = FaceFrame.of(landmarks).unit
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.equalizeHist(cv2.GaussianBlur(grey, (0, 0), 0.03 * unit + 0.3)) / 255
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    wave = 0.5 + 0.5 * np.sin((y + 0.3 * x) * 2 * np.pi / max(3.0, 0.09 * unit))
    ink = (wave > grey)[..., None]
    return np.asarray(np.where(ink, (40, 35, 30), (240, 235, 215)), dtype=np.uint8)


def pop_art(image: Image, landmarks: Landmarks, random: Random) -> Image:
    """Four bright colours instead of four brightnesses."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    hues = (random.integers(180) + np.array([0, 45, 90, 135])) % 180
    hsv = np.stack([hues, np.full(4, 200), np.array([90, 160, 210, 250])], axis=1)
    colours = cv2.cvtColor(hsv[None].astype(np.uint8), cv2.COLOR_HSV2RGB)[0]
    tones = np.digitize(grey, np.quantile(grey, [0.25, 0.5, 0.75]))
    return np.asarray(colours[tones])


UNSEEN_LOOKS: Mapping[str, Painter] = {
    "oil painting": oil_painting,
    "engraving": engraving,
    "pop art": pop_art,
}
