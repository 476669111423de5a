from utkage.core.text import counted, cut_to_bytes, encodable, printable


def test_nouns_agree_with_their_number() -> None:
    assert [counted(number, "face") for number in (0, 1, 7200)] == [
        "0 faces",
        "1 face",
        "7,200 faces",
    ]
    assert counted(2, "copy", "copies") == "2 copies"


def test_control_characters_are_shown() -> None:
    name = "\x1b[31m\n\x7f\x9b\u202e\udcff é 👨‍👩‍👧 像\u3000.jpg"
    shown = r"\x1b[31m\n\x7f\x9b\u202e\udcff é 👨‍👩‍👧 像" + "\u3000.jpg"
    assert printable(name) == shown


def test_texts_are_cut_between_characters() -> None:
    assert cut_to_bytes("aé像", 3) == "aé"
    assert cut_to_bytes("aé像", 5) == "aé"
    assert cut_to_bytes("aé像", 6) == "aé像"
    assert encodable("a\udcff") == "a\\udcff"
