"""Fits the classifier of covered and unusual faces to painted training faces."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the field's usual name

from tools.quality.samples import Samples, make_samples, plain_samples
from utkage.data.chips import LabelledChips
from utkage.faces.face_appearance import APPEARANCES, INPUT_SIZE, FaceAppearance

CHANNELS = (12, 24, 32, 48)
HIDDEN = 32
BATCH = 64
PEAK_RATE = 4e-3
WEIGHT_DECAY = 0.02
# Labels of 0.02 and 0.98, because some plain faces wear sunglasses.
SMOOTHING = 0.02
# Largest share of plain validation faces of a source with a flag.
FALSE_ALARMS = 0.01
# Lower thresholds would rest on few faces.
LOWEST_THRESHOLD = 0.3


class AppearanceNet(nn.Module):
    """uint8 RGB chips (N, 3, INPUT_SIZE, INPUT_SIZE) -> logits of ``APPEARANCES`` (N, 2)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for outputs in CHANNELS:
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs)]
            layers += [nn.ReLU()]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        flat = inputs * (INPUT_SIZE // 2 ** len(CHANNELS)) ** 2
        self.hidden = nn.Linear(flat, HIDDEN)
        self.last = nn.Linear(HIDDEN, len(APPEARANCES))

    def forward(self, chips: Tensor) -> Tensor:
        """Logits for a batch of chips."""
        features = self.features(chips.float() / 255 - 0.5)
        # As the NumPy implementation flattens: row, column, channel.
        flat = F.dropout(features.permute(0, 2, 3, 1).flatten(1), 0.2, self.training)
        hidden = F.dropout(F.relu(self.hidden(flat)), 0.1, self.training)
        logits: Tensor = self.last(hidden)
        return logits


def fit_appearance(
    training: LabelledChips, validation: LabelledChips, count: int, epochs: int, seed: int = 0
) -> FaceAppearance:
    """Fit the network to samples of the training faces; choose thresholds on validation faces."""
    network = _train(make_samples(training, count, seed), epochs, seed)
    plain = _probabilities(network, plain_samples(validation))
    lineage = {
        "training": f"{count} painted and plain chips of {len(training)} training faces",
        "sources": list(training.source_names),
        "thresholds": f"at most {FALSE_ALARMS:.0%} of the plain validation faces of each source",
        "validation_faces": len(validation),
        "epochs": epochs,
        "seed": seed,
        "date": datetime.date.today().isoformat(),
    }
    convolutions, dense = fitted_layers(network)
    return FaceAppearance(convolutions, dense, thresholds_of(plain, validation.sources), lineage)


def _train(samples: Samples, epochs: int, seed: int) -> AppearanceNet:
    torch.manual_seed(seed)
    # In the order of the pixels, convolutions take half of the time.
    network = AppearanceNet().to(memory_format=torch.channels_last)
    pixels = torch.from_numpy(samples.pixels).permute(0, 3, 1, 2)
    labels = torch.from_numpy(samples.labels) * (1 - 2 * SMOOTHING) + SMOOTHING
    steps = len(labels) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_RATE, total_steps=epochs * steps)
    for epoch in range(epochs):
        order, total = torch.randperm(len(labels)), 0.0
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            loss = F.binary_cross_entropy_with_logits(network(pixels[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        print(f"epoch {epoch + 1}: loss {total / steps:.4f}", flush=True)
    return network.eval()


def _probabilities(network: AppearanceNet, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    with torch.inference_mode():
        parts = [
            torch.sigmoid(
                network(torch.from_numpy(pixels[start : start + 256]).permute(0, 3, 1, 2))
            )
            for start in range(0, len(pixels), 256)
        ]
    return np.asarray(torch.cat(parts).numpy())


def thresholds_of(
    plain: NDArray[np.float32], sources: Sequence[str] | NDArray[np.str_]
) -> NDArray[np.float32]:
    """The lowest thresholds with at most ``FALSE_ALARMS`` in each source of plain faces."""
    own = np.array(sources)
    limits: list[NDArray[np.float64]] = [
        np.quantile(plain[own == name], 1 - FALSE_ALARMS, axis=0) for name in np.unique(own)
    ]
    chosen = np.maximum(np.max(limits, axis=0), LOWEST_THRESHOLD)
    return np.asarray(chosen, dtype=np.float32)


def fitted_layers(
    network: AppearanceNet,
) -> tuple[list[tuple[NDArray[np.float32], NDArray[np.float32]]], ...]:
    """Convolutions with their batch norms folded in, and dense layers, as ``FaceAppearance``."""
    convolutions = []
    parts: list[Any] = list(network.features)
    for convolution, norm in zip(parts[::3], parts[1::3], strict=True):
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weights = (convolution.weight * scale[:, None, None, None]).permute(2, 3, 1, 0)
        bias = norm.bias - norm.running_mean * scale
        convolutions.append((weights.reshape(-1, weights.shape[-1]), bias))
    dense = [(layer.weight.T, layer.bias) for layer in (network.hidden, network.last)]
    return tuple(
        [(weights.detach().numpy(), bias.detach().numpy()) for weights, bias in layers]
        for layers in (convolutions, dense)
    )
