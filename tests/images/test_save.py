import os
import stat

import numpy as np
import pytest
from PIL import Image

from utkage.core.errors import ImageError
from utkage.images.decode import load_image
from utkage.images.save import save_image


def ramp() -> np.ndarray:
    rgb = np.zeros((40, 60, 3), np.uint8)
    rgb[..., 0] = np.linspace(0, 255, 60)
    rgb[..., 1] = np.linspace(0, 255, 40)[:, None]
    return rgb


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".jpg", "JPEG"), (".JPEG", "JPEG"), (".png", "PNG"), (".webp", "WEBP")],
)
def test_format_follows_the_suffix(suffix, kind, tmp_path):
    path = tmp_path / "new" / f"écrit{suffix}"
    save_image(path, ramp())
    with Image.open(path) as image:
        assert image.format == kind
    assert np.abs(load_image(path).astype(int) - ramp()).mean() < (0.01 if kind == "PNG" else 3)


def test_quality_changes_the_size(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    save_image(tmp_path / "low.jpg", noise, quality=20)
    save_image(tmp_path / "high.jpg", noise, quality=95)
    assert (tmp_path / "low.jpg").stat().st_size < (tmp_path / "high.jpg").stat().st_size / 2


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt"])
def test_unknown_suffix_writes_nothing(name, tmp_path):
    with pytest.raises(ImageError, match=r"use \.jpg, \.png or \.webp"):
        save_image(tmp_path / "new" / name, ramp())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(wrong, tmp_path):
    with pytest.raises(ImageError, match="not an 8-bit RGB picture"):
        save_image(tmp_path / "a.png", wrong)


def test_failure_keeps_the_old_file_and_leaves_no_rest(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    save_image(path, ramp())
    before = path.read_bytes()

    def half(self, target, **options):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(ImageError, match=r"a\.png: the picture cannot be written \(disk full\)"):
        save_image(path, ramp())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_file_is_readable_like_any_other(tmp_path):
    save_image(tmp_path / "a.jpg", ramp())
    (tmp_path / "plain").touch()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1
