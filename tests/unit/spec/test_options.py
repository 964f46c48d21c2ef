"""An option is declared once: the public functions, which are flat, say the same as the values."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, fields
from typing import Any

import pytest

import easiness as ez
from easiness.models import ModelGiven
from easiness.spec import (
    Drawing,
    Execution,
    Loading,
    Recipe,
    Recording,
    Training,
    Trials,
    from_arguments,
    options_of,
)

KINDS: tuple[type, ...] = (Drawing, Execution, Loading, Recording, Training, Trials)
RANKED = {"pretrained", "train_share", "image_size"}
TABLES = {"text", "sound", "inputs", "label", "encoding", "rate"}
ELSEWHERE = {"data_root", "download", "allow_outside", "skip_unreadable", "columns", *TABLES}
CHOOSING = {"compile", "checkpoint_every"}
CLUSTER = {"executor", "ray_address", "jobs"}

# a public function, the values that its arguments make, and the fields that it does without
DRAWS = {"rates", "policies", "repetitions", "keep", "balanced", "other_label"}

FACES: list[tuple[Callable[..., Any], tuple[type, ...], set[str]]] = [
    (ez.measure, (Trials, Training, Loading, Recording, Execution), {"splits"}),
    (ez.ablate, (Training, Drawing, Loading, Execution), RANKED | ELSEWHERE | CHOOSING | {"other_label"}),
    (ez.corrupt, (Training, Drawing, Loading, Execution), RANKED | ELSEWHERE | CHOOSING | {"steps"}),
    (ez.verify, (Training, Loading, Execution), {"train_share"} | CHOOSING),
    (ez.validate, (Training, Loading, Execution), RANKED | CHOOSING | {"model"}),
    (ez.paper, (Loading, Execution), CHOOSING | TABLES | {"allow_outside", "skip_unreadable", "columns"}),
    (ez.prune, (Drawing,), {"rates", "policies", "repetitions", "steps", "other_label"}),
    (ez.curriculum, (Drawing,), DRAWS | {"steps"}),
    (ez.perturbation_curve, (Execution,), CHOOSING | CLUSTER),
    (ez.pseudo_patterns, (Execution,), CHOOSING | CLUSTER),
    (ez.similarity, (Execution,), CHOOSING | CLUSTER | {"cache"}),
    (ez.load_dataset, (Loading,), set()),
]


@pytest.mark.parametrize(("face", "kinds", "without"), FACES)
def test_public_functions_are_held_to_the_values(face, kinds, without):
    parameters = inspect.signature(face).parameters
    for kind in kinds:
        hints = typing.get_type_hints(kind, localns={"Recipe": Recipe})
        for field in fields(kind):
            if field.name in without:
                assert field.name not in parameters, field.name
                continue
            given = parameters[field.name]
            assert given.kind is inspect.Parameter.KEYWORD_ONLY
            if given.default is not inspect.Parameter.empty:
                by_difficulty = face is ez.prune and field.name == "score"  # not the paper's order
                assert given.default == ("difficulty" if by_difficulty else field.default), field.name
            if face is not ez.load_dataset:  # which takes any path
                # in Python a model may be what builds it, too: the value has its name
                hint = hints[field.name]
                if field.name == "model":
                    hint = ModelGiven if given.default is inspect.Parameter.empty else ModelGiven | None
                assert typing.get_type_hints(face)[field.name] == hint, field.name


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_frozen_and_each_option_is_declared_once(kind):
    value = kind()
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(kind)[0].name, None)
    others = {field.name for other in KINDS if other is not kind for field in fields(other)}
    assert not others & {field.name for field in fields(kind)}
    assert all(field.default is not MISSING for field in fields(kind))
    options = options_of(kind)
    assert {field.name for field in fields(kind)} - {"splits", "rate"} == set(options)
    assert all(option.flag.startswith("--") and option.help.endswith(".") for _, option in options.values())


def test_a_value_takes_the_arguments_of_its_fields():
    def function(limit: int, holdout: float, other: int) -> Loading:
        return from_arguments(Loading, locals())

    assert function(3, 0.5, 7) == Loading(limit=3, holdout=0.5)


def test_columns_are_read_as_names():
    read = options_of(Loading)["columns"][1].read
    assert read is not None
    assert read("path=filename, label=breed=x") == {"path": "filename", "label": "breed=x"}
    for text in ("path", "path=", "=filename", "path=a,", ""):
        with pytest.raises(ValueError, match="path=filename,label=breed"):
            read(text)


def test_inputs_are_read_as_names():
    read = options_of(Loading)["inputs"][1].read
    assert read is not None
    assert read("petal length, petal width") == ("petal length", "petal width")
    for text in ("", "a,", ",a"):
        with pytest.raises(ValueError, match="length,width"):
            read(text)
