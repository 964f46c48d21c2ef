"""Plans, matches and results of studies from flat options, for tests that vary one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from easiness.analysis import MIN_GROUP, GroupMatch, Rule, Votes
from easiness.paper.perturbation.curve import PerturbationCurve, match_levels
from easiness.paper.training_sets import TrainingSetStudy, accuracy_rows
from easiness.runs.plan import Plan, RankedDraw, make_plan
from easiness.spec import Draw, Drawing, Loading, Recording, Training, TrialSpec
from easiness.store import Row
from easiness.training import Keeper, Standing, TrainingState

T = TypeVar("T")


class Memory(Keeper):
    """Keeps what each epoch of a training came to, and begins with what it is given."""

    def __init__(self, state: TrainingState | None = None) -> None:
        self.state = state
        self.kept: list[TrainingState] = []

    def begin(self, standing: Standing) -> None:
        if self.state is not None:
            standing.restore(self.state)

    def after_epoch(self, standing: Standing) -> None:
        state = standing.state()
        copies = {name: value.clone() for name, value in state.tensors.items()}
        self.kept.append(replace(state, tensors=copies))


def votes_of(correct: Any, labels: Any = None, p_label: Any = None, **options: Any) -> Votes:
    """Votes [trials, K] that are right or not, of two classes in turn; right ones are surer than wrong."""
    right = np.asarray(correct, np.bool_)
    p = np.where(right, 0.9, 0.1) if p_label is None else np.asarray(p_label)
    positions = np.arange(right.shape[1])
    plain: dict[str, Any] = {"labels": positions % 2 if labels is None else np.asarray(labels)}
    return Votes(right, p, **plain | {"ids": positions, "epoch": 1} | options)


def logistic_votes(ease: Any, num_trials: int = 20, *, epoch: int = 1, seed: Any = 0) -> Votes:
    """Votes of trials with p_y = 1 / (1 + exp(-(ease + noise))), right where it is above 1/2."""
    noise = np.random.default_rng(seed).normal(size=(num_trials, len(ease)))
    p = 1 / (1 + np.exp(-(np.asarray(ease) + noise)))
    return votes_of(p > 0.5, np.zeros(len(ease), np.int64), p, epoch=epoch)


def curve_of(votes: Any, levels: Any, sides: Any = ("easy", "hard"), **changes: Any) -> PerturbationCurve:
    """The curve of votes at each level, of which the first is the neutral one unless ``neutral`` is given."""
    about = {"kind": changes.pop("kind", "color"), "model": changes.pop("model", "mlp"), "epoch": 1}
    about |= {"num_trials": votes[0].num_trials, "num_examples": votes[0].num_examples}
    at = levels.index(changes.pop("neutral", levels[0]))
    policies = changes.pop("ties", ("expected", "refine"))
    rules = [Rule(side, 0.25, ties, 0) for ties in policies for side in sides]
    accuracy = {"train": np.stack([one.correct.mean(axis=1) for one in votes], axis=1)}
    rows, replicates = match_levels(votes, levels, at, rules, 60, about, accuracy)
    plain: dict[str, Any] = {"axis": "alpha", "row": Row(1)}
    return PerturbationCurve(rows.assign(accuracy_chance=0.5), replicates, **plain | changes)


def group_match(rate: float, half: float = 0.02, size: int = 5, **changes: Any) -> GroupMatch:
    """A match of groups of so many trials, whose interval reaches by ``half`` to both sides."""
    plain: dict[str, Any] = {"group_size": size, "num_splits": 10, "num_empty": 0, "bias": 0.0, "chance": 0.1}
    plain |= {"interval": (rate - half, rate + half), "class_chance": 0.15, "tie_mass": (0.0, 0.0)}
    return GroupMatch(rate=rate, **plain | {"sizes": (10.0, 10.0), "decided": size >= MIN_GROUP} | changes)


BETAS = {"easy": (3, 1), "hard": (1, 3), "random": (1, 1)}


def training_sets(accuracies: Mapping[tuple[str, float], Any], **changes: Any) -> TrainingSetStudy:
    """A study of ten classes with accuracies [repetitions, epochs] by policy and rate."""
    plain: dict[str, Any] = {"effect": "drop", "at": 3, "chance": 0.1, "num_held_out": 20} | changes
    curves: dict[str, Any] = {}
    tables = []
    for (policy, rate), values in accuracies.items():
        (beta_a, beta_b), drawn = BETAS.get(policy, (1, 2)), int(100 * rate)
        about = {"effect": plain["effect"], "policy": policy, "beta_a": beta_a, "beta_b": beta_b}
        about |= {"rate": rate, "num_drawn": drawn, "num_trained_on": 100 - drawn, "num_steps": 8}
        epochs = range(1, values.shape[1] + 1)
        tables.append(accuracy_rows({**about, "epochs": len(epochs)}, epochs, values))
        curves.setdefault(policy, {})[rate] = values[:, -1]
    rows = pd.concat(tables, ignore_index=True)
    rows = rows.assign(chance=plain["chance"], num_held_out=plain["num_held_out"])
    drawing = Drawing(repetitions=len(values), at=plain["at"])
    every = plain.get("every_epoch", False)
    return TrainingSetStudy(rows, curves, plain.get("model", "net"), drawing, 100, every)


def _value(kind: type[T], given: dict[str, Any]) -> T:
    """The value of options, of the arguments that have the names of its fields."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in names})


def stored_as(trial: TrialSpec) -> dict[str, Any]:
    """What a trial of this spec is stored with."""
    return {"index": trial.index, "seed": trial.seed, "identity": trial.hash, "spec": trial}


def planned(source: Any, *, trials: int, **options: Any) -> Plan:
    """``draw``, ``ranking`` and ``same_steps`` say what is drawn; without a draw nothing is."""
    drawn = None
    if "draw" in options or "same_steps" in options:
        draw = options.get("draw", Draw(effect="relabel", rate=0.0, beta=(1.0, 1.0), ranking=""))
        drawn = RankedDraw(draw, options.get("ranking", np.zeros(0)), options.get("same_steps", False))
    return make_plan(
        source,
        _value(Training, options),
        trials,
        loading=_value(Loading, options),
        recording=_value(Recording, options),
        ranked_draw=drawn,
    )
