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
from easiness.inputs import Signature
from easiness.models import build_model, find_family, pretrained_file
from easiness.regular_file import at_home
from easiness.runs.source import given_data
from easiness.spec import (
    ALL,
    BASE,
    DEFAULT_RECIPE,
    MOST,
    RECIPES,
    TRAIN,
    DatasetRef,
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
"""What ``auto`` is in a plan."""


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
    """What is observed of each split; logits are kept of what was left out, if not too many, or of all."""
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
    if training.image_size is not None and "crop" not in data.kind.settings:
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


def difference(asked: RunSpec, precision: Precision, existing: RunSpec | RecordedSpec) -> str | None:
    """The first setting in which a run differs from what is asked, in words; ``None`` where it goes on."""
    run = existing.measured
    if run is None:
        return "it was recorded from a training loop of your own"
    if run.data.identity() != asked.data.identity():
        return _data_difference(run.data, asked.data)
    settings = [*_training(run, asked), *_recording(run, asked, precision)]
    found = next((one for one in settings if one[1] != one[2]), None)
    if found is None:
        return None
    name, there, here = found
    verb = "are" if name == "observations" else "is"
    return f"{name} {verb} {there} in the run, {here} here"


def remedy(asked: RunSpec, existing: RunSpec | RecordedSpec) -> str:
    """What to do where a run is not the one that is asked for."""
    run = existing.measured
    if (
        run is not None
        and run.data.num_unreadable
        and not asked.data.skip_unreadable
        and run.data.identity() != asked.data.identity()
    ):
        return "give --skip-unreadable, as the run was made"
    return "choose another --out"


def training_difference(one: RunSpec, other: RunSpec) -> str | None:
    """The first setting in which the training of two runs differs, in words; ``None`` where none does.

    Seeds, data, splits and what is kept may differ: the trials of both are draws of the same procedure.
    """
    settings = [*_training(one, other), ("precision", one.resolved.precision, other.resolved.precision)]
    found = (f"{name} is {a} in one and {b} in the other" for name, a, b in settings if a != b)
    return next(found, None)


def _training(run: RunSpec, asked: RunSpec) -> list[tuple[str, Any, Any]]:
    ours, theirs = asked.recipe.model_dump(), run.recipe.model_dump()
    return [
        ("model", run.model, asked.model),
        ("file of pretrained weights", _short(run.pretrained), _short(asked.pretrained)),
        *((f"recipe setting {key}", theirs[key], ours[key]) for key in ours),
        ("recipe version", run.recipe_version, asked.recipe_version),
        ("train share", run.train_share, asked.train_share),
        ("drawing of examples", run.draw, asked.draw),
        ("same steps", run.same_steps, asked.same_steps),
        ("steps of so many examples", run.steps_of, asked.steps_of),
        ("dealing to folds", _short(run.dealt), _short(asked.dealt)),
        *_of_heads(run, asked),
    ]


def _of_heads(run: RunSpec, asked: RunSpec) -> list[tuple[str, Any, Any]]:
    there, here = run.heads, asked.heads
    if there is None or here is None:
        words = ["trainings" if one is None else "heads on features" for one in (there, here)]
        return [("kind of trials", words[0], words[1])]
    settings: list[tuple[str, Any, Any]] = [
        ("shares", there.shares, here.shares),
        ("groups of examples", _short(there.groups), _short(here.groups)),
        ("epochs", there.epochs, here.epochs),
    ]
    ours, theirs = ([one.identity for one in heads.features] for heads in (here, there))
    if ours == theirs:
        return settings
    names = [tuple(one.name for one in heads.features) for heads in (there, here)]
    versions = [
        (f"version of the features {one.name}", _short(one.identity), _short(other.identity))
        for one, other in zip(there.features, here.features, strict=False)
    ]
    return [("features", names[0], names[1]), *versions, *settings]


def _recording(run: RunSpec, asked: RunSpec, precision: Precision) -> list[tuple[str, Any, Any]]:
    settings: list[tuple[str, Any, Any]] = [
        ("seed", run.seed, asked.seed),
        ("observations", run.observe, asked.observe),
        ("splits observed", [p.name for p in run.probes], [p.name for p in asked.probes]),
        ("logits kept", run.probes[0].keep_logits, asked.probes[0].keep_logits),
        ("weights kept", run.keep_weights, asked.keep_weights),
    ]
    if precision != "auto":
        settings.append(("precision", run.resolved.precision, precision))
    return settings


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]


def _data_difference(run: DatasetRef, here: DatasetRef) -> str:
    if run.train.num_examples != here.train.num_examples:
        return f"the run has {run.train.num_examples} examples, the data here {here.train.num_examples}"
    if run.classes != here.classes:
        return "the classes of the data are others"
    if run.train.fingerprint != here.train.fingerprint:
        return "the data are others (the fingerprints of the training examples differ)"
    return "the held-out split of the data is another"
