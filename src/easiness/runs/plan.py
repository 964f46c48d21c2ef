"""The plan of a run: every choice checked and resolved before anything is written or trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch

from easiness.analysis import check_classes_left
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import FeatureSource
from easiness.gate import check_fits
from easiness.heads import Deal
from easiness.inputs import IMAGE, Signature
from easiness.models import build_model, find_family, pretrained_file
from easiness.regular_file import at_home
from easiness.runs.source import difference, given_data, remedy
from easiness.spec import (
    ALL,
    BASE,
    DEFAULT_RECIPE,
    MOST,
    RECIPES,
    TRAIN,
    Draw,
    Loading,
    Precision,
    Probe,
    Recipe,
    RecipeGiven,
    RecordedSpec,
    Recording,
    Resolved,
    RunSpec,
    Training,
    at_least,
    check_observe,
    check_within,
    make_recipe,
    named_recipe,
    recipe_settings,
    trial_seeds,
)
from easiness.store import digest, is_run, read_document
from easiness.training import training_set

_MOST_LOGITS = 2**28  # a gibibyte of those of examples that were left out
_BYTES_PER_LOGIT = 8  # in single precision, in the log and in the file

UNDECIDED = Resolved(precision="float32", channels_last=False, threads=1, reason="not decided yet")
"""Value of ``auto`` in a plan."""


@dataclass(frozen=True)
class Drawn:
    """Examples that a run drops or relabels, drawn by their ``ranking`` [K]; see `TrialSpec`."""

    draw: Draw
    ranking: npt.NDArray[np.float64]
    same_steps: bool = False


@dataclass(frozen=True)
class Plan:
    """A run to be: its data, and all of its `RunSpec` but what ``auto`` will resolve to.

    ``asked`` is what was asked for; its ``resolved`` says nothing yet. ``pretrained`` is the file of weights
    to start from. A run on features has some, and heads instead of networks. ``deal`` says how examples are
    dealt to folds where that does not go by the labels.
    """

    data: Dataset
    asked: RunSpec
    signature: Signature
    precision: Precision
    pretrained: Path | None = None
    ranking: npt.NDArray[np.float64] | None = None
    features: tuple[FeatureSource, ...] = ()
    deal: Deal | None = None

    @property
    def trials(self) -> int:
        return self.asked.trials

    @property
    def epochs(self) -> int:
        return self.asked.epochs

    @property
    def model(self) -> str:
        return self.asked.model

    @property
    def recipe(self) -> Recipe:
        return self.asked.recipe

    @property
    def num_trained_on(self) -> int:
        return num_trained_on(len(self.data), self.asked.train_share, self.asked.draw)

    def of(self, trials: int) -> Plan:
        return replace(self, asked=self.asked.model_copy(update={"trials": trials}))

    def dealt(self, deal: Deal) -> Plan:
        """The same with folds that are dealt so."""
        return replace(self, deal=deal, asked=self.asked.model_copy(update={"dealt": deal.digest}))

    def spec(self, resolved: Resolved, trials: int, epochs: int) -> RunSpec:
        """The run, with ``auto`` resolved and at the size it is to have."""
        size = {"resolved": resolved, "trials": trials, "epochs": epochs}
        return self.asked.model_copy(update=size)

    def check_continues(self, existing: RunSpec | RecordedSpec, out: Path) -> None:
        different = difference(self.asked, self.precision, existing)
        if different:
            raise BadInput(
                f"{out}: this run cannot be continued with other settings: {different}; "
                f"{remedy(self.asked, existing)}"
            )


def make_plan(
    source: Any,
    training: Training,
    trials: int,
    *,
    loading: Loading = Loading(),
    recording: Recording = Recording(),
    drawn: Drawn | None = None,
) -> Plan:
    """Check every choice and put the plan together; writes and trains nothing.

    The recipe is the paper's unless given. ``source`` is a `Dataset` or what `load_dataset` takes.
    """
    trials = at_least("--trials", trials, 1, MOST)
    epochs = at_least("--epochs", training.epochs, 1, MOST)
    seed = at_least("--seed", training.seed, 0)
    if training.precision not in get_args(Precision):
        raise BadInput(f"precision {training.precision!r}: unknown; choose {', '.join(get_args(Precision))}")
    observe = check_observe(recording.observe)
    if observe == TRAIN:
        _check_trained_on_once(training.train_share, drawn)
    share = training.train_share
    if training.model is not None:
        find_family(training.model)
    check_within("--train-share", share, "(0, 1]")
    data = given_data(source, loading)
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
    with torch.random.fork_rng(devices=[]):  # only to see that it can be built
        build_model(model, signature, data.num_classes, weights)
    if drawn is not None:
        _check_draws(data, drawn, seed, trials)
    asked = RunSpec(
        data=data.ref(),
        model=model,
        pretrained=None if weights is None else digest(weights).sha256,
        recipe=recipe,
        resolved=UNDECIDED,
        train_share=share,
        draw=None if drawn is None else drawn.draw,
        same_steps=drawn is not None and drawn.same_steps,
        probes=_probes(data, recording, observe, share),
        keep_weights=recording.keep_weights,
        seed=seed,
        trials=trials,
        epochs=epochs,
    )
    ranking = None if drawn is None else drawn.ranking
    return Plan(data, asked, signature, training.precision, weights, ranking)


def _probes(data: Dataset, recording: Recording, observe: str, train_share: float) -> tuple[Probe, ...]:
    """Observations of each split; logits are kept of what was left out, if not too many, or of all."""
    num = max(map(len, data.splits.values()))
    if recording.keep_logits:
        what = f"logits of {num:,} examples for {data.num_classes:,} classes (--keep-logits)"
        check_fits(_BYTES_PER_LOGIT * num * data.num_classes, what, "leave out --keep-logits")
    every = "all" if recording.keep_logits else None
    few = train_share < 1 and num * data.num_classes <= _MOST_LOGITS
    keep = {"train": every or ("left_out" if few else "none"), "held_out": every or "none"}
    # a held-out split is never trained on
    when = {"train": observe, "held_out": ALL if observe == TRAIN else observe}
    return tuple(
        Probe.model_validate({"name": name, "keep_logits": keep[name], "observe": when[name]})
        for name in data.splits
        if name in recording.splits
    )


def _check_trained_on_once(train_share: float, drawn: Drawn | None) -> None:
    reason = None
    if train_share < 1:
        reason = f"--train-share {train_share:g} leaves some out"
    elif drawn is not None and drawn.draw.effect == "drop":
        reason = f"rate {drawn.draw.rate:g} drops some"
    elif drawn is not None and drawn.same_steps:
        reason = "an epoch of as many steps as usual is no single pass"
    if reason:
        raise BadInput(
            f"--observe train: every example has to be trained on once an epoch, and {reason}; "
            "observe in passes of their own (all, every:K or last)"
        )


def num_trained_on(num_examples: int, train_share: float, draw: Draw | None) -> int:
    if draw is not None and draw.effect == "drop":
        return num_examples - int(draw.rate * num_examples + 0.5)
    return int(train_share * num_examples + 0.5)


def _check_draws(data: Dataset, drawn: Drawn, seed: int, trials: int) -> None:
    """Make sure that no trial is without examples of a class."""
    draw, ranking = drawn.draw, drawn.ranking
    for index in range(trials):
        learned = training_set(data.labels, data.num_classes, 1.0, draw, ranking, trial_seeds(seed, index))
        if draw.effect == "drop":
            check_classes_left(data.labels, np.flatnonzero(~learned.trained_on), data.classes)
        counts = np.bincount(learned.labels, minlength=data.num_classes)
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
