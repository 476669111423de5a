"""What model cards say about weights at a glance."""

from __future__ import annotations

from pathlib import Path

from utkage.core.files import file_hash
from utkage.models.card import Card

# Keys of the record of a training, with the word that stands before each value.
_WHEN = (("started", "started"), ("on", "device"))


def card_facts(card: Card, path: Path) -> dict[str, str]:
    """Facts in Markdown by heading; what a card does not record is left out.

    ``path`` is the weights file of the card.
    """
    contract = card.contract
    return {
        "File": f"`{path.name}`, {path.stat().st_size / 1e6:.2f} MB, safetensors, SHA-256 "
        f"`{file_hash(path)}...`",
        "Network": f"{card.backbone}, system {card.system}; the age is a distribution over years "
        f"({card.age_head}), of which the {card.point_estimate} is predicted; P(female)",
        "Input": f"aligned faces of {contract.size} x {contract.size} pixels, {contract.colour}; "
        "utkage finds and aligns faces in photographs",
        **_data(card),
        **_training(card),
        "Calibration": _calibration(card),
        "Versions": ", ".join(f"{name} {version}" for name, version in card.versions.items()),
    }


def _data(card: Card) -> dict[str, str]:
    data = card.data
    if not data:
        return {}
    splits = ", ".join(f"{name} {n}" for name, n in data.get("splits", {}).items())
    drawn = ", ".join(f"{k} {v}" for k, v in data.get("split", {}).items() if v is not None)
    counts = "; ".join(part for part in (splits, drawn) if part)
    text = f"{data['source']}, split `{data.get('split_hash', 'unknown')}`"
    return {"Data": f"{text} ({counts})" if counts else text}


def _training(card: Card) -> dict[str, str]:
    training = card.training
    if not training:
        return {}
    parts = [f"`{training.get('command') or 'utkage.train'}`"]
    parts += [f"{word} {training[key]}" for word, key in _WHEN if training.get(key)]
    return {"Trained by": ", ".join(parts)}


def _calibration(card: Card) -> str:
    fitted = card.calibration
    if fitted is None:
        return "none"
    return (
        f"temperatures {fitted.gender_temperature:.2f} (gender) and {fitted.range_temperature:.2f} "
        f"(ranges), conformal age intervals in {len(fitted.bands)} bands of predicted age, fitted "
        f"to {fitted.fitted_on['n']} faces, {fitted.fitted_on['split']}"
    )
