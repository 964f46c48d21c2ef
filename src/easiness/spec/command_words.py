"""Command lines of ``easiness``, to be copied: put together from values of options by their fields."""

from __future__ import annotations

import shlex
from collections.abc import Container, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from easiness.regular_file import in_words
from easiness.spec.data_ref import DatasetRef
from easiness.spec.option import Option, options_of
from easiness.spec.options import Featuring, Loading, Training
from easiness.spec.recipe import DEFAULT_RECIPE, RECIPES, Recipe, named_recipe
from easiness.spec.trial import NOT_BY_STEPS, RunSpec


def command_line(command: str, *words: object, always: Container[str] = ()) -> str:
    """The line that calls a command with these words, as a shell takes it.

    A value of options (`Loading`, ...) gives those of its fields that differ from their defaults, and of the
    fields named in ``always``; any other word is typed as it is.
    """
    return " ".join(command_parts(command, *words, always=always))


def command_parts(command: str, *words: object, always: Container[str] = ()) -> tuple[str, ...]:
    """The same line in parts: the command with its arguments, then each option with its value."""
    parts = [["easiness", *command.split()]]
    for word in words:
        if is_dataclass(word):
            parts += _options_in_words(word, always)
        elif str(word).startswith("-"):
            parts.append([str(word)])
        else:
            parts[-1].append(in_words(word))
    return tuple(map(shlex.join, parts))


def _options_in_words(options: Any, always: Container[str]) -> Iterator[list[str]]:
    options_by_name = options_of(type(options))
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name in options_by_name and (value != field.default or field.name in always):
            option = options_by_name[field.name][1]
            for one in value if option.several and isinstance(value, list) else [value]:
                yield _words_of(option, one)


def _words_of(option: Option, value: Any) -> list[str]:
    if option.words is not None:
        return [option.flag, next(word for word, meaning in option.words.items() if meaning == value)]
    on, _, off = option.flag.partition("/")
    if isinstance(value, bool):
        return [on if value else off]
    if isinstance(value, Mapping):
        value = [f"{ours}={theirs}" for ours, theirs in value.items()]
    items = value if isinstance(value, list | tuple) else [value]
    return [on, ",".join(f"{item:g}" if isinstance(item, float) else in_words(item) for item in items)]


def loading_of(data: DatasetRef) -> Loading:
    """The options by which any command that takes the source loads the same examples."""
    names = {field.name for field in fields(Loading)} & set(DatasetRef.model_fields)
    return Loading(**{name: getattr(data, name) for name in names})


def featuring_of(spec: RunSpec) -> Featuring:
    """The options by which a command fits heads on the same features; groups as values are ``COLUMN``."""
    heads = spec.heads
    if heads is None:
        return Featuring()
    group = None if heads.groups is None else spec.data.group or "COLUMN"
    return Featuring([one.name for one in heads.features], heads.shares, group)


def training_of(spec: RunSpec, run: Path | None = None) -> Training:
    """The options by which a command trains networks, or with `featuring_of` heads, as the run did.

    A recipe has a name, or is that of the folder of the ``run``, where it differs from the named one in more
    than batches and the size of photos. Without a folder the name that comes nearest is taken.
    """
    if spec.heads is not None:
        recipe = None if spec.model in NOT_BY_STEPS else run
        return Training(model=spec.model, epochs=spec.heads.epochs or Training.epochs, recipe=recipe)
    sizes = {"batch_size": spec.recipe.batch_size, "crop": spec.recipe.crop}
    by_name = Recipe.model_validate(named_recipe(DEFAULT_RECIPE, spec.model)).model_copy(update=sizes)
    training = Training(
        model=spec.model,
        epochs=spec.epochs,
        recipe=_nearest(spec),
        batch_size=None if sizes["batch_size"] == Recipe().batch_size else sizes["batch_size"],
        image_size=sizes["crop"] or None,
        pretrained=spec.pretrained is not None,
    )
    if run is None or by_name == spec.recipe:
        return training
    return replace(training, recipe=run, batch_size=None, image_size=None)


def _nearest(spec: RunSpec) -> str | None:
    """The recipe whose changes are all in the run's; none for the paper's, which changes nothing."""
    recipe, nearest = spec.recipe.model_dump(), None
    for name in RECIPES:
        changes = Recipe.model_validate(named_recipe(name, spec.model)).model_dump(include=set(RECIPES[name]))
        if changes and changes.items() <= recipe.items():
            nearest = name
    return nearest
