"""Easy and hard examples under perturbations (Figure 2), and those that all networks still know."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import SIDES, Rule, Votes, check_fraction, num_selected, select
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.paper.options import Perturbing
from easiness.paper.perturbation.curve import (
    MANY_LEVELS,
    PerturbationCurve,
    level_name,
    level_text,
    match_levels,
)
from easiness.paper.perturbation.looking import (
    PerturbedProbe,
    check_asked,
    check_changes_something,
    image_shape,
    perturbed_probe,
    seen_as,
    spec_with_weights,
)
from easiness.paper.perturbation.panel import draw_panel, draw_patterns
from easiness.perturb import find_kind
from easiness.runs import Progress, data_of
from easiness.scoring import easiness_interval
from easiness.spec import Split
from easiness.store import Row

_ALIKE = 1e-3  # of a probability: grey stored as color changes by rounding where color is taken away


@dataclass(frozen=True)
class PseudoPatterns(show.Result):
    """The examples of a split that all networks of a run still classify correctly at ``level``.

    ``positions`` [n] are those in the split, best first: by the mean probability of their label over
    networks, ``p_label`` [n]; ``ids`` and ``labels`` [n] go with them. ``levels`` has the counts at every
    level asked for, ``level`` among them, as `count_levels` has them. Of heads on features each example has
    those ``num_trials`` heads that have seen a ``share`` of the others.
    """

    run: str
    model: str
    epoch: int
    kind: str
    axis: str
    probe: Split
    seed: int
    num_trials: int
    classes: tuple[str, ...]
    level: float
    levels: list[dict[str, Any]]
    positions: Integers = field(repr=False)
    ids: npt.NDArray[Any] = field(repr=False)
    labels: Integers = field(repr=False)
    p_label: Floats = field(repr=False)
    share: float | None = None

    @property
    def row(self) -> Row:
        """The epoch or share that everything is of."""
        return Row(self.epoch, self.share)

    @property
    def made(self) -> str:
        """``networks`` or ``heads``: either classifies."""
        return "heads" if self.share else "networks"

    @property
    def at_level(self) -> dict[str, Any]:
        """The counts at ``level``."""
        return next(one for one in self.levels if one["level"] == self.level)

    def shown(self, num: int) -> Integers:
        """Indices of the ``num`` patterns to show: the best of each class in turn, put class by class."""
        turn = np.empty(len(self.labels), np.int64)
        for label in np.unique(self.labels):
            members = np.flatnonzero(self.labels == label)
            turn[members] = np.arange(len(members))
        chosen = np.lexsort((self.labels, turn))[:num]
        return chosen[np.lexsort((turn[chosen], self.labels[chosen]))]

    def table(self) -> pd.DataFrame:
        """A row for each level."""
        of = {"probe": self.probe, "model": self.model, **self.row.argument, "num_trials": self.num_trials}
        rows = [{"kind": self.kind, "level": one["level"], **of, **one} for one in self.levels]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """The count at each level with its 95 % interval, evenly spaced; what chance would give as lines.

        `draw_patterns` shows the examples themselves.
        """
        figure, axes = show.new_axes(5.2, 3.1)
        levels, at = self.table(), np.arange(len(self.levels))
        counts = levels["count"]
        reach = [counts - levels["low"], levels["high"] - counts]
        show.draw_curve(axes, show.Curve(at, counts, f"right in all {self.made}", show.EASY, errors=reach))
        axes.plot(at, levels["chance"], ":", color=show.INK, linewidth=1.2, label="by chance")
        axes.plot(at, levels["class_chance"], "--", color=show.INK, linewidth=1, label="within classes")
        axes.set_xticks(at.tolist(), list(map(level_name, levels["level"])))
        if len(levels) > MANY_LEVELS:
            axes.tick_params(axis="x", labelsize=show.FONT_SIZE - 2)
        axes.set(xlabel=f"{self.kind}: {self.axis}", ylabel=f"{self._split} examples, of {self._num:,}")
        axes.set_ylim(bottom=0)
        show.legend_above(axes, 3)
        return figure

    @property
    def _num(self) -> int:
        return int(self.levels[0]["num_examples"])

    @property
    def _split(self) -> str:
        return self.probe.replace("_", "-")

    def frames(self) -> list[show.Frame]:
        """The examples that all networks get right at each level, beside chance."""
        chance = partial(show.Column, lambda value: f"{value:.3g}", "")
        return [
            show.Frame(
                f"{self.model} under {self.kind}: {self._split} examples that all {self.num_trials} "
                f"{self.made} get right",
                f"Of {self._num} examples {self.row.at}. By chance: their "
                f"number times the mean accuracy to the power {self.num_trials}. By product: their number "
                "times the product of the accuracies. "
                f"Within classes: chance in each class; it is large where all {self.made} see one "
                "class in everything.",
                self.table(),
                {
                    "level": show.Column(level_text),
                    "count": show.counts(title="all right"),
                    "low": show.intervals(1, title="95 % interval", high="high"),
                    "chance": chance("by chance"),
                    "chance_product": chance("by product"),
                    "class_chance": chance("within classes"),
                    "accuracy": show.numbers(3, title="mean accuracy"),
                },
            )
        ]


@dataclass(frozen=True)
class Perturbed(show.Result):
    """A curve with its table and figure; the sections of the ``patterns`` stand below its own.

    ``drawn`` are figures of examples, by the file that each was asked for.
    """

    curve: PerturbationCurve
    patterns: PseudoPatterns
    drawn: Mapping[Path, Figure] = field(default_factory=dict, repr=False)

    def drawings(self) -> Mapping[Path, Figure]:
        """The figures of examples."""
        return self.drawn

    def table(self) -> pd.DataFrame:
        """The rows of the curve."""
        return self.curve.table()

    def figure(self) -> Figure:
        """The figure of the curve."""
        return self.curve.figure()

    def frames(self) -> list[show.Frame]:
        """Frames of the curve, then of the patterns."""
        return [*self.curve.frames(), *self.patterns.frames()]


def perturb(asked: Perturbing, progress: Progress | None = None) -> Perturbed:
    """Let the networks of a run look at perturbed examples, and match their sets with the regular ones."""
    run, kind, seed = asked.run, asked.kind, asked.seed
    levels = () if asked.levels is None else asked.levels
    listed = () if asked.pattern_level is None else (asked.pattern_level,)
    check_asked(kind, (*levels, *listed), seed, run.spec.data.kind)
    check_fraction(asked.fraction)
    spec_with_weights(run)  # else the data need not be looked for
    data = data_of(run, asked.data)
    if asked.probe == "held_out" and data.held_out is None:
        raise BadInput(f"{run.path}: the data have no held-out split; look at the training examples")
    recipe = seen_as(run, data)
    check_changes_something(data, recipe, kind, asked.levels, seed)
    found = Perturbed(perturbation_curve(asked, data, progress), pseudo_patterns(asked, data, progress))
    drawn = {}
    if asked.panel is not None:
        shown = {kind: found.curve.levels}
        drawn[asked.panel] = draw_panel(data, recipe, seed=seed, kinds=[kind], levels=shown)
    if asked.patterns is not None:
        drawn[asked.patterns] = draw_patterns(found.patterns, data, recipe)
    return replace(found, drawn=drawn)


def perturbation_curve(
    asked: Perturbing, data: Dataset, progress: Progress | None = None
) -> PerturbationCurve:
    """The curve of accuracy and matching rates. Where ties remain, the two sides break them differently."""
    run, sides = asked.run, SIDES if asked.side is None else (asked.side,)
    rules = [Rule(side, asked.fraction, policy, asked.seed) for policy in asked.ties for side in sides]
    for rule in rules:
        select([0.0], fraction=1, side=rule.side, ties=rule.ties)  # refuses a mistake before the work
    num_selected(len(data), asked.fraction)
    probes = _probes(asked, data)
    train = probes["train"]
    _begin(probes, progress)
    looks = {name: probe.look(progress) for name, probe in probes.items()}
    votes = looks["train"].votes
    known = find_kind(asked.kind, data.kind.name)
    neutral = known.neutral_level(image_shape(data, seen_as(run, data)))
    return PerturbationCurve(
        run=str(run.path),
        model=run.network,
        epoch=run.epochs,
        trials=tuple(trial.index for trial in run.trials),
        num_examples=len(data),
        num_classes=data.num_classes,
        kind=known.name,
        axis=known.label,
        levels=train.levels,
        neutral=neutral,
        fraction=asked.fraction,
        seed=asked.seed,
        matches=match_levels(votes, train.levels, train.levels.index(neutral), rules, asked.num_replicates),
        accuracy={name: values for look in looks.values() for name, values in look.accuracy.items()},
        num_silent={
            level: int((~one.correct.any(axis=1)).sum())
            for level, one in zip(train.levels, votes, strict=True)
        },
        changes_nothing=all(np.allclose(one.p_label, votes[0].p_label, rtol=0, atol=_ALIKE) for one in votes),
        share=votes[0].share,
        nouns=data.kind.nouns,
    )


def _probes(asked: Perturbing, data: Dataset, also: Sequence[float] = ()) -> dict[Split, PerturbedProbe]:
    """The splits of the data under the perturbation, at the levels and ``also`` and the neutral level.

    From the neutral level to the strongest, each once.
    """
    run, kind = asked.run, asked.kind
    known = find_kind(kind, data.kind.name)
    shape = image_shape(data, seen_as(run, data))
    wanted = known.levels(shape) if asked.levels is None else asked.levels
    ordered = known.ordered((*wanted, *also), shape)
    return {
        split: perturbed_probe(
            run, data, kind, ordered, probe=split, seed=asked.seed, execution=asked.execution
        )
        for split in data.splits
    }


def _begin(probes: dict[Split, PerturbedProbe], progress: Progress | None) -> None:
    """Tell what is about to be looked at, if there is anything."""
    num_images = sum(probe.num_images for probe in probes.values())
    if num_images and progress is not None:
        one = probes["train"] if "train" in probes else next(iter(probes.values()))
        levels = ", ".join(f"{level:.3g}" for level in one.levels)
        progress.study(
            f"{one.run.path}: {len(one.run.trials)} trials look at {num_images:,} "
            f"{one.split.kind.nouns} under {one.perturbations[0].kind} ({levels})",
            num_images,
        )


def pseudo_patterns(asked: Perturbing, data: Dataset, progress: Progress | None = None) -> PseudoPatterns:
    """The examples that every network of a run classifies correctly although they are perturbed.

    Without a level for them it is chosen before anything is seen: the strongest leaves next to nothing of an
    example.
    """
    run, level = asked.run, asked.pattern_level
    probe = asked.probe or ("train" if data.held_out is None else "held_out")
    looked_at = _probes(asked, data, [] if level is None else [level])[probe]
    if level is None:
        level = looked_at.levels[max(len(looked_at.levels) - 2, min(1, len(looked_at.levels) - 1))]
    _begin({probe: looked_at}, progress)
    votes = looked_at.look(progress).votes
    listed = votes[looked_at.levels.index(float(level))]
    known = find_kind(asked.kind, data.kind.name)
    p_label = listed.p_label.mean(axis=0)
    positions = np.flatnonzero(listed.correct.all(axis=0))
    positions = positions[np.argsort(-p_label[positions], kind="stable")]  # best first
    return PseudoPatterns(
        run=str(run.path),
        model=run.network,
        epoch=run.epochs,
        kind=known.name,
        axis=known.label,
        probe=probe,
        seed=asked.seed,
        num_trials=listed.num_trials,
        classes=data.classes,
        level=float(level),
        levels=count_levels(votes, looked_at.levels),
        positions=positions,
        ids=listed.ids[positions],
        labels=listed.labels[positions],
        p_label=p_label[positions],
        share=listed.share,
    )


def count_levels(votes: Iterable[Votes], levels: Iterable[float]) -> list[dict[str, Any]]:
    """For each level how many of K examples all N networks get right, and how many they would by chance.

    ``low`` and ``high`` are the 95 % Jeffreys interval of the count. ``chance`` is K * (mean accuracy)^N,
    what N independent networks would share; ``chance_product`` is K times the product of the accuracies,
    never more. ``class_chance`` is the sum over classes of n_c * (mean accuracy in c)^N: it is large where
    all networks take everything for the same class.
    """
    rows = []
    for one, level in zip(votes, levels, strict=True):
        num, num_trials, accuracy = one.num_examples, one.num_trials, one.correct.mean(axis=1)
        count = int(one.correct.all(axis=0).sum())
        sizes = np.bincount(one.labels)
        right = np.bincount(one.labels, one.correct.sum(axis=0)) / num_trials
        right, sizes = right[sizes > 0], sizes[sizes > 0]
        low, high = easiness_interval(count, num, num)
        rows.append(
            {
                "level": level,
                "num_examples": num,
                "count": count,
                "low": float(low * num),
                "high": float(high * num),
                "chance": float(num * accuracy.mean() ** num_trials),
                "chance_product": float(num * math.prod(accuracy.tolist())),
                "class_chance": float((sizes * (right / sizes) ** num_trials).sum()),
                "accuracy": float(accuracy.mean()),
                "accuracy_least": float(accuracy.min()),
                "accuracy_most": float(accuracy.max()),
            }
        )
    return rows
