"""Recipes and their TOML form; fields that are added later are in these tests from the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from utkage.core.errors import ConfigError
from utkage.core.settings import field_docs, field_types
from utkage.core.toml_file import parse_toml
from utkage.data.augment import AugmentConfig
from utkage.training.config import TrainConfig
from utkage.training.recipe import SYSTEMS, Recipe
from utkage.training.systems.seed.config import SeedConfig

KINDS = (TrainConfig, SeedConfig, AugmentConfig)


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Anything of a type, often within the ranges that settings have."""
    if get_origin(hint) is tuple:
        items = get_args(hint)
        if items[-1] is Ellipsis:
            return st.lists(values_of(items[0]), min_size=1, max_size=4).map(tuple)
        return st.tuples(*map(values_of, items))
    simple: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        int: st.integers(0, 600) | st.integers(32, 512),
        float: st.floats(0, 1) | st.floats(0, 20),
        str: st.text(st.characters(codec="utf-8"), min_size=1),
    }
    return simple[hint] if hint in simple else st.from_type(hint)


@st.composite
def configs(draw: st.DrawFn, kind: type[Any]) -> Any:
    hints = field_types(kind)
    chosen = draw(st.lists(st.sampled_from(sorted(hints)), max_size=4, unique=True))
    try:
        return kind(**{name: draw(values_of(hints[name])) for name in chosen})
    except ConfigError:
        assume(False)


@settings(suppress_health_check=[HealthCheck.filter_too_much], max_examples=200)
@given(st.data())
def test_every_valid_recipe_is_read_back(data: st.DataObject) -> None:
    system = data.draw(st.sampled_from(sorted(SYSTEMS)))
    recipe = Recipe(
        system,
        data.draw(st.booleans()),
        data.draw(configs(SYSTEMS[system])),
        data.draw(configs(AugmentConfig)),
    )
    for provenance in (None, {"command": "utkage", "versions": {"torch": "2"}, "none": None}):
        text = recipe.to_toml(provenance)
        assert Recipe.from_tables(parse_toml(text), "text") == recipe


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_documented(kind: type[Any]) -> None:
    assert set(field_docs(kind)) == set(field_types(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_can_be_set(kind: type[Any]) -> None:
    system = "seed" if kind is SeedConfig else "multitask"
    recipe = Recipe(system, training=SYSTEMS[system]())
    table = "augmentation" if kind is AugmentConfig else "training"
    for name, value in recipe.to_tables()[table].items():
        if value is None:
            continue
        typed = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        typed = typed.lower() if isinstance(value, bool) else typed
        key, parsed = recipe.parse(f"{table}.{name}={typed}")
        assert recipe.changed({key: parsed}) == recipe


def test_a_partial_file_has_defaults_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('[training]\nepochs = 3\nlearning_rate = 1\n[provenance]\nanything = "x"\n')
    with pytest.raises(ConfigError, match=r"my.toml, \[training\]: learning_rate is 1.0; it must"):
        Recipe.read(path)
    path.write_text("[training]\nepochs = 3\n[augmentation]\nflip = 1\n")
    assert Recipe.read(path) == Recipe(
        training=TrainConfig(epochs=3), augmentation=AugmentConfig(flip=1.0)
    )
    path.write_text("")
    assert Recipe.read(path) == Recipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs = 3", "x: 'epochs' is a setting of [training]"),
        ("flip = 0", "x: 'flip' is a setting of [augmentation]"),
        ("sytem = 'seed'", "x: there is no setting 'sytem'; the nearest is 'system'"),
        ("system = 'tree'", "x: system is 'tree'; choose multitask or seed"),
        ("system = 3", "x: system = 3: must be a string"),
        (
            "[training]\nepoch = 3",
            "x, [training]: there is no setting 'epoch'; the nearest is 'epo",
        ),
        ("[training]\nflip = 0", "x, [training]: 'flip' is a setting of [augmentation]"),
        ("[training]\nepochs = 'many'", "x, [training]: epochs = 'many': must be a whole number"),
        ("[training]\nsizes = [64, 'big']", "must be a list of whole numbers"),
        ("[training]\nepochs = 0", "x, [training]: epochs is 0; it must be at least 1"),
        ("[training]\ntensorboard = true", "is a setting of no table; write it above the first"),
        ("[training]\nrange_feed = 'true'", 'is a setting of system = "seed"'),
        ("training = 3", "x, [training]: must be a table"),
        ("system = 'seed'\n[training]\nl1_weight = 1", 'is a setting of system = "multitask"'),
        (
            "[augmentation]\nflipp = 1",
            "x, [augmentation]: there is no setting 'flipp'; the nearest",
        ),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe.from_tables(parse_toml(text), "x")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("epochs=3", ("training.epochs", 3)),
        ("training.epochs = 3", ("training.epochs", 3)),
        ("sizes=128,160", ("training.sizes", (128, 160))),
        ("augmentation.flip=0", ("augmentation.flip", 0.0)),
        ("init=a=b.safetensors", ("training.init", "a=b.safetensors")),
        ("tensorboard=true", ("tensorboard", True)),
    ],
)
def test_assignments(typed: str, expected: tuple[str, object]) -> None:
    assert Recipe().parse(typed) == expected


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("epochs", "give key=value"),
        ("epoch=3", "the nearest is 'epochs'"),
        ("flip=0", "'flip' is a setting of [augmentation]; write augmentation.flip"),
        ("augmentation.epochs=0", "write training.epochs"),
        ("augment.flip=0", "the nearest is 'augmentation'"),
        ("epochs=3.5", "--set epochs=3.5: must be a whole number"),
        ("epochs=", "must be a whole number"),
    ],
)
def test_assignments_that_cannot_be(typed: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Recipe().parse(typed)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"--set {typed}: ")


def test_changes_are_checked_together() -> None:
    recipe = Recipe(training=TrainConfig(epochs=3, sizes=(64, 96, 128)))
    changed = recipe.changed({"training.epochs": 1, "training.sizes": (64,)})
    assert changed.training == replace(recipe.training, epochs=1, sizes=(64,))
    with pytest.raises(ConfigError, match="sizes"):
        recipe.changed({"training.epochs": 1})


def test_a_recipe_has_the_fields_of_its_system() -> None:
    with pytest.raises(ConfigError, match="SeedConfig is not for system multitask"):
        Recipe("multitask", training=SeedConfig())
    with pytest.raises(ConfigError, match="choose multitask or seed"):
        Recipe("tree")


def test_the_file_explains_itself() -> None:
    text = Recipe().to_toml()
    assert "# Passes over the training split.\nepochs = 50\n" in text
    assert "\nsizes = [192]\n" in text
    assert "[provenance]" not in text
