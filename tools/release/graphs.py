"""Write the ONNX graphs of the shipped weights' architecture: needed after changes of the model.

    python tools/write_templates.py

The graphs hold no learned values; ``prediction.graph_template`` says what they are for.
"""

from __future__ import annotations

from utkage.exporting.graph_template import write_templates
from utkage.models.locate import shipped_weights
from utkage.models.weights_files import read_card
from utkage.prediction.graph_template import TEMPLATES

if __name__ == "__main__":
    weights = shipped_weights()
    for path in write_templates(read_card(weights), weights.parent / TEMPLATES):
        print(f"{path}: {path.stat().st_size} bytes")
