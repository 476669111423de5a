"""Labelled chips without content, for tests of labels and predictions."""

import numpy as np

from utkage.data.chips import LabelledChips


def faces_of(count: int, seed: int = 0) -> LabelledChips:
    from utkage.faces.contract import utkface_contract

    random = np.random.default_rng(seed)
    return LabelledChips(
        pixels=np.zeros((count, 8, 8, 3), dtype=np.uint8),
        rows=np.arange(count),
        sources=("set",) * count,
        names=tuple(f"folder/{index}.jpg" for index in range(count)),
        ages=random.integers(0, 90, count),
        genders=np.arange(count) % 2,
        races=np.full(count, -1),
        pixel_hashes=tuple(f"{index:08x}" for index in range(count)),
        contract=utkface_contract(64),
    )
