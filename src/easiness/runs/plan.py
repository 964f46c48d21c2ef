"""The plan of a run: every choice checked and resolved before anything is written or trained."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from easiness.analysis import check_classes_left
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.models import build_model, check_model_name, pretrained_file
from easiness.runs.source import given_data
from easiness.spec import (
    ALL,
    BASE,
    RECIPE_VERSION,
    TRAIN,
    DatasetRef,
    Draw,
    Probe,
    Recipe,
    RecordedSpec,
    Resolved,
    RunSpec,
    check_observe,
    make_recipe,
    named_recipe,
    recipe_settings,
    trial_seeds,
)
from easiness.training import Precision, training_set


@dataclass(frozen=True)
class Plan:
    """A run to be: all of its `RunSpec` but what ``auto`` will resolve to."""

    data: Dataset
    ref: DatasetRef
    input_shape: tuple[int, int, int]
    model: str
    pretrained: Path | None
    pretrained_digest: str | None
    recipe: Recipe
    train_share: float
    draw: Draw | None
    ranking: npt.NDArray[np.float64] | None
    same_steps: bool
    probes: tuple[Probe, ...]
    keep_weights: bool
    seed: int
    trials: int
    epochs: int
    precision: Precision

    @property
    def num_trained_on(self) -> int:
        """Number of examples that each trial trains on."""
        return num_trained_on(len(self.data), self.train_share, self.draw)

    def spec(self, resolved: Resolved, trials: int, epochs: int) -> RunSpec:
        """The run, with ``auto`` resolved and at the size it is to have."""
        return RunSpec(
            data=self.ref,
            model=self.model,
            pretrained=self.pretrained_digest,
            recipe=self.recipe,
            resolved=resolved,
            train_share=self.train_share,
            draw=self.draw,
            same_steps=self.same_steps,
            probes=self.probes,
            keep_weights=self.keep_weights,
            seed=self.seed,
            trials=trials,
            epochs=epochs,
        )

    def check_continues(self, existing: RunSpec | RecordedSpec, out: Path) -> None:
        """Make sure that this plan asks for more of the same run.

        Raises:
            BadInput: it differs, naming the first difference.
        """
        difference = self._difference(existing)
        if difference:
            raise BadInput(
                f"{out}: this run cannot be continued with other settings: {difference}; choose another --out"
            )

    def _difference(self, run: RunSpec | RecordedSpec) -> str | None:
        if isinstance(run, RecordedSpec):
            return "it was recorded from a training loop of your own"
        if run.data.identity() != self.ref.identity():
            return _data_difference(run.data, self.ref)
        ours, theirs = self.recipe.model_dump(), run.recipe.model_dump()
        pairs: list[tuple[str, Any, Any]] = [
            ("model", run.model, self.model),
            ("file of pretrained weights", _short(run.pretrained), _short(self.pretrained_digest)),
            *((f"recipe setting {key}", theirs[key], ours[key]) for key in ours),
            ("recipe version", run.recipe_version, RECIPE_VERSION),
            ("seed", run.seed, self.seed),
            ("train share", run.train_share, self.train_share),
            ("drawing of examples", run.draw, self.draw),
            ("same steps", run.same_steps, self.same_steps),
            ("observations", run.observe, self.probes[0].observe),
            ("splits observed", [p.name for p in run.probes], [p.name for p in self.probes]),
            ("logits kept", run.probes[0].keep_logits, self.probes[0].keep_logits),
            ("weights kept", run.keep_weights, self.keep_weights),
        ]
        if self.precision != "auto":
            pairs.append(("precision", run.resolved.precision, self.precision))
        for name, there, here in pairs:
            if there != here:
                verb = "are" if name == "observations" else "is"
                return f"{name} {verb} {there} in the run, {here} here"
        return None


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


def make_plan(
    data: Any,
    *,
    model: str,
    trials: int,
    epochs: int,
    seed: int = 0,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    pretrained: bool = False,
    batch_size: int | None = None,
    train_share: float = 1.0,
    precision: Precision = "auto",
    keep_logits: bool = False,
    keep_weights: bool = True,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    holdout: float | None = None,
    draw: Draw | None = None,
    ranking: npt.NDArray[np.float64] | None = None,
    same_steps: bool = False,
    observe: str = ALL,
    splits: Collection[Literal["train", "held_out"]] = ("train", "held_out"),
) -> Plan:
    """Check every choice and put the plan together; writes and trains nothing.

    ``recipe`` is the paper's unless given. ``draw`` drops or relabels examples by their ``ranking`` [K];
    ``splits`` names the splits to observe, where there are such. Everything else is as for `measure`.

    Raises:
        BadInput: a choice cannot be used (names it).
    """
    trials = _at_least("trials", trials, 1)
    epochs = _at_least("epochs", epochs, 1)
    seed = _at_least("seed", seed, 0)
    if precision not in get_args(Precision):
        raise BadInput(f"precision {precision!r}: unknown; choose {', '.join(get_args(Precision))}")
    observe = check_observe(observe)
    if observe == TRAIN:
        _check_trained_on_once(train_share, draw, same_steps)
    check_model_name(model)
    if not 0 < train_share <= 1:
        raise BadInput(f"train share {train_share}: must be above 0 and at most 1")
    data = given_data(
        data,
        limit=limit,
        skip_unreadable=skip_unreadable,
        data_root=data_root,
        download=download,
        allow_outside=allow_outside,
        holdout=holdout,
    )
    settings = _recipe(data, recipe, batch_size, model)
    if settings.period != "epochs" and epochs > settings.period:
        raise BadInput(
            f"epochs {epochs}: longer than the cosine period of {settings.period:g} epochs; "
            'set `period` in the recipe, to a number or to "epochs" for as many as are trained'
        )
    num = num_trained_on(len(data), train_share, None)
    if num < data.num_classes:
        raise BadInput(
            f"train share {train_share}: leaves {num} of {len(data)} examples to train on, "
            f"fewer than the {data.num_classes} classes"
        )
    shape = data.input_shape(settings)
    weights = pretrained_file(model) if pretrained else None
    with torch.random.fork_rng(devices=[]):  # only to see that it can be built
        build_model(model, shape, data.num_classes, weights)
    if draw is not None:
        assert ranking is not None
        _check_draws(data, draw, ranking, seed, trials)
    some = "left_out" if train_share < 1 else "none"
    keep = {"train": "all" if keep_logits else some, "held_out": "all" if keep_logits else "none"}
    probes = [
        Probe.model_validate(
            {
                "name": name,
                "keep_logits": keep[name],
                # a held-out split is never trained on
                "observe": ALL if observe == TRAIN and name == "held_out" else observe,
            }
        )
        for name in data.splits
        if name in splits
    ]
    return Plan(
        data=data,
        ref=data.ref(),
        input_shape=shape,
        model=model,
        pretrained=weights,
        pretrained_digest=None if weights is None else _digest(weights),
        recipe=settings,
        train_share=train_share,
        draw=draw,
        ranking=ranking,
        same_steps=same_steps,
        probes=tuple(probes),
        keep_weights=keep_weights,
        seed=seed,
        trials=trials,
        epochs=epochs,
        precision=precision,
    )


def _check_trained_on_once(train_share: float, draw: Draw | None, same_steps: bool) -> None:
    """Make sure that an epoch trains on every example, once."""
    reason = None
    if train_share < 1:
        reason = f"--train-share {train_share:g} leaves some out"
    elif draw is not None and draw.effect == "drop":
        reason = f"rate {draw.rate:g} drops some"
    elif same_steps:
        reason = "an epoch of as many steps as usual is no single pass"
    if reason:
        raise BadInput(
            f"--observe train: every example has to be trained on once an epoch, and {reason}; "
            "observe in passes of their own (all, every:K or last)"
        )


def num_trained_on(num_examples: int, train_share: float, draw: Draw | None) -> int:
    """Number of examples that a trial trains on."""
    if draw is not None and draw.effect == "drop":
        return num_examples - int(draw.rate * num_examples + 0.5)
    return int(train_share * num_examples + 0.5)


def _check_draws(data: Dataset, draw: Draw, ranking: npt.NDArray[np.float64], seed: int, trials: int) -> None:
    """Make sure that no trial is without examples of a class."""
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


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _at_least(name: str, value: int, least: int) -> int:
    try:
        value = operator.index(value)
    except TypeError:
        raise BadInput(f"{name} {value!r}: must be a whole number") from None
    if value < least:
        raise BadInput(f"{name} {value}: must be at least {least}")
    return value


def _recipe(
    data: Dataset, recipe: Recipe | dict[str, Any] | str | Path | None, batch_size: int | None, model: str
) -> Recipe:
    origin = str(recipe) if isinstance(recipe, str | Path) else "recipe"
    if isinstance(recipe, Recipe):
        base, changes = recipe.model_dump(), {}
    else:
        changes = recipe_settings(recipe, model=model)
        base = {**named_recipe(changes.pop(BASE), model), **data.recipe_defaults}
    if batch_size is not None:
        changes["batch_size"] = batch_size
    return make_recipe(base, changes, origin=origin)
