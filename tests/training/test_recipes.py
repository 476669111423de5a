"""The recipes that ship, and how a command line becomes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from utkage.core.errors import ConfigError, UsageError
from utkage.data.augment import AugmentConfig
from utkage.training.config import TrainConfig
from utkage.training.recipe import Recipe
from utkage.training.recipes import (
    CPU_GENDER_WIDTH,
    resolve_recipe,
    shipped_recipe,
    shipped_recipes,
)
from utkage.training.systems.seed.config import SeedConfig

NAMES = ("best", "default", "fast", "seed")


def test_those_that_ship_and_what_they_are_for() -> None:
    recipes = shipped_recipes()
    assert tuple(recipe.name for recipe in recipes) == NAMES
    for recipe in recipes:
        assert recipe.text.startswith(f"# {recipe.purpose}\n")
        assert recipe.purpose.endswith(".")
        # Whatever a recipe starts from besides the package is said in its second line.
        init = getattr(resolve_recipe(recipe.name, device="cpu").training, "init", "scratch")
        assert (recipe.needs == "") == (init in ("shipped", "scratch")), recipe.name
        assert init in recipe.needs or not recipe.needs
        assert resolve_recipe(recipe.name, device="cpu").system == recipe.system


def test_nothing_asked_for_is_the_defaults_of_the_program() -> None:
    assert resolve_recipe() == resolve_recipe("default") == Recipe()
    assert Recipe() == Recipe("multitask", False, TrainConfig(), AugmentConfig())
    assert TrainConfig().epochs == 50


def test_the_seed_recipe_is_the_defaults_of_its_system() -> None:
    by_name = resolve_recipe("seed", options={"gender_width": 1.0})
    assert by_name == Recipe("seed", training=SeedConfig())
    assert resolve_recipe(options={"system": "seed", "gender_width": 1.0}) == by_name
    assert resolve_recipe(assignments=["system=seed", "gender_width=1"]) == by_name


def test_the_gender_model_is_narrow_on_a_cpu_unless_somebody_says() -> None:
    def width(**settings: object) -> float:
        recipe = resolve_recipe("seed", device="cpu", **settings)  # type: ignore[arg-type]
        assert isinstance(recipe.training, SeedConfig)
        return recipe.training.gender_width

    assert width() == CPU_GENDER_WIDTH
    assert width(assignments=["gender_width=0.5"]) == 0.5
    assert width(options={"gender_width": 0.125}) == 0.125


def test_a_file_that_says_the_width_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('system = "seed"\n[training]\ngender_width = 1\n')
    assert resolve_recipe(str(path), device="cpu").training == SeedConfig()


def test_what_comes_later_wins(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text(
        "[training]\nepochs = 3\nbatch_size = 3\nseed = 3\n[augmentation]\nflip = 0.3\n"
    )
    recipe = resolve_recipe(
        str(path),
        assignments=["batch_size=8", "seed=4", "seed=5", "augmentation.flip=0.4"],
        options={"seed": 6, "sizes": (64, 96), "tensorboard": True, "init": None},
    )
    assert recipe == Recipe(
        tensorboard=True,
        training=TrainConfig(epochs=3, batch_size=8, seed=6, sizes=(64, 96)),
        augmentation=AugmentConfig(flip=0.4),
    )


def test_a_run_folder_is_its_config(tmp_path: Path) -> None:
    recipe = Recipe(training=TrainConfig(epochs=7))
    (tmp_path / "config.toml").write_text(recipe.to_toml({"command": "utkage train"}))
    assert resolve_recipe(str(tmp_path)) == recipe


def test_a_file_of_a_recipes_name_is_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("best").write_text("[training]\nepochs = 2\n")
    assert resolve_recipe("best") == Recipe(training=TrainConfig(epochs=2))


@pytest.mark.parametrize(
    ("choice", "options", "message"),
    [
        ("none.toml", {}, "none.toml: cannot be read"),
        ("bets", {}, "bets: no such file, recipe or run; there are the recipes best, default"),
        (None, {"system": "tree"}, "`system` tree: choose multitask or seed"),
        ("best", {"system": "seed"}, "`system` seed: recipe best is for system multitask"),
        ("seed", {"learning_rate": 0.1}, "`learning_rate`: the seed system has no such setting"),
        ("fast", {"gender_width": 1.0}, "`gender_width`: the multitask system has no such"),
        ("seed", {"sizes": (64, 96)}, "`sizes` 64,96: the seed system takes one size"),
        (
            "best",
            {"epochs": 1, "sizes": (96, 128)},
            "sizes is (96, 128); it must be no more than 1 ep",
        ),
    ],
)
def test_what_cannot_be(choice: str | None, options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_recipe(choice, options=options, device="cpu")
    assert message in str(caught.value)


def test_unknown_recipes_name_the_nearest() -> None:
    assert shipped_recipe("fast").name == "fast"
    with pytest.raises(UsageError, match="the nearest is fast"):
        shipped_recipe("fastt")
    with pytest.raises(UsageError, match="there are best, default, fast, seed"):
        shipped_recipe("zzz")
