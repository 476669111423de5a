import hashlib
import io
import json
import os
import random
import tarfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from prepared_sets import bytes_of, config_of, names, run

from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.files import write_json
from utkage.data.sources.options import SourceOptions
from utkage.data.split import SplitConfig
from utkage.data.store import STORE_FILE, ChipStore, is_prepared
from utkage.faces.contract import utkface_contract
from utkage.faces.detector import Face
from utkage.preparation import ingest as ingest_module
from utkage.preparation import workers as workers_module
from utkage.preparation.audit.resolve import FixConfig
from utkage.preparation.prepare import PrepareConfig, prepare

Picture = Callable[..., bytes]


Folder = Callable[[Path, Mapping[str, bytes]], Path]


def count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The content of every picture that is decoded from now on."""
    decoded = []
    original = ingest_module.decode_image

    def counting(source: bytes, **limits: int) -> object:
        decoded.append(source)
        return original(source, **limits)

    monkeypatch.setattr(ingest_module, "decode_image", counting)
    return decoded


def reasons_of(folder: Path) -> dict[str, str]:
    store = ChipStore.open(folder)
    left_out = {row.record.name: row.reason for row in store.manifest if not row.split}
    return {**left_out, **{item.name: item.reason for item in store.dropped()}}


@pytest.fixture
def faces(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    files = {name: picture(index) for index, name in enumerate(names(30))}
    return write_folder(tmp_path / "faces", files)


def test_a_clean_folder(tmp_path: Path, faces: Path) -> None:
    result = run(faces, tmp_path / "out")
    store = ChipStore.open(tmp_path / "out")
    audit = result.audit
    assert audit is not None
    assert audit.kept == 30 == sum(result.splits.values()) == sum(map(sum, audit.ranges))
    assert audit.genders == (15, 15)
    assert result.split_hash == store.split_hash
    assert result.splits == store.description["splits"]
    assert min(result.splits.values()) > 0
    assert store.description["source"]["name"] == "faces"
    hashes = [set(store.split(name).pixel_hashes) for name in ("train", "val", "test")]
    assert not hashes[0] & hashes[1]
    assert not hashes[0] & hashes[2]
    assert not hashes[1] & hashes[2]
    assert len(set.union(*hashes)) == 30
    assert run(faces, tmp_path / "other", seed=1).split_hash != result.split_hash
    assert {"audit.json", "audit.html"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_tar_and_folder_give_the_same(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    files = {name: picture(index) for index, name in enumerate(names(15))}
    write_folder(tmp_path / "faces", files)
    shuffled = random.Random(1).sample(list(files), len(files))
    with tarfile.open(tmp_path / "faces.tar.gz", "w:gz") as archive:
        for name in shuffled:
            member = tarfile.TarInfo(f"UTKFace/{name}")
            member.size = len(files[name])
            archive.addfile(member, io.BytesIO(files[name]))
    results = [run(tmp_path / name, tmp_path / f"out-{name}") for name in ("faces", "faces.tar.gz")]
    assert results[0].split_hash == results[1].split_hash
    assert results[0].splits == results[1].splits
    content = []
    for result in results:
        chips = ChipStore.open(result.folder).split("all")
        content.append(
            sorted(
                (chips.names[row], chips.pixel_hashes[row], chips.pixels[chips.rows[row]].tobytes())
                for row in range(len(chips))
            )
        )
    assert content[0] == content[1]


@pytest.fixture
def with_duplicates(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    files = {
        "10_0_0_1.jpg": picture(1),
        "10_0_0_2.jpg": picture(1, comment="again"),
        "10_0_0_3.jpg": picture(1, comment="and again"),
        "20_0_0_4.jpg": picture(2),
        "28_0_0_5.jpg": picture(2, comment="another age"),
        "30_0_0_6.jpg": picture(3),
        "30_1_0_7.jpg": picture(3, comment="another gender"),
        "40_1_1_9.jpg": picture(4),
        "bad.jpg": picture(5),
    }
    return write_folder(tmp_path / "faces", files)


def test_agreeing_duplicates_are_kept_once(tmp_path: Path, with_duplicates: Path) -> None:
    run(with_duplicates, tmp_path / "out", fix=FixConfig("drop-conflicts"))
    kept = ChipStore.open(tmp_path / "out").split("all")
    assert kept.names == ("10_0_0_1.jpg", "40_1_1_9.jpg")
    reasons = reasons_of(tmp_path / "out")
    assert len(reasons) == 7, "every picture is accounted for once"
    assert reasons["10_0_0_2.jpg"] == reasons["10_0_0_3.jpg"] == "duplicate of 10_0_0_1.jpg"
    for name in ("20_0_0_4.jpg", "28_0_0_5.jpg"):
        assert "8 years apart" in reasons[name]
    for name in ("30_0_0_6.jpg", "30_1_0_7.jpg"):
        assert "both genders" in reasons[name]
    assert "name is not" in reasons["bad.jpg"]


def test_conflicting_duplicates_are_used_for_training_only(
    tmp_path: Path, with_duplicates: Path
) -> None:
    for seed in range(6):
        run(with_duplicates, tmp_path / "out", seed=seed)
        for row in ChipStore.open(tmp_path / "out").manifest:
            if row.record.label.age in (20, 28, 30):
                assert row.split in ("train", "")
                assert bool(row.split) != bool(row.reason)


def test_nothing_usable(tmp_path: Path, picture: Picture, write_folder: Folder) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no usable picture among 0"):
        run(tmp_path / "empty", tmp_path / "out")
    write_folder(tmp_path / "faces", {"cat.jpg": picture(0)})
    with pytest.raises(DataError, match=r"among 1: 1 name is not.*\(first: cat\.jpg\)"):
        run(tmp_path / "faces", tmp_path / "out")
    damaged = {f"{age}_0_0_2017.jpg": b"damaged" for age in (20, 21)}
    write_folder(tmp_path / "more", {"cat.jpg": picture(0), **damaged})
    with pytest.raises(DataError) as raised:
        run(tmp_path / "more", tmp_path / "out")
    message = str(raised.value)
    assert message.index("2 ") < message.index("(first: 20_0_0_2017.jpg)") < message.index("1 name")
    assert not (tmp_path / "out").exists(), "no empty folder to be taken for a set"


def test_a_missing_source_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder or archive"):
        run(tmp_path / "nowhere", tmp_path / "out")
    assert not is_prepared(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_name_that_is_not_unicode_is_reported(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    folder = write_folder(tmp_path / "faces", {"10_0_0_1.jpg": picture(1)})
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.jpg")).write_bytes(picture(2))
    except (OSError, UnicodeError):
        pytest.skip("this file system has Unicode names only")
    run(folder, tmp_path / "out")
    assert len(reasons_of(tmp_path / "out")) == 1


def test_the_same_again_does_nothing(tmp_path: Path, faces: Path) -> None:
    first = run(faces, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    again = run(faces, tmp_path / "out")
    assert again.unchanged
    assert not again.written
    assert again.split_hash == first.split_hash
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert not run(faces, tmp_path / "out", seed=4).unchanged


def test_more_pictures_are_added_without_decoding_the_others(
    tmp_path: Path, faces: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(faces, tmp_path / "out")
    former = {row.record.name: row.split for row in ChipStore.open(tmp_path / "out").manifest}
    for index in range(5):
        (faces / f"5{index}_0_1_{index}.jpg").write_bytes(picture(100 + index))
    decoded = count_decoded(monkeypatch)
    run(faces, tmp_path / "out")
    assert len(decoded) == 5
    now = {row.record.name: row.split for row in ChipStore.open(tmp_path / "out").manifest}
    assert {name: now[name] for name in former} == former, "nobody moved"
    run(faces, tmp_path / "fresh")
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "fresh")


def test_a_dry_run_writes_nothing(tmp_path: Path, faces: Path) -> None:
    dry = run(faces, tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()
    wet = run(faces, tmp_path / "out")
    assert (dry.written, wet.written) == (False, True)
    assert dry.splits == wet.splits
    assert dry.audit == wet.audit


def test_two_sources_of_one_name_stay_apart(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    folders = [tmp_path / parent / "faces" for parent in ("a", "b")]
    for number, folder in enumerate(folders):
        files = {name: picture(50 * number + index) for index, name in enumerate(names(12))}
        write_folder(folder, files)
    prepare(config_of(tmp_path / "out", *folders))
    chips = ChipStore.open(tmp_path / "out").split("all")
    assert Counter(chips.sources) == {"faces": 12, "faces-2": 12}


def test_photographs_with_a_manifest(tmp_path: Path, examples: Path) -> None:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("portrait.jpg", "couple.jpg", "landscape.jpg"):
        (folder / name).write_bytes((examples / name).read_bytes())
    (folder / "labels.csv").write_text(
        "path,age,gender\nportrait.jpg,22,female\ncouple.jpg,45,m\nlandscape.jpg,30,0\n"
    )
    prepare(
        PrepareConfig(
            sources=(folder,), out=tmp_path / "out", chip_size=64, split=SplitConfig(0, 0, 0)
        )
    )
    store = ChipStore.open(tmp_path / "out")
    assert sorted(store.split("train").names) == ["couple.jpg", "portrait.jpg"]
    assert reasons_of(tmp_path / "out") == {"landscape.jpg": "no face was found"}
    assert not any(row.record.aligned for row in store.manifest)


class Framed:
    """Finds one face in every picture: all of it, enlarged by ``zoom``."""

    def __init__(self, zoom: float) -> None:
        self._zoom = zoom

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        width = float(rgb.shape[1])
        points = utkface_contract(64).at_size(int(width * self._zoom)).template
        return [Face((0.0, 0.0, width, width), 0.9, points)]  # type: ignore[arg-type]


@pytest.fixture
def photographs(tmp_path: Path, picture: Picture, write_folder: Folder) -> Path:
    """Nine photographs of 64 x 80 pixels, and one aligned chip."""
    files = {name: picture(index, 64, 80) for index, name in enumerate(names(9))}
    return write_folder(tmp_path / "photographs", {**files, "33_0_0_9.jpg.chip.jpg": picture(9)})


@pytest.fixture
def yunet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Another detector than RetinaFace; both are replaced by ``Framed``."""

    def open_framed(choice: str, min_face: float | None = None) -> Framed:
        return Framed(1.0 if choice == "retinaface" else 0.8)

    monkeypatch.setattr(workers_module, "open_detector", open_framed)
    (tmp_path / "yunet.onnx").write_bytes(b"weights")
    return f"yunet:{tmp_path / 'yunet.onnx'}"


def test_the_set_records_its_detector(tmp_path: Path, photographs: Path, yunet: str) -> None:
    options = SourceOptions()
    run(photographs, tmp_path / "out", options=options)
    store = ChipStore.open(tmp_path / "out")
    assert store.detector == store.description["detector"] == {"name": "retinaface", "file": None}
    run(photographs, tmp_path / "out", options=options, detector=yunet)
    found = ChipStore.open(tmp_path / "out").detector
    assert found == {"name": "yunet", "file": hashlib.sha256(b"weights").hexdigest()[:16]}
    moved = tmp_path / "elsewhere.onnx"
    moved.write_bytes(b"weights")
    assert run(photographs, tmp_path / "out", options=options, detector=f"yunet:{moved}").unchanged


def test_another_detector_reuses_aligned_chips_only(
    tmp_path: Path, photographs: Path, yunet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SourceOptions()
    run(photographs, tmp_path / "out", options=options)
    decoded = count_decoded(monkeypatch)
    run(photographs, tmp_path / "out", options=options, detector=yunet)
    assert len(decoded) == 9, "every photograph, but not the chip"
    run(photographs, tmp_path / "fresh", options=options, detector=yunet)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "fresh")


def test_a_set_of_a_former_version_was_made_with_retinaface(
    tmp_path: Path, photographs: Path, yunet: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SourceOptions()
    run(photographs, tmp_path / "out", options=options)
    store_file = tmp_path / "out" / STORE_FILE
    description = json.loads(store_file.read_text())
    del description["detector"]
    write_json(store_file, description)
    assert ChipStore.open(tmp_path / "out").detector == {"name": "retinaface", "file": None}
    decoded = count_decoded(monkeypatch)
    assert run(photographs, tmp_path / "out", options=options).unchanged
    assert not decoded
    assert not run(photographs, tmp_path / "out", options=options, detector=yunet).unchanged
    assert len(decoded) == 9


def test_a_wrong_detector_is_refused_before_any_work(tmp_path: Path, faces: Path) -> None:
    with pytest.raises(ConfigError, match="choose retinaface or yunet:FILE"):
        run(faces, tmp_path / "out", detector="mtcnn")
    with pytest.raises(UsageError, match=r"none\.onnx: cannot be read"):
        run(faces, tmp_path / "out", detector="yunet:none.onnx")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("setting", ["drop", "split_file"])
def test_a_damaged_list_is_refused_before_any_work(
    tmp_path: Path, faces: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.csv").write_text("nothing\nuseful\n")
    decoded = count_decoded(monkeypatch)
    with pytest.raises(DataError, match="lacks the column"):
        run(faces, tmp_path / "out", **{setting: tmp_path / "list.csv"})
    assert not decoded
    assert not (tmp_path / "out").exists()


def test_copies_of_a_dropped_picture_are_dropped(tmp_path: Path, with_duplicates: Path) -> None:
    run(with_duplicates, tmp_path / "before")
    before = reasons_of(tmp_path / "before")
    copy, reason = next(item for item in before.items() if item[1].startswith("duplicate of "))
    kept = reason.removeprefix("duplicate of ")
    (tmp_path / "list.csv").write_text(f"file,drop\n{kept},yes\n")
    run(with_duplicates, tmp_path / "after", drop=tmp_path / "list.csv")
    after = reasons_of(tmp_path / "after")
    assert after[kept] == "in the list of pictures to drop"
    assert after[copy] == "same photograph and label as one in the list of pictures to drop"


def test_a_wrong_extension_is_listed_and_the_picture_kept(
    tmp_path: Path, picture: Picture, write_folder: Folder
) -> None:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(picture(1, 64))).save(buffer, "JPEG")
    files = {"10_0_0_1.png": buffer.getvalue(), "20_0_0_2.png": picture(2)}
    result = run(write_folder(tmp_path / "faces", files), tmp_path / "out")
    assert result.audit is not None
    assert result.audit.wrong_extensions == ("10_0_0_1.png",)
    assert result.audit.kept == 2


def test_similar_pictures_are_not_all_near_duplicates(tmp_path: Path, write_folder: Folder) -> None:
    random_values = random.Random(0)
    files = {}
    for index, name in enumerate(names(40)):
        face = Image.radial_gradient("L").resize((64, 64)).convert("RGB")
        face.putpixel((index % 64, 20), (random_values.randrange(256), 0, 0))
        buffer = io.BytesIO()
        face.save(buffer, "PNG")
        files[name] = buffer.getvalue()
    result = run(write_folder(tmp_path / "drawn", files), tmp_path / "out")
    assert sum(result.splits.values()) == 40
    assert min(result.splits.values()) > 0
    assert result.audit is not None
    assert result.audit.fix.max_distance == -1
