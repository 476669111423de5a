import hashlib

import numpy as np

from utkage.data.chips import NO_RACE, fingerprints, stack_chips
from utkage.data.ingest import Chip
from utkage.data.labels import FaceLabel, range_index
from utkage.faces.contract import utkface_contract


def chip(age: int, race: int | None = 1) -> Chip:
    pixels = np.full((32, 32, 3), age, dtype=np.uint8)
    digest = hashlib.sha256(bytes([age])).hexdigest()
    return Chip(f"{age}.jpg", FaceLabel(age, age % 2, race), digest, pixels)


def test_stacked_chips_are_columns_of_the_same_order() -> None:
    ages = [30, 2, 116, 4, 5]
    stacked = stack_chips(
        [chip(age, None if age == 2 else 3) for age in ages], utkface_contract(32)
    )
    assert len(stacked) == 5
    assert stacked.ages.tolist() == ages
    assert stacked.genders.tolist() == [age % 2 for age in ages]
    assert stacked.races.tolist() == [3, NO_RACE, 3, 3, 3]
    assert stacked.ranges.tolist() == [range_index(age) for age in ages] == [4, 0, 8, 0, 1]
    assert stacked.pixels[:, 0, 0, 0].tolist() == ages
    assert [batch.shape[0] for batch in stacked.batches(2, 32)] == [2, 2, 1]


def test_fingerprints_are_the_first_four_bytes_sorted() -> None:
    hashes = tuple(hashlib.sha256(bytes([index])).hexdigest() for index in range(50))
    found = fingerprints(hashes)
    assert found.dtype == np.int32
    expected = sorted(
        int.from_bytes(bytes.fromhex(value)[:4], "big", signed=True) for value in hashes
    )
    assert found.tolist() == expected
    np.testing.assert_array_equal(found, fingerprints(hashes[::-1]))
    assert len(fingerprints(())) == 0
