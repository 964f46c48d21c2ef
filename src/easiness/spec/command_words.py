"""How data were loaded and networks trained, as options of a command."""

from __future__ import annotations

from collections.abc import Iterator

from easiness.spec.named_recipes import RECIPES, named_recipe
from easiness.spec.recipe import Recipe
from easiness.spec.trial import DatasetRef, RunSpec


def load_words(data: DatasetRef, *, labels: bool = True) -> Iterator[tuple[str, ...]]:
    """The options by which any command that takes the source loads the same examples, each with its value.

    Without ``labels`` those of a file are left out.
    """
    if data.limit is not None:
        yield "--limit", str(data.limit)
    if data.data_root is not None:
        yield "--data-root", data.data_root
    if labels and data.labels is not None:
        yield "--labels", data.labels
    if data.holdout is not None:
        yield "--holdout", f"{data.holdout:g}"
    if data.allow_outside:
        yield ("--allow-outside",)
    if data.columns is not None:
        yield "--columns", ",".join(f"{ours}={name}" for ours, name in data.columns.items())
    if data.skip_unreadable:
        yield ("--skip-unreadable",)


def training_words(spec: RunSpec) -> Iterator[tuple[str, ...]]:
    """The options by which a study trains as the run did, each with its value.

    What a TOML file has changed beside a recipe with a name, batches and the size of photos cannot be typed.
    """
    yield "--model", spec.model
    yield "--epochs", str(spec.epochs)
    recipe, usual = spec.recipe.model_dump(), Recipe()
    for name in RECIPES:
        changes = Recipe.model_validate(named_recipe(name, spec.model)).model_dump(include=set(RECIPES[name]))
        if changes and changes.items() <= recipe.items():
            yield "--recipe", name
    if spec.recipe.batch_size != usual.batch_size:
        yield "--batch-size", str(spec.recipe.batch_size)
    if spec.recipe.crop:
        yield "--image-size", str(spec.recipe.crop)
