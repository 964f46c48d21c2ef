"""The plan of a run on features: whose vectors, which shares, and what is checked before any is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import torch

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import AUTO_NAME, INPUTS_NAME, FeatureSource, find_features
from easiness.heads import MOST_LOGITS
from easiness.inputs import VECTOR, Signature
from easiness.models import build_model
from easiness.runs.plan import UNDECIDED, Plan, make_plan, recipe_asked
from easiness.runs.source import given_data
from easiness.spec import (
    ALL,
    BOOSTING,
    DEFAULT_RECIPE,
    MOST,
    NOT_BY_STEPS,
    RIDGE,
    SHARES,
    FeaturesRef,
    Featuring,
    Heads,
    Loading,
    Probe,
    Recipe,
    Recording,
    RunSpec,
    Training,
    at_least,
    check_shares,
    content_hash,
    fraction_of,
)

_FEWEST_OF_A_CLASS = 2
_OF_FEWEST = (0.5,)  # the share of four examples, which five folds are too many for
_ANY_WIDTH = 8  # of vectors, to see that a network takes such


def plan_of(
    source: Any,
    training: Training,
    trials: int,
    *,
    featuring: Featuring = Featuring(),
    loading: Loading = Loading(),
    recording: Recording = Recording(),
    device: str = "cpu",
) -> Plan:
    """The plan of a run of networks, or of heads where there are ``features``; as `make_plan`.

    Vectors are features themselves to the models ``ridge`` and ``boosting``. The ``device`` is what makes
    features.
    """
    given = featuring.features
    if given is None and training.model not in NOT_BY_STEPS:
        for name, value in (("--shares", featuring.shares), ("--group", featuring.group)):
            if value is not None:
                raise BadInput(f"{name}: goes with --features; give some, or leave it out")
        return make_plan(source, training, trials, loading=loading, recording=recording)
    data = given_data(source, loading, featuring.group)
    if given is None:
        if data.kind != VECTOR:
            raise BadInput(
                f"model {training.model}: fits heads on features; name some with --features, such as auto"
            )
        given = INPUTS_NAME
    _check_examples(data)
    several = isinstance(given, list | tuple) and not _is_numbers(given)
    features = list(given) if several else [given]
    model = training.model or _usual_model(features, data)
    _check_no_training(training, recording)
    if model in NOT_BY_STEPS:
        _check_no_steps(model, training)
    find = partial(find_features, data=data, download=loading.download, device=device)
    return _heads_plan(
        data, features, find, replace(training, model=model), trials, featuring.shares, recording
    )


def on_features(featuring: Featuring, training: Training) -> bool:
    """Is this a run of heads on features?"""
    return featuring.features is not None or training.model in NOT_BY_STEPS


def _is_numbers(given: Sequence[Any]) -> bool:
    """Are these the rows of one array, and not several features?"""
    if not given:
        return False
    first = given[0]
    return isinstance(first, list | tuple | Real) or getattr(first, "ndim", 2) < 2


def _heads_plan(
    data: Dataset,
    features: list[Any],
    find: Callable[[Any], FeatureSource],
    training: Training,
    trials: int,
    shares_asked: Sequence[float] | None,
    recording: Recording,
) -> Plan:
    model = training.model
    assert model is not None
    trials = at_least("--trials", trials, 1, MOST)
    seed = at_least("--seed", training.seed, 0)
    shares = _shares(data, shares_asked)
    check_rotates(trials, shares)
    epochs = None
    if model not in NOT_BY_STEPS:
        epochs = at_least("--epochs", training.epochs, 1, MOST)
        with torch.random.fork_rng(devices=[]):  # only to see that it can be built
            build_model(model, Signature((_ANY_WIDTH,)), data.num_classes)
    sources = _sources(features, find)
    heads = Heads(
        features=tuple(FeaturesRef(name=one.name, identity=one.identity, about=one.about) for one in sources),
        shares=shares,
        groups=_groups(data, shares),
        epochs=epochs,
    )
    spec = RunSpec(
        data=data.ref(),
        model=model,
        recipe=recipe_asked(data, replace(training, model=model, image_size=None), kind=VECTOR.name),
        resolved=UNDECIDED,
        probes=_probes(data, recording),
        keep_weights=recording.keep_weights,
        seed=seed,
        trials=trials,
        epochs=len(shares),
        heads=heads,
    )
    return Plan(data, spec, Signature(()), "float32", features=tuple(sources))


def _usual_model(features: list[Any], data: Dataset) -> str:
    own = all(isinstance(one, str) and one in (AUTO_NAME, INPUTS_NAME) for one in features)
    return BOOSTING if own and data.kind == VECTOR and data.traits.of_columns else RIDGE


def check_rotates(trials: int, shares: tuple[float, ...]) -> None:
    """Make sure that every example is left out as often as any other."""
    folds = fraction_of(shares[-1]).denominator
    if trials % folds:
        raise BadInput(
            f"--trials {trials}: every {folds} trials leave each example out equally often at share "
            f"{shares[-1]:g}; give a multiple, such as {-(-trials // folds) * folds}"
        )


def _check_no_steps(model: str, training: Training) -> None:
    recipe = training.recipe
    given = {
        f"--epochs {training.epochs}": training.epochs != Training.epochs,
        f"--batch-size {training.batch_size}": training.batch_size is not None,
        f"--recipe {recipe}": recipe not in (None, DEFAULT_RECIPE) and not isinstance(recipe, Recipe),
    }
    for option in filter(given.get, given):
        raise BadInput(
            f"{option}: belongs to training by steps, and {model} is fitted without; leave it out, or "
            "choose --model linear or mlp_2"
        )


def _groups(data: Dataset, shares: tuple[float, ...]) -> str | None:
    """The digest of what keeps examples together, whatever it is called; ``None`` where nothing does."""
    if data.groups is None:
        return None
    _, first, group = np.unique(data.groups.astype(str), return_index=True, return_inverse=True)
    folds = fraction_of(shares[-1]).denominator
    if len(first) < folds:
        raise BadInput(
            f"--group: {len(first)} different values, and share {shares[-1]:g} rotates over {folds} folds; "
            "give --shares whose largest is smaller, such as 0.5, or leave out --group"
        )
    order = np.argsort(np.argsort(first))
    return content_hash(order[group].tolist())


def _check_no_training(training: Training, recording: Recording) -> None:
    given = {
        f"--train-share {training.train_share:g}": training.train_share != 1,
        "--pretrained": training.pretrained,
        f"--image-size {training.image_size}": training.image_size is not None,
        f"--observe {recording.observe}": recording.observe != ALL,
        f"--precision {training.precision}": training.precision == "bfloat16",
    }
    for option in filter(given.get, given):
        raise BadInput(
            f"{option}: belongs to the training of networks; with --features heads see --shares of the "
            "examples, so leave it out"
        )


def _check_examples(data: Dataset) -> None:
    """Make sure that there are examples enough to see some of each class and to leave others out."""
    counts = np.bincount(data.labels, minlength=data.num_classes)
    if len(data) < 2 * data.num_classes:
        raise BadInput(
            f"{data.name}: {len(data)} examples of {data.num_classes} classes; features need twice as many "
            "examples as classes or more"
        )
    few = np.flatnonzero((counts > 0) & (counts < _FEWEST_OF_A_CLASS))
    if len(few):
        raise BadInput(
            f"{data.name}: class {data.classes[int(few[0])]!r} has one example, which is seen or left out; "
            "add others, or drop the class"
        )


def _shares(data: Dataset, given: Sequence[float] | None) -> tuple[float, ...]:
    """The shares asked for; of the usual ones those of two examples a class or more."""
    if given is None:
        if len(data) < fraction_of(SHARES[-1]).denominator:
            return _OF_FEWEST
        return tuple(share for share in SHARES if share * len(data) >= 2 * data.num_classes) or SHARES[-1:]
    try:
        shares = tuple(float(share) for share in given)
    except (TypeError, ValueError):
        raise BadInput(f"--shares {given!r}: give numbers between 0 and 1, such as 0.05,0.2,0.8") from None
    check_shares(shares)
    folds = fraction_of(shares[-1]).denominator
    if len(data) < folds:
        raise BadInput(
            f"share {shares[-1]:g}: rotates over {folds} folds, and {data.name} has {len(data)} examples; "
            "give a smaller one, such as 0.5"
        )
    if int(shares[0] * len(data)) < data.num_classes:
        raise BadInput(
            f"share {shares[0]:g}: {int(shares[0] * len(data))} of {len(data)} examples are fewer than the "
            f"{data.num_classes} classes; give a larger one"
        )
    return shares


def _sources(features: list[Any], find: Callable[[Any], FeatureSource]) -> list[FeatureSource]:
    found: list[FeatureSource] = []
    for one in features:
        source = find(one)
        if not isinstance(one, str | os.PathLike | FeatureSource):  # arrays and functions may share a name
            source = _renamed(source, {other.name for other in found})
        same = next((other for other in found if other.identity == source.identity), None)
        if same is not None:
            raise BadInput(f"features {source.name!r}: are the same as {same.name!r}; give each once")
        if source.name in {other.name for other in found}:
            raise BadInput(f"features {source.name!r}: are given in two versions; choose one of them")
        found.append(source)
    if not found:
        raise BadInput("--features: none are given; name some, such as auto")
    return found


def _renamed(source: FeatureSource, taken: set[str]) -> FeatureSource:
    names = (source.name, *(f"{source.name} {number}" for number in range(2, len(taken) + 2)))
    return replace(source, name=next(name for name in names if name not in taken))


def _probes(data: Dataset, recording: Recording) -> tuple[Probe, ...]:
    """Observations asked of each split; logits are kept of what was left out, where they are not too many."""
    few = {name: len(split) * data.num_classes <= MOST_LOGITS for name, split in data.splits.items()}
    keep = {"train": "all" if recording.keep_logits else "left_out", "held_out": "all"}
    return tuple(
        Probe.model_validate({"name": name, "keep_logits": keep[name] if few[name] else "none"})
        for name in data.splits
        if name in recording.splits
    )
