import pytest
from matplotlib.figure import Figure


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports with empty figures, for tests of their texts: drawing takes most of their time."""
    save = Figure.savefig

    def save_blank(figure: Figure, *args: object, **options: object) -> None:
        save(Figure(figsize=(1, 1)), *args, **options)

    monkeypatch.setattr(Figure, "savefig", save_blank)
