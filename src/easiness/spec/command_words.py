"""Command lines of ``easiness``, to be copied: put together from values of options by their fields."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from easiness.spec.data_ref import DatasetRef
from easiness.spec.loading import Loading
from easiness.spec.named_recipes import RECIPES, named_recipe
from easiness.spec.option import Option, options_of
from easiness.spec.options import Training
from easiness.spec.recipe import Recipe
from easiness.spec.trial import RunSpec


def command_line(command: str, *words: object, always: Container[str] = ()) -> str:
    """The line that calls a command with these words, as a shell takes it.

    A value of options (`Loading`, ...) gives those of its fields that differ from their defaults, and of the
    fields named in ``always``; any other word is typed as it is.
    """
    return " ".join(command_parts(command, *words, always=always))


def command_parts(command: str, *words: object, always: Container[str] = ()) -> tuple[str, ...]:
    """The same line in parts: the command with its arguments, then each option with its value."""
    parts = [["easiness", command]]
    for word in words:
        if is_dataclass(word):
            parts += _options_typed(word, always)
        elif str(word).startswith("-"):
            parts.append([str(word)])
        else:
            parts[-1].append(str(word))
    return tuple(map(shlex.join, parts))


def _options_typed(options: Any, always: Container[str]) -> Iterator[list[str]]:
    known = options_of(type(options))
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name in known and (value != field.default or field.name in always):
            yield _typed(known[field.name][1], value)


def _typed(option: Option, value: Any) -> list[str]:
    """The words that set an option to a value."""
    if option.words is not None:
        return [option.flag, next(word for word, meant in option.words.items() if meant == value)]
    on, _, off = option.flag.partition("/")
    if isinstance(value, bool):
        return [on if value else off]
    if isinstance(value, Mapping):
        value = [f"{ours}={theirs}" for ours, theirs in value.items()]
    items = value if isinstance(value, list | tuple) else [value]
    return [on, ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in items)]


def loading_of(data: DatasetRef) -> Loading:
    """The options by which any command that takes the source loads the same examples."""
    names = {field.name for field in fields(Loading)} & set(DatasetRef.model_fields)
    return Loading(**{name: getattr(data, name) for name in names})


def training_of(spec: RunSpec, network: str | None = None) -> Training:
    """The options by which a study trains as the run did.

    Of a run on features it is of the ``network``. What a TOML file has changed beside a recipe with a name,
    batches and the size of photos cannot be typed.
    """
    if spec.heads is not None:  # heads are no network to train
        return Training(model=network, seed=spec.seed)
    recipe, usual = spec.recipe.model_dump(), Recipe()
    named = None
    for name in RECIPES:
        changes = Recipe.model_validate(named_recipe(name, spec.model)).model_dump(include=set(RECIPES[name]))
        if changes and changes.items() <= recipe.items():
            named = name
    batch_size = spec.recipe.batch_size
    return Training(
        model=spec.model,
        epochs=spec.epochs,
        recipe=named,
        batch_size=None if batch_size == usual.batch_size else batch_size,
        image_size=spec.recipe.crop or None,
    )
