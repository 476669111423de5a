"""Write the ONNX graphs of the shipped weights' architecture: needed after changes of the model.

    python tools/write_skeletons.py

The graphs hold no learned values; ``engines.inference.skeleton`` says what they are for.
"""

from __future__ import annotations

from utkage.engines.exporting.skeleton import write_skeletons
from utkage.engines.inference.skeleton import SKELETONS
from utkage.models.locate import shipped_weights
from utkage.models.weights import read_card

if __name__ == "__main__":
    weights = shipped_weights()
    for path in write_skeletons(read_card(weights), weights.parent / SKELETONS):
        print(f"{path}: {path.stat().st_size} bytes")
