"""Age and gender from faces: prepare, train, evaluate, predict and export.

Each command of the command line is one function here:

>>> import utkage
>>> rows = utkage.predict(utkage.PredictRequest(inputs=("photos",)))  # doctest: +SKIP
>>> predictor = utkage.load_predictor()  # the weights in the package
>>> predictor.card.contract.size
160

Names are loaded when they are first used, so ``import utkage`` is fast and imports neither torch
nor cv2 nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from utkage.core.errors import UtkageError as UtkageError
    from utkage.data.augment import AugmentConfig as AugmentConfig
    from utkage.data.labels import AGE_RANGES as AGE_RANGES
    from utkage.data.labels import FaceLabel as FaceLabel
    from utkage.data.labels import parse_name as parse_name
    from utkage.data.split import SplitConfig as SplitConfig
    from utkage.data.store import ChipStore as ChipStore
    from utkage.engines.inference.loading import load_predictor as load_predictor
    from utkage.engines.inference.predictions import Predictions as Predictions
    from utkage.engines.training.config import TrainConfig as TrainConfig
    from utkage.engines.training.recipe import Recipe as Recipe
    from utkage.faces.contract import CropContract as CropContract
    from utkage.images.decode import load_image as load_image
    from utkage.images.video import open_video as open_video
    from utkage.workflows.dry_run import dry_run as dry_run
    from utkage.workflows.evaluate import EvaluateRequest as EvaluateRequest
    from utkage.workflows.evaluate import evaluate as evaluate
    from utkage.workflows.export import ExportRequest as ExportRequest
    from utkage.workflows.export import export as export
    from utkage.workflows.info import describe as describe
    from utkage.workflows.predict import FaceRow as FaceRow
    from utkage.workflows.predict import PredictRequest as PredictRequest
    from utkage.workflows.predict import predict as predict
    from utkage.workflows.predict_videos import VideoRequest as VideoRequest
    from utkage.workflows.predict_videos import predict_videos as predict_videos
    from utkage.workflows.predictor import Predictor as Predictor
    from utkage.workflows.predictor import PredictSettings as PredictSettings
    from utkage.workflows.prepare import PrepareConfig as PrepareConfig
    from utkage.workflows.prepare import prepare as prepare
    from utkage.workflows.recipes import resolve_recipe as resolve_recipe
    from utkage.workflows.runs import list_runs as list_runs
    from utkage.workflows.track_rows import TrackRow as TrackRow
    from utkage.workflows.train import TrainRequest as TrainRequest
    from utkage.workflows.train import train as train
    from utkage.workflows.train_recipe import request_of as request_of
    from utkage.workflows.train_recipe import train_request as train_request

_HOMES = {
    "UtkageError": "core.errors",
    "AugmentConfig": "data.augment",
    "AGE_RANGES": "data.labels",
    "FaceLabel": "data.labels",
    "parse_name": "data.labels",
    "SplitConfig": "data.split",
    "ChipStore": "data.store",
    "load_predictor": "engines.inference.loading",
    "Predictions": "engines.inference.predictions",
    "TrainConfig": "engines.training.config",
    "Recipe": "engines.training.recipe",
    "CropContract": "faces.contract",
    "load_image": "images.decode",
    "open_video": "images.video",
    "dry_run": "workflows.dry_run",
    "EvaluateRequest": "workflows.evaluate",
    "evaluate": "workflows.evaluate",
    "ExportRequest": "workflows.export",
    "export": "workflows.export",
    "describe": "workflows.info",
    "FaceRow": "workflows.predict",
    "PredictRequest": "workflows.predict",
    "predict": "workflows.predict",
    "VideoRequest": "workflows.predict_videos",
    "predict_videos": "workflows.predict_videos",
    "Predictor": "workflows.predictor",
    "PredictSettings": "workflows.predictor",
    "PrepareConfig": "workflows.prepare",
    "prepare": "workflows.prepare",
    "resolve_recipe": "workflows.recipes",
    "list_runs": "workflows.runs",
    "TrackRow": "workflows.track_rows",
    "TrainRequest": "workflows.train",
    "train": "workflows.train",
    "request_of": "workflows.train_recipe",
    "train_request": "workflows.train_recipe",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'utkage' has no attribute {name!r}")
    return getattr(import_module(f"utkage.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
