"""Plans, matches and results of studies from flat options, for tests that vary one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from easiness.analysis import MIN_GROUP, GroupMatch, Rule, Votes
from easiness.paper.perturbation import curve
from easiness.paper.training_sets import TrainingSetPoint, TrainingSetStudy
from easiness.runs.plan import Plan, RankedDraw, make_plan
from easiness.spec import Draw, Loading, Recording, Training
from easiness.store import Row

T = TypeVar("T")


def votes_of(correct: Any, labels: Any = None, p_label: Any = None, **options: Any) -> Votes:
    """Votes [trials, K] that are right or not, of two classes in turn; right ones are surer than wrong."""
    right = np.asarray(correct, np.bool_)
    p = np.where(right, 0.9, 0.1) if p_label is None else np.asarray(p_label)
    positions = np.arange(right.shape[1])
    plain: dict[str, Any] = {"labels": positions % 2 if labels is None else np.asarray(labels)}
    return Votes(right, p, **plain | {"ids": positions, "epoch": 1} | options)


def match_levels(votes: Any, levels: Any, neutral: int, **options: Any) -> Any:
    rules = [
        Rule(side, options["fraction"], ties, options["seed"])
        for ties in options["ties"]
        for side in options["sides"]
    ]
    return curve.match_levels(votes, levels, neutral, rules, options["num_replicates"])


def curve_of(votes: Any, levels: Any, **changes: Any) -> curve.PerturbationCurve:
    """The curve of votes at each level, of which the first is the neutral one unless ``neutral`` is given."""
    plain: dict[str, Any] = {"run": "run", "model": "mlp", "epoch": 1, "num_examples": votes[0].num_examples}
    plain |= {"num_classes": 2, "kind": "color", "axis": "alpha", "neutral": levels[0]}
    plain |= {"trials": tuple(range(len(votes[0].correct))), "fraction": 0.25, "seed": 0} | changes
    matches = match_levels(
        votes, levels, levels.index(plain["neutral"]), sides=("easy", "hard"), ties=("expected", "refine"),
        fraction=0.25, seed=0, num_replicates=60,
    )  # fmt: skip
    silent = {level: int((~one.correct.any(axis=1)).sum()) for level, one in zip(levels, votes, strict=True)}
    accuracy = {"train": np.stack([one.correct.mean(axis=1) for one in votes], axis=1)}
    own = {"matches": matches, "accuracy": accuracy, "num_silent": silent, "changes_nothing": False}
    return curve.PerturbationCurve(levels=tuple(levels), **own | plain)


def group_match(rate: float, half: float = 0.02, size: int = 5, **changes: Any) -> GroupMatch:
    """A match of groups of so many trials, whose interval reaches by ``half`` to both sides."""
    plain: dict[str, Any] = {"group_size": size, "num_splits": 10, "num_empty": 0, "bias": 0.0, "chance": 0.1}
    plain |= {"interval": (rate - half, rate + half), "class_chance": 0.15, "tie_mass": (0.0, 0.0)}
    return GroupMatch(rate=rate, **plain | {"sizes": (10.0, 10.0), "decided": size >= MIN_GROUP} | changes)


def training_sets(points: Sequence[TrainingSetPoint], **changes: Any) -> TrainingSetStudy:
    """A study of ten classes with these points."""
    plain: dict[str, Any] = {"effect": "drop", "model": "net", "score": "easiness", "score_row": Row(3)}
    plain |= {"num_examples": 100, "num_held_out": 20, "chance": 0.1}
    plain |= {"epochs": 2, "repetitions": 5} | dict.fromkeys(("same_steps", "balanced", "other_label"), False)
    return TrainingSetStudy(**plain | {"points": tuple(points)} | changes)


def _value(kind: type[T], given: dict[str, Any]) -> T:
    """The value of options, of the arguments that have the names of its fields."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in given.items() if name in names})


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
