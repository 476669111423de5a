"""``export --format hub``: a folder of weights as model hubs list them.

It contains the weights unchanged, a model card with the hub's metadata (``hub_card``), the terms
of the weights, and ``config.json``, by which hubs count downloads. Nothing is uploaded.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from utkage.core.errors import UsageError
from utkage.core.files import write_json, write_text
from utkage.core.reporter import Reporter, SilentReporter
from utkage.core.single_writer import new_folder, require_new_folder
from utkage.core.versions import versions
from utkage.exporting.hub_card import hub_card
from utkage.models.locate import resolve_weights
from utkage.models.weights_files import LoadedWeights
from utkage.reporting.hub_metadata import LICENCE_FILE

DEFAULT_FOLDER = Path("utkage-hub")
WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "README.md"
CONFIG_NAME = "config.json"


@dataclass(frozen=True)
class HubFolder:
    """The folder that was written, with ``size`` bytes of weights from the file ``weights``."""

    path: Path
    size: int
    weights: Path


def export_hub(
    weights: str | Path | LoadedWeights = "auto",
    out: Path | None = None,
    *,
    base_model: str | None = None,
    reporter: Reporter | None = None,
) -> HubFolder:
    """Write the folder; it gets its name when it is complete.

    Args:
        weights: Weights, as in ``models.locate.resolve_weights``.
        out: The folder; its name is the title of the card. None for ``DEFAULT_FOLDER``.
        base_model: The hub's identifier of the initial weights, if they are on the hub.
        reporter: Receives a message.

    Raises:
        UsageError: the folder exists, another process is writing it, or there are no such weights,
            or they are no safetensors file.
        WeightsError: the weights are damaged.
    """
    reporter = reporter or SilentReporter()
    out = out or DEFAULT_FOLDER
    require_new_folder(out)
    found = resolve_weights(weights)
    reporter.info(f"weights {found.path} ({found.origin})")
    if found.path.suffix.lower() != ".safetensors":
        raise UsageError(
            f"{found.path}: model hubs take safetensors files; pass a file that utkage train wrote"
        )
    # Reads every tensor: damaged weights are not passed on.
    card, _ = found.card, found.arrays
    with new_folder(out) as folder:
        shutil.copyfile(found.path, folder / WEIGHTS_NAME)
        text = hub_card(card, folder / WEIGHTS_NAME, out.resolve().name, base_model)
        write_text(folder / CARD_NAME, text)
        write_text(folder / LICENCE_FILE, f"{card.terms}\n")
        config = {
            "library_name": "utkage",
            "system": card.system,
            "backbone": card.backbone,
            "input_size": card.contract.size,
            "utkage_version": versions()["utkage"],
        }
        write_json(folder / CONFIG_NAME, config)
    return HubFolder(out, (out / WEIGHTS_NAME).stat().st_size, found.path)
