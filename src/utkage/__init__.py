"""Age and gender from faces: prepare, train, evaluate, predict and export.

Each command of the command line is one function here:

>>> import utkage
>>> rows = utkage.predict(utkage.PredictRequest(inputs=("photos",)))  # doctest: +SKIP
>>> predictor = utkage.load_predictor()  # the weights in the package
>>> predictor.card.contract.size
160

Everything that utkage raises on purpose is a ``UtkageError``; ``core/errors.py`` draws the tree:

>>> try:
...     utkage.load_image("missing.jpg")
... except utkage.ImageError as error:
...     print(error)
missing.jpg: no such file; check the path

Names are loaded when they are first used, so ``import utkage`` is fast and imports neither torch
nor cv2 nor matplotlib.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# ONNX Runtime would report its use to Microsoft and keep a database in the home folder. It reads
# this when it is first imported, so it is set here, before any module of utkage can import it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from utkage.core.errors import ConfigError as ConfigError
    from utkage.core.errors import DataError as DataError
    from utkage.core.errors import DeviceError as DeviceError
    from utkage.core.errors import ExitCode as ExitCode
    from utkage.core.errors import ImageError as ImageError
    from utkage.core.errors import LabelError as LabelError
    from utkage.core.errors import ParityError as ParityError
    from utkage.core.errors import TrainingError as TrainingError
    from utkage.core.errors import UsageError as UsageError
    from utkage.core.errors import UtkageError as UtkageError
    from utkage.core.errors import WeightsError as WeightsError
    from utkage.data.augment import AugmentConfig as AugmentConfig
    from utkage.data.labels import AGE_RANGES as AGE_RANGES
    from utkage.data.labels import FaceLabel as FaceLabel
    from utkage.data.labels import parse_name as parse_name
    from utkage.data.split import SplitConfig as SplitConfig
    from utkage.data.store import ChipStore as ChipStore
    from utkage.evaluation.evaluate import evaluate as evaluate
    from utkage.evaluation.request import EvaluateRequest as EvaluateRequest
    from utkage.exporting.export import ExportRequest as ExportRequest
    from utkage.exporting.export import export as export
    from utkage.faces.contract import CropContract as CropContract
    from utkage.images.decode import load_image as load_image
    from utkage.images.shards import Shard as Shard
    from utkage.images.video import open_video as open_video
    from utkage.models.describe import describe as describe
    from utkage.prediction.loading import load_predictor as load_predictor
    from utkage.prediction.predict import PredictRequest as PredictRequest
    from utkage.prediction.predict import predict as predict
    from utkage.prediction.predict_inputs import InputsRequest as InputsRequest
    from utkage.prediction.predict_inputs import predict_inputs as predict_inputs
    from utkage.prediction.predict_videos import VideoRequest as VideoRequest
    from utkage.prediction.predict_videos import predict_videos as predict_videos
    from utkage.prediction.predictions import Predictions as Predictions
    from utkage.prediction.predictor import Predictor as Predictor
    from utkage.prediction.predictor import PredictSettings as PredictSettings
    from utkage.prediction.row_list import Rows as Rows
    from utkage.prediction.rows import FaceRow as FaceRow
    from utkage.prediction.rows import TrackRow as TrackRow
    from utkage.preparation.prepare import PrepareConfig as PrepareConfig
    from utkage.preparation.prepare import prepare as prepare
    from utkage.training.config import TrainConfig as TrainConfig
    from utkage.training.dry_run import dry_run as dry_run
    from utkage.training.recipe import Recipe as Recipe
    from utkage.training.recipes import resolve_recipe as resolve_recipe
    from utkage.training.runs import list_runs as list_runs
    from utkage.training.train import TrainRequest as TrainRequest
    from utkage.training.train import request_of as request_of
    from utkage.training.train import train as train
    from utkage.training.train import train_request as train_request

# Public names by module.
_NAMES = {
    "core.errors": (
        "ConfigError",
        "DataError",
        "DeviceError",
        "ExitCode",
        "ImageError",
        "LabelError",
        "ParityError",
        "TrainingError",
        "UsageError",
        "UtkageError",
        "WeightsError",
    ),
    "data.augment": ("AugmentConfig",),
    "data.labels": ("AGE_RANGES", "FaceLabel", "parse_name"),
    "data.split": ("SplitConfig",),
    "data.store": ("ChipStore",),
    "evaluation.evaluate": ("evaluate",),
    "evaluation.request": ("EvaluateRequest",),
    "exporting.export": ("ExportRequest", "export"),
    "faces.contract": ("CropContract",),
    "images.decode": ("load_image",),
    "images.shards": ("Shard",),
    "images.video": ("open_video",),
    "models.describe": ("describe",),
    "prediction.diagnosis": ("diagnose",),
    "prediction.rows": ("FaceRow", "TrackRow"),
    "prediction.loading": ("load_predictor",),
    "prediction.predict": ("PredictRequest", "predict"),
    "prediction.predict_inputs": ("InputsRequest", "predict_inputs"),
    "prediction.predict_videos": ("VideoRequest", "predict_videos"),
    "prediction.predictions": ("Predictions",),
    "prediction.predictor": ("Predictor", "PredictSettings"),
    "prediction.row_list": ("Rows",),
    "preparation.prepare": ("PrepareConfig", "prepare"),
    "serving.serve": ("ServeRequest", "serve"),
    "serving.settings": ("ServeSettings",),
    "training.config": ("TrainConfig",),
    "training.dry_run": ("dry_run",),
    "training.recipe": ("Recipe",),
    "training.recipes": ("resolve_recipe",),
    "training.runs": ("list_runs",),
    "training.train": ("TrainRequest", "train", "request_of", "train_request"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'utkage' has no attribute {name!r}")
    try:
        module = import_module(f"utkage.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        from utkage.core.packages import explained

        raise explained(error) or error from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
