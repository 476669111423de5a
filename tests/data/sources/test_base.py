import pytest

from utkage.data.sources.base import Entry


def test_an_entry_has_a_label_or_a_problem() -> None:
    with pytest.raises(ValueError, match="a label or a problem"):
        Entry(name="a.jpg", content=b"", position=0, label=None, aligned=True)
