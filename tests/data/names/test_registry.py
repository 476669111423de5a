"""The grammars of file names of several data sets."""

import pytest

from utkage.data.labels import FaceLabel
from utkage.data.names.registry import GRAMMARS, label_in_name, recognise_grammar

PATHS = {
    "AgeDB": {
        "AgeDB/0_MariaCallas_35_f.jpg": FaceLabel(35, 1),
        "10_Glenn Ford_60_m.jpg": FaceLabel(60, 0),
    },
    "MORPH": {"Album2/009055_1M54.JPG": FaceLabel(54, 0), "100_0_0/332574_00F45.jpg": None},
    "AFAD": {"AFAD-Full/18/112/15-0.jpg": FaceLabel(18, 1), "40/111/9-1.jpg": FaceLabel(40, 0)},
    "FG-NET": {"images/001A43a.JPG": FaceLabel(43, None), "00001A02.jpg": FaceLabel(2, None)},
    "IMDB-WIKI": {
        "17/10000217_1981-05-05_2009.jpg": FaceLabel(28, None),
        "01/nm0000001_rm124825600_1899-10-5_1968.jpg": FaceLabel(68, None),
    },
    "CACD": {
        "53_Robin_Williams_0001.jpg": FaceLabel(53, None),
        "14_Zoë_O'Hara_0012.jpg": FaceLabel(14, None),
    },
    "folders named after genders": {
        "Training/male/090544.jpg.jpg": FaceLabel(None, 0),
        "Validation/Women/1.jpg": FaceLabel(None, 1),
    },
    "UTKFace": {"25_1_2_20170116174525125.jpg.chip.jpg": FaceLabel(25, 1, 2)},
}


@pytest.mark.parametrize("name", PATHS)
def test_each_grammar_reads_its_names(name: str) -> None:
    paths = {path: label for path, label in PATHS[name].items() if label is not None}
    grammar = recognise_grammar(tuple(paths))
    assert grammar is not None
    assert grammar.name == name
    assert {path: label_in_name(path, grammar) for path in paths} == paths


def test_every_example_is_read_by_its_grammar_alone() -> None:
    for grammar in GRAMMARS:
        found = recognise_grammar([grammar.example])
        assert found is grammar


def test_plain_names_hold_no_label() -> None:
    assert recognise_grammar(["images/0.jpg", "1.jpg", "IMG_2034.JPG", "25_1_2.jpg"]) is None
    assert recognise_grammar(["00/12.jpg", "01/13.jpg"]) is None
    assert recognise_grammar([]) is None


def test_names_without_race_are_utkface_on_request() -> None:
    paths = ["25_1_20170116174525125.jpg", "3_0_20170116174525126.jpg"]
    assert recognise_grammar(paths) is None
    grammar = recognise_grammar(paths, allow_missing_race=True)
    assert grammar is not None
    assert grammar.name == "UTKFace"
    assert label_in_name(paths[0], grammar) == FaceLabel(25, 1)
