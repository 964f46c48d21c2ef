"""The plan of a run, of networks or of heads: all choices are checked before anything is written or made."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from easiness.analysis import check_classes_left
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import AUTO_NAME, INPUTS_NAME, FeatureSource, find_features
from easiness.gate import check_fits
from easiness.heads import MOST_LOGITS, Deal
from easiness.inputs import IMAGE, VECTOR, Signature
from easiness.lazy import Floats
from easiness.models import build_model, find_family, pretrained_file
from easiness.regular_file import at_home
from easiness.runs.source import difference, given_data
from easiness.spec import (
    ALL,
    BASE,
    BOOSTING,
    DEFAULT_RECIPE,
    MOST,
    NOT_BY_STEPS,
    RECIPES,
    RIDGE,
    SHARES,
    TRAIN,
    AnySpec,
    Draw,
    FeaturesRef,
    Featuring,
    Heads,
    Loading,
    Precision,
    Probe,
    Recipe,
    RecipeGiven,
    Recording,
    Resolved,
    RunSpec,
    Training,
    at_least,
    check_observe,
    check_shares,
    check_within,
    content_hash,
    fraction_of,
    make_recipe,
    named_recipe,
    recipe_settings,
    trial_seeds,
)
from easiness.store import digest, is_run, read_document
from easiness.training import training_set

_MOST_LOGITS = 2**28  # a gibibyte of those of examples that were left out
_BYTES_PER_LOGIT = 8  # in single precision, in the log and in the file

NO_SETTINGS = Resolved(precision="float32", channels_last=False, threads=1, reason="not decided yet")
"""Value of ``auto`` in a plan."""


@dataclass(frozen=True)
class RankedDraw:
    """Examples that a run drops or relabels, ranked_draw by their ``ranking`` [K]; see `TrialSpec`."""

    draw: Draw
    ranking: Floats
    same_steps: bool = False


@dataclass(frozen=True)
class Plan:
    """A run to be: its data, and all of its `RunSpec` but what ``auto`` will resolve to.

    The ``resolved`` of ``request`` says nothing yet. ``pretrained`` is the file of weights to start from. A
    run on features has some, and heads instead of networks. ``deal`` says how examples are dealt to folds
    where that does not go by the labels.
    """

    data: Dataset
    request: RunSpec
    signature: Signature
    precision: Precision
    pretrained: Path | None = None
    ranking: Floats | None = None
    features: tuple[FeatureSource, ...] = ()
    deal: Deal | None = None

    @property
    def trials(self) -> int:
        return self.request.trials

    @property
    def epochs(self) -> int:
        return self.request.epochs

    @property
    def model(self) -> str:
        return self.request.model

    @property
    def recipe(self) -> Recipe:
        return self.request.recipe

    @property
    def num_trained_on(self) -> int:
        return num_trained_on(len(self.data), self.request.train_share, self.request.draw)

    def of(self, trials: int) -> Plan:
        return replace(self, request=self.request.model_copy(update={"trials": trials}))

    def with_deal(self, deal: Deal) -> Plan:
        return replace(self, deal=deal, request=self.request.model_copy(update={"dealt": deal.digest}))

    def spec(self, resolved: Resolved, trials: int, epochs: int) -> RunSpec:
        """The run, with ``auto`` resolved and at the size it is to have."""
        size = {"resolved": resolved, "trials": trials, "epochs": epochs}
        return self.request.model_copy(update=size)

    def check_continues(self, existing: AnySpec, out: Path) -> None:
        different = difference(self.request, self.precision, existing)
        if different:
            raise BadInput(f"{out}: this run cannot be continued with other settings: {different}")


def make_plan(
    data: Any,
    training: Training,
    trials: int,
    *,
    loading: Loading = Loading(),
    recording: Recording = Recording(),
    ranked_draw: RankedDraw | None = None,
) -> Plan:
    """Check every choice and put the plan together; writes and trains nothing.

    The recipe is the paper's unless given. ``data`` is a `Dataset` or what `load_dataset` takes.
    """
    trials = at_least("--trials", trials, 1, MOST)
    epochs = at_least("--epochs", training.epochs, 1, MOST)
    seed = at_least("--seed", training.seed, 0)
    if training.precision not in get_args(Precision):
        raise BadInput(f"precision {training.precision!r}: unknown; choose {', '.join(get_args(Precision))}")
    observe, share = check_observe(recording.observe), training.train_share
    several = {
        f"--train-share {share:g} leaves some out": share < 1,
        f"rate {ranked_draw.draw.rate if ranked_draw else 0:g} drops some": ranked_draw
        and ranked_draw.draw.effect == "drop",
        "an epoch of as many steps as usual is no single pass": ranked_draw and ranked_draw.same_steps,
    }
    for reason in filter(several.get, several if observe == TRAIN else ()):
        raise BadInput(
            f"--observe train: every example has to be trained on once an epoch, and {reason}; "
            "observe in passes of their own (all, every:K or last)"
        )
    if training.model is not None:
        find_family(training.model)
    check_within("--train-share", share, "(0, 1]")
    data = given_data(data, loading)
    model = data.kind.network(training.model)
    recipe = recipe_asked(data, replace(training, model=model))
    if recipe.period != "epochs" and epochs > recipe.period:
        raise BadInput(
            f"--epochs {epochs}: longer than the cosine period of {recipe.period:g} epochs; "
            'set `period` in the recipe, to a number or to "epochs" for as many as are trained'
        )
    num = num_trained_on(len(data), share, None)
    if num < data.num_classes:
        raise BadInput(
            f"train share {share}: leaves {num} of {len(data)} examples to train on, "
            f"fewer than the {data.num_classes} classes; give a larger one"
        )
    signature = data.signature(recipe)
    weights = pretrained_file(model) if training.pretrained else None
    _check_builds(model, signature, data, weights)
    if ranked_draw is not None:
        if data.tags is not None:
            raise BadInput(f"{data.name}: has several tags, and labels are drawn one each; give classes")
        _check_draws(data, ranked_draw, seed, trials)
    spec = RunSpec(
        data=data.ref(),
        model=model,
        pretrained=None if weights is None else digest(weights).sha256,
        recipe=recipe,
        resolved=NO_SETTINGS,
        train_share=share,
        draw=None if ranked_draw is None else ranked_draw.draw,
        same_steps=ranked_draw is not None and ranked_draw.same_steps,
        probes=probes_of(data, recording, _kept_logits(data, recording, share), observe),
        keep_weights=recording.keep_weights,
        seed=seed,
        trials=trials,
        epochs=epochs,
    )
    ranking = None if ranked_draw is None else ranked_draw.ranking
    return Plan(data, spec, signature, training.precision, weights, ranking)


def _check_builds(model: str, signature: Signature, data: Dataset, weights: Path | None = None) -> None:
    if data.tags is not None and data.num_outputs < 2:
        remedy = "give its values as two classes, or features with --model ridge"
        raise BadInput(f"{data.name}: has one tag, and networks learn two or more; {remedy}")
    with torch.random.fork_rng(devices=[]):
        build_model(model, signature, data.num_outputs, weights)


def probes_of(
    data: Dataset, recording: Recording, keep_logits: Mapping[str, str], observe: str = ALL
) -> tuple[Probe, ...]:
    # a held-out split is never trained on
    when = {"train": observe, "held_out": ALL if observe == TRAIN else observe}
    return tuple(
        Probe.model_validate({"name": name, "keep_logits": keep_logits[name], "observe": when[name]})
        for name in data.splits
        if name in recording.splits
    )


def _kept_logits(data: Dataset, recording: Recording, train_share: float) -> dict[str, str]:
    num = max(map(len, data.splits.values()))
    if recording.keep_logits:
        what = f"logits of {num:,} examples for {data.num_classes:,} classes (--keep-logits)"
        check_fits(_BYTES_PER_LOGIT * num * data.num_classes, what, "leave out --keep-logits")
        return dict.fromkeys(data.splits, "all")
    few = train_share < 1 and num * data.num_outputs <= _MOST_LOGITS
    return {"train": "left_out" if few else "none", "held_out": "none"}


def num_trained_on(num_examples: int, train_share: float, draw: Draw | None) -> int:
    if draw is not None and draw.effect == "drop":
        return num_examples - int(draw.rate * num_examples + 0.5)
    return int(train_share * num_examples + 0.5)


def _check_draws(data: Dataset, ranked_draw: RankedDraw, seed: int, trials: int) -> None:
    draw, ranking = ranked_draw.draw, ranked_draw.ranking
    for index in range(trials):
        training = training_set(data.labels, data.num_classes, 1.0, draw, ranking, trial_seeds(seed, index))
        if draw.effect == "drop":
            check_classes_left(data.labels, np.flatnonzero(~training.trained_on), data.classes)
        counts = np.bincount(training.labels, minlength=data.num_classes)
        if not counts.all():
            raise BadInput(
                f"rate {draw.rate:g}: no example has the label {data.classes[int(counts.argmin())]!r} any "
                "more; use a lower rate or more examples"
            )


def recipe_asked(data: Dataset, training: Training, kind: str | None = None) -> Recipe:
    """The recipe for these data, or for networks on examples of another ``kind`` made of them."""
    own, defaults = kind or data.kind.name, data.recipe_defaults if kind is None else {}
    recipe = recipe_of_run(training.recipe)
    origin = str(recipe) if isinstance(recipe, str | Path) else "recipe"
    if isinstance(recipe, Recipe):
        base, changes = recipe.model_dump(), {}
    else:
        model = data.kind.network(training.model)
        changes = recipe_settings(recipe, model=model)
        base = {**named_recipe(changes.pop(BASE), model), **defaults}
    if training.batch_size is not None:
        changes["batch_size"] = training.batch_size
    if training.image_size is not None:
        changes["crop"] = at_least("--image-size", training.image_size, 1)
    if training.image_size is not None and data.kind.name != IMAGE.name:
        size = training.image_size
        raise BadInput(f"--image-size {size}: the examples are {data.kind.nouns}; leave it out")
    return make_recipe(base, changes, origin=origin, kind=own)


def with_recipe(training: Training, out: Path) -> Training:
    """Fill in the recipe: as given, else that of the run in ``out``, else the default of new runs.

    So the recipe of a run never changes, whatever the default was when it was begun.
    """
    if training.recipe is not None:
        return replace(training, recipe=recipe_of_run(training.recipe))
    there = read_document(out).spec.measured if is_run(out) else None
    return replace(training, recipe=DEFAULT_RECIPE if there is None else there.recipe)


def recipe_of_run(recipe: RecipeGiven) -> RecipeGiven:
    """The recipe of a run where its folder is given, and anything else as it is."""
    if not isinstance(recipe, str | Path) or recipe in RECIPES or not is_run(at_home(recipe)):
        return recipe
    spec = read_document(at_home(recipe)).spec.measured
    if spec is None:
        raise BadInput(f"recipe {recipe}: was recorded, and has none; give paper, short or a TOML file")
    return spec.recipe


_FEWEST_OF_A_CLASS = 2
_OF_FEWEST = (0.5,)  # the share of four examples, which five folds are too many for
_ANY_WIDTH = 8  # of vectors, to see that a network takes such


def plan_of(
    data: Any,
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
    if not on_features(featuring, training):
        needless = {"--shares": featuring.shares is not None, "--group": featuring.group is not None}
        _refuse(needless, "goes with --features; give some, or leave it out")
        return make_plan(data, training, trials, loading=loading, recording=recording)
    data = given_data(data, loading, featuring.group)
    features = _features(data, featuring, training)
    training = replace(training, model=(model := training.model or _usual_model(features, data)))
    _check_examples(data, model)
    _check_no_training(training, recording)
    trials = at_least("--trials", trials, 1, MOST)
    shares = _shares(data, featuring.shares)
    check_rotates(trials, shares)
    epochs = None if model in NOT_BY_STEPS else at_least("--epochs", training.epochs, 1, MOST)
    if epochs is not None:
        _check_builds(model, Signature((_ANY_WIDTH,)), data)
    sources = _sources(features, partial(find_features, data=data, download=loading.download, device=device))
    # logits are kept of what was left out, where they are not too many
    keep = {"train": "all" if recording.keep_logits else "left_out", "held_out": "all"}
    for name, split in data.splits.items():
        keep[name] = keep[name] if len(split) * data.num_outputs <= MOST_LOGITS else "none"
    spec = RunSpec(
        data=data.ref(),
        model=model,
        recipe=recipe_asked(data, replace(training, image_size=None), kind=VECTOR.name),
        resolved=NO_SETTINGS,
        probes=probes_of(data, recording, keep),
        keep_weights=recording.keep_weights,
        seed=at_least("--seed", training.seed, 0),
        trials=trials,
        epochs=len(shares),
        heads=Heads(
            features=tuple(
                FeaturesRef(name=one.name, identity=one.identity, about=one.about) for one in sources
            ),
            shares=shares,
            groups=_groups(data, shares),
            epochs=epochs,
        ),
    )
    return Plan(data, spec, Signature(()), "float32", features=tuple(sources))


def on_features(featuring: Featuring, training: Training) -> bool:
    return featuring.features is not None or training.model in NOT_BY_STEPS


def _features(data: Dataset, featuring: Featuring, training: Training) -> list[Any]:
    names = featuring.features
    if names is None and data.kind != VECTOR:
        raise BadInput(
            f"model {training.model}: fits heads on features; name some with --features, such as auto"
        )
    names = INPUTS_NAME if names is None else names
    return list(names) if isinstance(names, list | tuple) and not _is_numbers(names) else [names]


def _is_numbers(features: Sequence[Any]) -> bool:
    first = features[0] if features else ""
    return isinstance(first, list | tuple | Real) or getattr(first, "ndim", 2) < 2


def _usual_model(features: list[Any], data: Dataset) -> str:
    own = all(isinstance(one, str) and one in (AUTO_NAME, INPUTS_NAME) for one in features)
    return BOOSTING if own and data.kind == VECTOR and data.traits.of_columns and data.tags is None else RIDGE


def check_rotates(trials: int, shares: tuple[float, ...]) -> None:
    folds = fraction_of(shares[-1]).denominator
    if trials % folds:
        raise BadInput(
            f"--trials {trials}: every {folds} trials leave each example out equally often at share "
            f"{shares[-1]:g}; give a multiple, such as {-(-trials // folds) * folds}"
        )


def _refuse(needless: Mapping[str, bool], why: str) -> None:
    for option in filter(needless.get, needless):
        raise BadInput(f"{option}: {why}")


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
    needless = {
        f"--train-share {training.train_share:g}": training.train_share != 1,
        "--pretrained": training.pretrained,
        f"--image-size {training.image_size}": training.image_size is not None,
        f"--observe {recording.observe}": recording.observe != ALL,
        f"--precision {training.precision}": training.precision == "bfloat16",
    }
    _refuse(
        needless,
        "belongs to the training of networks; with --features heads see --shares of the examples, so leave "
        "it out",
    )
    if training.model not in NOT_BY_STEPS:
        return
    recipe = training.recipe
    needless = {
        f"--epochs {training.epochs}": training.epochs != Training.epochs,
        f"--batch-size {training.batch_size}": training.batch_size is not None,
        f"--recipe {recipe}": recipe not in (None, DEFAULT_RECIPE) and not isinstance(recipe, Recipe),
    }
    _refuse(
        needless,
        f"belongs to training by steps, and {training.model} is fitted without; leave it out, or choose "
        "--model linear or mlp_2",
    )


def _check_examples(data: Dataset, model: str) -> None:
    if model == BOOSTING and data.tags is not None:
        problem = f"tells classes apart, and {data.name} has tags"
        raise BadInput(f"--model {model}: {problem}; choose ridge or mlp_1")
    counts = np.bincount(data.labels, minlength=data.num_classes)
    nouns = "classes" if data.tags is None else "tags"
    if len(data) < 2 * data.num_outputs:
        raise BadInput(
            f"{data.name}: {len(data)} examples of {data.num_outputs} {nouns}; features need twice as many "
            f"examples as {nouns} or more"
        )
    few = np.flatnonzero((counts > 0) & (counts < _FEWEST_OF_A_CLASS))
    if len(few) and data.tags is None:
        raise BadInput(
            f"{data.name}: class {data.classes[int(few[0])]!r} has one example, which is seen or left out; "
            "add others, or drop the class"
        )


def _shares(data: Dataset, choice: Sequence[float] | None) -> tuple[float, ...]:
    if choice is None:
        if len(data) < fraction_of(SHARES[-1]).denominator:
            return _OF_FEWEST
        return tuple(share for share in SHARES if share * len(data) >= 2 * data.num_classes) or SHARES[-1:]
    try:
        shares = tuple(float(share) for share in choice)
    except (TypeError, ValueError):
        raise BadInput(f"--shares {choice!r}: give numbers between 0 and 1, such as 0.05,0.2,0.8") from None
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
    sources: dict[str, FeatureSource] = {}
    for one in features:
        source = find(one)
        if not isinstance(one, str | os.PathLike | FeatureSource):  # arrays and functions may share a name
            others = (f"{source.name} {number}" for number in range(2, len(sources) + 2))
            name = next(name for name in (source.name, *others) if name not in sources)
            source = replace(source, name=name)
        same = next((other for other in sources.values() if other.identity == source.identity), None)
        if same is not None:
            raise BadInput(f"features {source.name!r}: are the same as {same.name!r}; give each once")
        if source.name in sources:
            raise BadInput(f"features {source.name!r}: are given in two versions; choose one of them")
        sources[source.name] = source
    if not sources:
        raise BadInput("--features: none are given; name some, such as auto")
    return list(sources.values())
