import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from utkage.preparation.audit import exact_search
from utkage.preparation.audit.near_pairs import near_pairs
from utkage.preparation.audit.perceptual import distance, hash_array, perceptual_hash


def scene(seed: int, size: int = 200) -> np.ndarray:
    """A smooth random picture, uint8 (size, size, 3)."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def recompressed(rgb: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))


def brute_distance(first: np.ndarray, second: np.ndarray) -> int:
    """Bit by bit, with the columns of the frequencies counted anew: diagonal by diagonal."""
    columns = [diagonal - row for diagonal in range(1, 23) for row in range(diagonal + 1)][:256]
    differ = np.unpackbits(first ^ second).astype(bool)
    mirrored = differ ^ (np.array(columns) % 2 == 1)
    return min(int(differ.sum()), int(mirrored.sum()))


@settings(max_examples=60)
@given(
    hashes=hnp.arrays(
        np.uint8, st.tuples(st.integers(0, 14), st.just(32)), elements=st.integers(0, 3)
    ),
    max_distance=st.integers(0, 256),
    block=st.integers(1, 8),
)
def test_near_pairs_are_those_of_brute_force(hashes, max_distance, block):
    expected = [
        (i, j, bits)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if (bits := brute_distance(hashes[i], hashes[j])) <= max_distance
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_search, "_BLOCK", block)
        found = near_pairs(hashes, max_distance)
    assert found.dtype == np.int64
    assert found.shape == (len(expected), 3)
    assert [tuple(row) for row in found.tolist()] == expected


def test_distance_counts_bits():
    assert distance(bytes(32), bytes(32)) == 0
    assert distance(bytes(32), bytes(31) + b"\x07") == 3
    # Mirroring turns the 123 bits of odd horizontal frequency back.
    assert distance(bytes(32), b"\xff" * 32) == 256 - 123


def test_hash_array_keeps_rows():
    rows = [bytes(range(32)), bytes(reversed(range(32)))]
    assert [row.tobytes() for row in hash_array(rows)] == rows
    assert hash_array([]).shape == (0, 32)


@pytest.mark.parametrize("seed", range(4))
def test_recompression_recolouring_and_resizing_stay_near(seed):
    picture = scene(seed)
    grey = np.repeat(np.asarray(Image.fromarray(picture).convert("L"))[..., None], 3, axis=2)
    smaller = np.asarray(Image.fromarray(picture).resize((120, 120), Image.Resampling.LANCZOS))
    darker = (picture * 0.6).astype(np.uint8)
    original = perceptual_hash(picture)
    assert len(original) == 32
    for changed in (recompressed(picture, 40), grey, smaller, darker):
        assert distance(original, perceptual_hash(changed)) <= 30


def test_other_pictures_are_far():
    hashes = hash_array([perceptual_hash(scene(seed)) for seed in range(20)])
    pairs = near_pairs(hashes, 256)
    assert len(pairs) == 190
    assert pairs[:, 2].min() > 70


@pytest.mark.parametrize("seed", range(4))
def test_mirrored_picture_is_near(seed):
    picture = scene(seed)
    first, second = perceptual_hash(picture), perceptual_hash(picture[:, ::-1].copy())
    assert bin(int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).count("1") > 70
    assert distance(first, second) <= 4
    (pair,) = near_pairs(hash_array([first, second]), 4).tolist()
    assert pair == [0, 1, distance(first, second)]


def test_upside_down_picture_is_far():
    picture = scene(3)
    assert distance(perceptual_hash(picture), perceptual_hash(picture[::-1].copy())) > 70


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (200, 200)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_picture_has_the_empty_hash(shape, value):
    assert perceptual_hash(np.full((*shape, 3), value, np.uint8)) == bytes(32)
