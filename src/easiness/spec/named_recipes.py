"""Recipes by name, and recipes as users give them: a name, a TOML file, or settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, nearest
from easiness.regular_file import at_home
from easiness.spec.recipe import Recipe, quoted, read_recipe

RECIPES: Mapping[str, Mapping[str, Any]] = {
    "paper": {},
    "short": {"period": "epochs", "alpha": 0.003, "translation": 0.0, "crop_scale": 0.35},
}
"""What each named recipe changes of `Recipe`, whose own settings are the paper's.

``short`` is for trainings of a few epochs: its step size, three times the paper's, comes down to nothing with
the last step, and images are mirrored and hardly moved (docs/results/recipes.md has what it gains).
"""

DEFAULT_RECIPE = "short"
"""The recipe of a new run of ``measure``."""

# torchvision's networks without batch normalization, for which a larger step was not tried
_PAPERS_STEP = {"alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "squeezenet1_0", "squeezenet1_1"}

BASE = "base"
"""Beside settings, the name of the recipe that they change; the paper's where it is left out."""


def named_recipe(name: str, model: str) -> dict[str, Any]:
    """What the named recipe changes of `Recipe` for a network.

    AlexNet, VGG and SqueezeNet without batch normalization keep the paper's step size in each.
    """
    settings = dict(RECIPES[name])
    if model in _PAPERS_STEP:
        settings.pop("alpha", None)
    return settings


def recipe_settings(recipe: Mapping[str, Any] | str | Path | None, *, model: str = "") -> dict[str, Any]:
    """Settings as a dict, with the name of the recipe that they change under ``base``."""
    if recipe is None:
        return {BASE: "paper"}
    if isinstance(recipe, str) and recipe in RECIPES:
        return {BASE: recipe}
    origin = "recipe"
    if isinstance(recipe, str | Path):
        origin = str(recipe)
        if not at_home(recipe).suffix and not at_home(recipe).is_file():
            raise BadInput(
                f"recipe {origin or repr(origin)}: unknown{nearest(origin, RECIPES)}; "
                f"give {' or '.join(RECIPES)}, or a TOML file"
            )
        recipe = read_recipe(at_home(recipe), model=model)
    if not isinstance(recipe, Mapping):
        raise BadInput(f"recipe {recipe!r}: give {' or '.join(RECIPES)}, a TOML file, or settings as a dict")
    settings = {BASE: "paper", **recipe}
    if settings[BASE] not in tuple(RECIPES):
        raise BadInput(f"{origin}: {BASE}: give {' or '.join(RECIPES)}, not {quoted(settings[BASE])}")
    return settings


def describe_recipe(recipe: Recipe) -> str:
    """The named recipe that is nearest, and what differs: ``short, but flip = 0.0``."""
    ours = recipe.model_dump()
    unused = recipe.unused() - {"crop", "reduce"}
    differences = {}
    for name, settings in RECIPES.items():
        theirs = Recipe.model_validate(settings).model_dump()
        differences[name] = [
            f"{key} = {value}" for key, value in ours.items() if value != theirs[key] and key not in unused
        ]
    nearest_name = min(differences, key=lambda name: len(differences[name]))
    changed = differences[nearest_name]
    return nearest_name + (f", but {', '.join(changed)}" if changed else "")
