"""Easy and hard examples under perturbations (Figure 2), and those that all networks still know."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import SIDES, Rule, Votes, num_selected, select
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.paper.options import PerturbationOptions
from easiness.paper.perturbation.curve import PerturbationCurve, level_name, level_text, match_levels
from easiness.paper.perturbation.looking import (
    PerturbedProbe,
    check_changes_something,
    image_shape,
    perturbations_of,
    perturbed_probe,
    spec_with_weights,
    view_of,
)
from easiness.paper.perturbation.panel import draw_panel, draw_patterns
from easiness.perturb import find_kind
from easiness.runs import Progress, data_of
from easiness.scoring import easiness_interval
from easiness.spec import Split, check_within
from easiness.store import Row

_ALIKE = 1e-3  # of a probability: grey stored as color changes by rounding where color is taken away


@dataclass(frozen=True)
class PseudoPatterns(show.Result):
    """The examples of a split that all networks of a run still classify correctly at ``level``.

    ``positions`` [n] are those in the split, best first: by the mean probability of their label over
    networks, ``p_label`` [n]; ``labels`` [n] go with them. ``levels`` has the counts of `count_levels` at
    every level. Everything is of one ``row`` of the run. In a run on features each example has those
    ``num_trials`` heads that were not shown it.
    """

    run: str
    model: str
    row: Row
    kind: str
    axis: str
    probe: Split
    seed: int
    num_trials: int
    classes: tuple[str, ...]
    level: float
    levels: list[dict[str, Any]]
    positions: Integers = field(repr=False)
    labels: Integers = field(repr=False)
    p_label: Floats = field(repr=False)

    @property
    def judges(self) -> str:
        """``networks`` or ``heads``: either classifies."""
        return "heads" if self.row.share else "networks"

    @property
    def at_level(self) -> dict[str, Any]:
        return next(one for one in self.levels if one["level"] == self.level)

    def best(self, num: int) -> Integers:
        """Indices of ``num`` patterns to show: the best of each class in turn, put class by class."""
        turn = pd.Series(self.labels).groupby(self.labels).cumcount()
        first = np.lexsort((self.labels, turn))[:num]
        return first[np.lexsort((turn[first], self.labels[first]))]

    def table(self) -> pd.DataFrame:
        of = {"probe": self.probe, "model": self.model, **self.row.argument, "num_trials": self.num_trials}
        rows = [{"kind": self.kind, "level": one["level"], **of, **one} for one in self.levels]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """The count at each level with its 95 % interval, evenly spaced; what chance would give as lines.

        `draw_patterns` shows the examples themselves.
        """
        levels, at = self.table(), np.arange(len(self.levels))
        counts, split = levels["count"], self.probe.replace("_", "-")
        reach = [counts - levels["low"], levels["high"] - counts]
        curves = [
            show.Curve(at, counts, f"right in all {self.judges}", show.EASY, errors=reach),
            show.Curve(at, levels["chance"], "by chance", marker="", line=":"),
            show.Curve(at, levels["class_chance"], "within classes", marker="", line="--"),
        ]
        x, y = f"{self.kind}: {self.axis}", f"{split} examples, of {self.levels[0]['num_examples']:,}"
        figure = show.curves({"": curves}, (5.2, 3.1), x=x, y=y)
        (axes,) = figure.axes
        axes.set_xticks(at.tolist(), list(map(level_name, levels["level"])), fontsize=show.FONT_SIZE - 2)
        axes.set_ylim(bottom=0)
        return figure

    def frames(self) -> list[show.Frame]:
        chance = partial(show.Column, lambda value: f"{value:.3g}", "")
        return [
            show.Frame(
                f"{self.model} under {self.kind}: {self.probe.replace('_', '-')} examples that all "
                f"{self.num_trials} {self.judges} get right",
                f"{self.levels[0]['num_examples']} examples {self.row.at}. By chance: their "
                f"number times the mean accuracy to the power {self.num_trials}. By product: their number "
                "times the product of the accuracies. Within classes: chance in each class; it is large "
                f"where all {self.judges} see one class in everything.",
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
class PerturbationStudy(show.Result):
    """A curve with its table and figure; the sections of the ``patterns`` stand below its own.

    ``pictures`` are figures of examples, by the file that each was asked for.
    """

    curve: PerturbationCurve
    patterns: PseudoPatterns
    pictures: Mapping[Path, Figure] = field(default_factory=dict, repr=False)

    def drawings(self) -> Mapping[Path, Figure]:
        return self.pictures

    def table(self) -> pd.DataFrame:
        return self.curve.table()

    def figure(self) -> Figure:
        return self.curve.figure()

    def frames(self) -> list[show.Frame]:
        return [*self.curve.frames(), *self.patterns.frames()]


def perturb(options: PerturbationOptions, progress: Progress | None = None) -> PerturbationStudy:
    """Let the networks of a run look at perturbed examples, and match their sets with the regular ones."""
    run, kind, seed = options.run, options.kind, options.seed
    levels = () if options.levels is None else options.levels
    pattern_level = () if options.pattern_level is None else (options.pattern_level,)
    # all that can be refused is, before any work
    perturbations_of(kind, (*levels, *pattern_level), seed, run.spec.data.kind)
    check_within("fraction", options.fraction, "(0, 1]")
    spec_with_weights(run)
    data = data_of(run, options.data)
    if options.probe == "held_out" and data.held_out is None:
        raise BadInput(f"{run.path}: the data have no held-out split; look at the training examples")
    view = view_of(run, data)
    check_changes_something(data, view, kind, options.levels, seed)
    result = PerturbationStudy(
        perturbation_curve(options, data, progress), pseudo_patterns(options, data, progress)
    )
    pictures = {}
    if options.panel is not None:
        panel = draw_panel(data, view, seed=seed, kinds=[kind], levels={kind: result.curve.levels})
        pictures[options.panel] = panel
    if options.patterns is not None:
        pictures[options.patterns] = draw_patterns(result.patterns, data, view)
    return replace(result, pictures=pictures)


def perturbation_curve(
    options: PerturbationOptions, data: Dataset, progress: Progress | None = None
) -> PerturbationCurve:
    """The curve of accuracy and matching rates. Where ties remain, the two sides break them differently."""
    run, sides = options.run, SIDES if options.side is None else (options.side,)
    rules = [Rule(side, options.fraction, policy, options.seed) for policy in options.ties for side in sides]
    for rule in rules:
        select([0.0], fraction=1, side=rule.side, ties=rule.ties)  # refuses a mistake before the work
    num_selected(len(data), options.fraction)
    probes = _probes(options, data)
    _announce(probes, progress)
    looks = {name: probe.look(progress) for name, probe in probes.items()}
    votes, levels = looks["train"].votes, probes["train"].levels
    kind, row = find_kind(options.kind, data.kind.name), Row(run.epochs, votes[0].share)
    neutral = levels.index(kind.neutral_level(image_shape(data, view_of(run, data))))
    about = {
        "kind": kind.name,
        "model": run.network,
        **row.argument,
        "num_trials": len(run.trials),
        "num_examples": len(data),
    }
    accuracy = {name: values for look in looks.values() for name, values in look.accuracy.items()}
    rows, replicates = match_levels(votes, levels, neutral, rules, options.num_replicates, about, accuracy)
    return PerturbationCurve(
        rows.assign(accuracy_chance=1 / data.num_classes),
        replicates,
        axis=kind.label,
        row=row,
        changes_nothing=all(np.allclose(one.p_label, votes[0].p_label, rtol=0, atol=_ALIKE) for one in votes),
        nouns=data.kind.nouns,
    )


def _probes(
    options: PerturbationOptions, data: Dataset, more: Sequence[float] = ()
) -> dict[Split, PerturbedProbe]:
    """The splits of the data under the perturbation, at its levels, ``more`` and the neutral level.

    From the neutral level to the strongest, each once.
    """
    run, kind = options.run, find_kind(options.kind, data.kind.name)
    shape = image_shape(data, view_of(run, data))
    levels = kind.in_order(
        (*(kind.levels(shape) if options.levels is None else options.levels), *more), shape
    )
    seed, execution = options.seed, options.execution
    return {
        split: perturbed_probe(run, data, options.kind, levels, probe=split, seed=seed, execution=execution)
        for split in data.splits
    }


def _announce(probes: Mapping[Split, PerturbedProbe], progress: Progress | None) -> None:
    num_images = sum(probe.num_images for probe in probes.values())
    if num_images and progress is not None:
        one = next(iter(probes.values()))
        levels = ", ".join(f"{level:.3g}" for level in one.levels)
        progress.study(
            f"{one.run.path}: {len(one.run.trials)} trials look at {num_images:,} "
            f"{one.data.kind.nouns} under {one.perturbations[0].kind} ({levels})",
            num_images,
        )


def pseudo_patterns(
    options: PerturbationOptions, data: Dataset, progress: Progress | None = None
) -> PseudoPatterns:
    """The examples that every network of a run classifies correctly although they are perturbed.

    Without a level for them it is chosen before anything is seen: the strongest leaves next to nothing of an
    example.
    """
    run, level = options.run, options.pattern_level
    split: Split = options.probe or ("train" if data.held_out is None else "held_out")
    probe = _probes(options, data, [] if level is None else [level])[split]
    if level is None:
        level = probe.levels[max(len(probe.levels) - 2, min(1, len(probe.levels) - 1))]
    _announce({split: probe}, progress)
    votes = probe.look(progress).votes
    own, kind = votes[probe.levels.index(float(level))], find_kind(options.kind, data.kind.name)
    p_label = own.p_label.mean(axis=0)
    positions = np.flatnonzero(own.correct.all(axis=0))
    positions = positions[np.argsort(-p_label[positions], kind="stable")]  # best first
    return PseudoPatterns(
        run=str(run.path),
        model=run.network,
        row=Row(run.epochs, own.share),
        kind=kind.name,
        axis=kind.label,
        probe=split,
        seed=options.seed,
        num_trials=own.num_trials,
        classes=data.classes,
        level=float(level),
        levels=count_levels(votes, probe.levels),
        positions=positions,
        labels=own.labels[positions],
        p_label=p_label[positions],
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
        right = pd.Series(one.correct.sum(axis=0)).groupby(one.labels)
        sizes = right.size()
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
                "class_chance": float((sizes * (right.sum() / num_trials / sizes) ** num_trials).sum()),
                "accuracy": float(accuracy.mean()),
                "accuracy_least": float(accuracy.min()),
                "accuracy_most": float(accuracy.max()),
            }
        )
    return rows
