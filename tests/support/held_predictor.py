"""A predictor for tests of a server, which computes nothing."""

from __future__ import annotations

import threading
from typing import Any

from utkage.images.picture_input import PictureInput
from utkage.prediction.photos import Photo
from utkage.prediction.predictor import Predictor


class HeldPredictor(Predictor):
    """A predictor that finds no face, and waits until it is released.

    A picture called ``fault`` ends it with an error.
    """

    def __init__(self, like: Predictor) -> None:
        self.settings, self.weights = like.settings, like.weights
        self.released = threading.Event()
        self.seen: list[str] = []

    def photos(self, pictures: Any, **_: Any) -> Any:
        """The photos of pictures, one after the other."""
        for picture in pictures:
            assert isinstance(picture, PictureInput)
            self.seen.append(picture.name)
            if picture.name == "fault":
                raise RuntimeError("a driver has crashed")
            self.released.wait(30)
            yield Photo(name=picture.name)
