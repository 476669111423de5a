from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.examples.demo_set import make_demo_set
from utkage.core.errors import ConfigError, DataError, UsageError
from utkage.core.reporter import SilentReporter
from utkage.evaluation.inputs.labelled_faces import FaceSelection, labelled_faces, without_seen
from utkage.faces.contract import CropContract
from utkage.preparation.prepare import PrepareConfig, prepare


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    make_demo_set(examples / "faces", folder / "chips", 12, 0)
    prepare(PrepareConfig(sources=(folder / "chips",), out=folder / "prepared", chip_size=64))
    return folder / "prepared"


def moved(contract: CropContract, share: float) -> CropContract:
    shift = share * contract.size
    points = tuple((x + shift, y) for x, y in contract.template)
    return replace(contract, template=points)


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def test_chips_of_another_crop_are_refused_unless_allowed(prepared: Path) -> None:
    from utkage.data.store import ChipStore

    contract = ChipStore.open(prepared).contract
    choice = FaceSelection(data=prepared, split="all")
    listener = Listener()
    faces = labelled_faces(choice, moved(contract, 0.005), listener)
    assert listener.warnings == []
    assert faces.split_hash == ChipStore.open(prepared).split_hash
    with pytest.raises(DataError, match=r"cropped differently.*`allow_crop=True`"):
        labelled_faces(choice, moved(contract, 0.1), listener)
    allowed = replace(choice, allow_crop=True)
    assert len(labelled_faces(allowed, moved(contract, 0.1), listener).chips) == len(faces.chips)
    assert "wrong size or place" in listener.warnings[0]


def test_training_images_and_their_duplicates_can_be_left_out(prepared: Path) -> None:
    from utkage.data.store import ChipStore

    contract = ChipStore.open(prepared).contract
    whole = labelled_faces(FaceSelection(data=prepared, split="all"), contract, SilentReporter())
    chips = whole.chips
    # The second face is a duplicate of the first.
    labelled = replace(whole, chips=replace(chips, groups=("g", "g", *chips.groups[2:])))
    training = chips.take(np.array([0])).fingerprints()
    listener = Listener()
    found = without_seen(labelled, training, listener)
    assert found.chips.names == chips.names[2:]
    assert found.skipped_seen == 2
    assert f"2 of the {len(chips)} pictures are training images" in listener.warnings[0]
    with pytest.raises(DataError, match=r"all .* are training images"):
        without_seen(labelled, chips.fingerprints(), listener)
    unseen = without_seen(labelled, np.empty(0, dtype=np.int32), SilentReporter())
    assert (len(unseen.chips), unseen.skipped_seen) == (len(chips), 0)
    with pytest.raises(ConfigError, match="exclude each other"):
        FaceSelection(data=prepared, allow_seen=True, skip_seen=True)


def test_copies_are_one_group(prepared: Path) -> None:
    from utkage.data.store import ChipStore

    store = ChipStore.open(prepared)
    chips = store.split("all")
    groups = {row.record.name: row.group for row in store.manifest}
    assert [groups[name] for name in chips.names] == list(chips.groups)
    assert chips.group_numbers.max() + 1 == len(set(chips.groups))


def test_photographs_without_a_face_are_counted(examples: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("landscape.jpg", "portrait.jpg"):
        (folder / name).write_bytes((examples / name).read_bytes())
    lines = ["path,age,gender", "landscape.jpg,30,male", "portrait.jpg,21,female"]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    from utkage.data.sources.options import SourceOptions
    from utkage.faces.contract import utkface_contract

    choice = FaceSelection(data=folder, options=SourceOptions(aligned=False))
    found = labelled_faces(choice, utkface_contract(64), Listener())
    assert found.misses == 1
    assert found.chips.names == ("portrait.jpg",)
    assert found.split is None


def test_an_unknown_detector_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`detector` nobody: choose retinaface or yunet:FILE"):
        FaceSelection(data=tmp_path, detector="nobody")


def test_the_chosen_detector_reads_the_photographs(examples: Path, tmp_path: Path) -> None:
    from utkage.data.sources.options import SourceOptions
    from utkage.faces.contract import utkface_contract

    (tmp_path / "portrait.jpg").write_bytes((examples / "portrait.jpg").read_bytes())
    (tmp_path / "labels.csv").write_text("path,age,gender\nportrait.jpg,21,female\n")
    selection = FaceSelection(
        data=tmp_path,
        options=SourceOptions(aligned=False),
        detector=f"yunet:{tmp_path / 'missing.onnx'}",
    )
    with pytest.raises(UsageError, match=r"missing\.onnx"):
        labelled_faces(selection, utkface_contract(64), Listener())
    fine = replace(selection, detector="retinaface", min_face=5000)
    with pytest.raises(DataError, match="no face was found"):
        labelled_faces(fine, utkface_contract(64), Listener())


def test_each_of_two_crops_shows_what_its_weights_need(examples: Path, tmp_path: Path) -> None:
    """Weights without a margin are scored first; the others must not see black around the face."""
    from utkage.evaluation.evaluate import evaluate
    from utkage.evaluation.request import EvaluateRequest
    from utkage.models.locate import shipped_weights
    from utkage.models.weights import rewrite_card
    from utkage.models.weights_files import read_card

    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "portrait.jpg").write_bytes((examples / "portrait.jpg").read_bytes())
    (photos / "labels.csv").write_text("path,age,gender\nportrait.jpg,21,female\n")
    card = read_card(shipped_weights())
    narrow = tmp_path / "narrow.safetensors"
    rewrite_card(shipped_weights(), replace(card, contract=card.contract.without_margin()), narrow)
    request = EvaluateRequest(data=photos, weights=str(narrow), resamples=100)
    alone = [
        evaluate(replace(request, weights=weights, out=tmp_path / f"alone{number}"))
        for number, weights in enumerate((str(narrow), "shipped"))
    ]
    both = evaluate(replace(request, compare=("shipped",), out=tmp_path / "both"))
    values = both.comparisons[0].values["mae"]
    assert values == pytest.approx([result.metrics.mae for result in alone], abs=1e-5)
    assert values[0] != values[1]


def test_several_data_sets_are_the_same_in_any_order(prepared: Path, examples: Path) -> None:
    """A prepared set whose source has the name of a folder, and two folders of one name."""
    from utkage.data.store import ChipStore

    place = prepared.parent
    for index, name in enumerate(("one", "two")):
        make_demo_set(examples / "faces", place / name / "faces", 5, index + 1)
    contract = ChipStore.open(prepared).contract
    paths = (prepared, place / "one" / "faces", place / "two" / "faces")
    found = []
    for first, *others in (paths, paths[::-1]):
        listener = Listener()
        selection = FaceSelection(data=first, further_data=tuple(others), split="all")
        found.append(labelled_faces(selection, contract, listener))
    assert (found[0].split, found[0].split_hash) == (None, None)
    chips = found[0].chips
    assert [(name, chips.sources.count(name)) for name in chips.source_names] == [
        *(("chips", 12), ("one/faces", 5), ("two/faces", 5))
    ]
    again = found[1].chips
    assert (again.names, again.sources, again.groups) == (chips.names, chips.sources, chips.groups)
    alone = labelled_faces(replace(selection, data=paths[2], further_data=()), contract, listener)
    assert np.array_equal(chips.pixels[-5:], alone.chips.pixels)


def test_pictures_in_two_data_sets_are_named(examples: Path, tmp_path: Path) -> None:
    from utkage.faces.contract import utkface_contract

    make_demo_set(examples / "faces", tmp_path / "a" / "faces", 4, 1)
    make_demo_set(examples / "faces", tmp_path / "b" / "faces", 4, 1)
    listener = Listener()
    choice = FaceSelection(data=tmp_path / "a/faces", further_data=(tmp_path / "b/faces",))
    chips = labelled_faces(choice, utkface_contract(64), listener).chips
    assert listener.warnings == ["4 pictures in more than one data set, and counted in each"]
    assert len(set(chips.group_numbers.tolist())) == 4
    assert chips.source_names == ("a/faces", "b/faces")


def test_one_label_file_is_not_that_of_several_data_sets(tmp_path: Path) -> None:
    from utkage.data.sources.options import SourceOptions

    with pytest.raises(ConfigError, match="`labels` belongs to one data set"):
        FaceSelection(
            data=tmp_path / "a",
            further_data=(tmp_path / "b",),
            options=SourceOptions(labels=tmp_path / "labels.csv"),
        )
    with pytest.raises(ConfigError, match=r"`data` .*a: named twice"):
        FaceSelection(data=tmp_path / "a", further_data=(tmp_path / "b" / ".." / "a",))


def test_training_images_do_not_hide_in_a_larger_data_set(prepared: Path) -> None:
    from utkage.data.store import ChipStore
    from utkage.evaluation.inputs.labelled_faces import guard_leakage

    chips = ChipStore.open(prepared).split("all")
    training = chips.take(np.array([0])).fingerprints()
    # 2,400 faces of another source, none of which was trained on.
    other = replace(
        chips.take(np.arange(2400) % 12),
        sources=("large",) * 2400,
        pixel_hashes=tuple(f"{row:064x}" for row in range(2400)),
    )
    both = replace(
        other,
        rows=np.r_[chips.rows, other.rows],
        sources=chips.sources + other.sources,
        pixel_hashes=chips.pixel_hashes + other.pixel_hashes,
        names=chips.names + other.names,
    )
    selection = FaceSelection(data=prepared)
    assert 0.002 * len(both) > 1
    with pytest.raises(DataError, match="1 of the 2,412 pictures are training images"):
        guard_leakage(both, training, selection, Listener())
    assert guard_leakage(both, training, replace(selection, allow_seen=True), Listener()) == 1
