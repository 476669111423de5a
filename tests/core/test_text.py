from utkage.core.text import counted


def test_nouns_agree_with_their_number() -> None:
    assert [counted(number, "face") for number in (0, 1, 7200)] == [
        "0 faces",
        "1 face",
        "7,200 faces",
    ]
    assert counted(2, "copy", "copies") == "2 copies"
