import hashlib

import numpy as np

from utkage.data.chips import UNKNOWN, fingerprints, labelled_chips
from utkage.data.labels import FaceLabel, range_index
from utkage.data.records import Record
from utkage.faces.contract import utkface_contract


def record(age: int, race: int | None = 1) -> Record:
    digest = hashlib.sha256(bytes([age])).hexdigest()
    label = FaceLabel(age, age % 2, race)
    source = "even" if age % 2 == 0 else "odd"
    return Record(
        source=source,
        name=f"{age}.jpg",
        label=label,
        byte_hash=digest,
        pixel_hash=digest,
        perceptual=bytes(32),
        width=32,
        height=32,
        aligned=True,
        wrong_extension=False,
        constant=False,
    )


def test_records_become_columns_of_the_same_order() -> None:
    ages = [30, 2, 116, 4, 5]
    pixels = np.stack([np.full((32, 32, 3), age, dtype=np.uint8) for age in ages])
    chips = labelled_chips(
        pixels,
        range(5),
        [record(age, None if age == 2 else 3) for age in ages],
        utkface_contract(32),
    )
    assert len(chips) == 5
    assert chips.ages.tolist() == ages
    assert chips.genders.tolist() == [age % 2 for age in ages]
    assert chips.races.tolist() == [3, UNKNOWN, 3, 3, 3]
    assert chips.ranges.tolist() == [range_index(age) for age in ages] == [4, 0, 8, 0, 1]
    assert chips.pixels[:, 0, 0, 0].tolist() == ages
    assert [batch.shape[0] for batch in chips.batches(2, chips.contract.at_size(32))] == [2, 2, 1]
    assert chips.source_names == ("even", "odd")
    assert chips.of_source("odd").tolist() == [False, False, False, False, True]


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
