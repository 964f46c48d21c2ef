"""What perturbed images do to easy and hard examples (Figure 2), and which ones all networks still know."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from easiness.analysis import (
    SIDES,
    Rule,
    Votes,
    check_fraction,
    match_groups,
    num_selected,
    select,
)
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.paper.perturbation.asked import (
    check_asked,
    check_changes_something,
    image_shape,
    perturbed_probe,
    seen_as,
    spec_with_weights,
)
from easiness.paper.perturbation.asking import Perturbing
from easiness.paper.perturbation.curve import PerturbationCurve, PerturbedMatch
from easiness.paper.perturbation.observing import PerturbedProbe
from easiness.paper.perturbation.panel import draw_panel, draw_patterns, pattern_pictures, perturbed_panel
from easiness.paper.perturbation.patterns import Perturbed, PseudoLevel, PseudoPatterns
from easiness.perturb import find_kind
from easiness.runs import Progress, data_of
from easiness.scoring import easiness_interval
from easiness.spec import Split

_ALIKE = 1e-3  # of a probability: grey stored as color changes by rounding where color is taken away


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
        shown = perturbed_panel(data, recipe, kinds=[kind], levels={kind: found.curve.levels}, seed=seed)
        drawn[asked.panel] = draw_panel(shown)
    if asked.patterns is not None:
        drawn[asked.patterns] = draw_patterns(pattern_pictures(found.patterns, data, recipe))
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
    begin(probes, progress)
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


def begin(probes: dict[Split, PerturbedProbe], progress: Progress | None) -> None:
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


def match_levels(
    votes: Sequence[Votes],
    levels: Sequence[float],
    neutral: int,
    rules: Iterable[Rule],
    num_replicates: int,
) -> list[PerturbedMatch]:
    """Match the votes at each level with those at the position ``neutral``, rule by rule, level by level."""
    # a copy, since votes that are one object are matched over other groups than votes that are two
    regular = copy.copy(votes[neutral])
    nothing: npt.NDArray[np.float64] = np.full(num_replicates, np.nan)
    found = []
    for rule in rules:
        for level, perturbed in zip(levels, votes, strict=True):
            undefined = perturbed is not votes[neutral] and not perturbed.correct.any(axis=1).all()
            if undefined:
                found.append(PerturbedMatch(level, rule.side, rule.ties, None, None, nothing))
                continue
            same = rule.match_all(regular, perturbed)
            groups = match_groups(regular, perturbed, rule, num_replicates=num_replicates)
            rates = nothing if groups is None else groups.replicates
            found.append(PerturbedMatch(level, rule.side, rule.ties, same, groups, rates))
    return found


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
    begin({probe: looked_at}, progress)
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


def count_levels(votes: Iterable[Votes], levels: Iterable[float]) -> list[PseudoLevel]:
    """Count the examples that are right in all trials, at each level."""
    return [_count(one, level) for one, level in zip(votes, levels, strict=True)]


def _count(votes: Votes, level: float) -> PseudoLevel:
    num, num_trials = votes.num_examples, votes.num_trials
    accuracy = votes.correct.mean(axis=1)
    count = int(votes.correct.all(axis=0).sum())
    sizes = np.bincount(votes.labels)
    right = np.bincount(votes.labels, votes.correct.sum(axis=0)) / num_trials
    present = sizes > 0
    low, high = easiness_interval(count, num, num)
    return PseudoLevel(
        level=level,
        count=count,
        num_examples=num,
        accuracy=tuple(accuracy.tolist()),
        chance=float(num * accuracy.mean() ** num_trials),
        chance_product=float(num * math.prod(accuracy.tolist())),
        class_chance=float((sizes[present] * (right[present] / sizes[present]) ** num_trials).sum()),
        interval=(float(low * num), float(high * num)),
    )
