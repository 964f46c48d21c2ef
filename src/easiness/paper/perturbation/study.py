"""What perturbed images do to easy and hard examples (Figure 2), and which ones all networks still know."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import SIDES, Rule, Side, Ties, Votes, match_groups, num_selected, select
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.paper.perturbation.asked import perturbed_probe, seen_as, spec_with_weights
from easiness.paper.perturbation.curve import PerturbationCurve
from easiness.paper.perturbation.match import PerturbedMatch
from easiness.paper.perturbation.observing import PerturbedProbe
from easiness.paper.perturbation.patterns import PseudoLevel, PseudoPatterns
from easiness.paper.perturbation.pixels import image_shape
from easiness.perturb import find_kind
from easiness.runs import Progress, data_of, progress_of
from easiness.scoring import easiness_interval
from easiness.spec import Execution, Split
from easiness.store import Run, check_opened

_ALIKE = 1e-3  # of a probability: grey stored as color changes by rounding where color is taken away


def perturbation_curve(
    run: Run,
    kind: str,
    levels: Sequence[float] | None = None,
    *,
    source: Any = None,
    sides: Iterable[Side] = SIDES,
    fraction: float = 0.1,
    ties: Iterable[Ties] = ("expected", "refine"),
    seed: int = 0,
    num_replicates: int = 200,
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool = True,
) -> PerturbationCurve:
    """Let the networks of a run look at perturbed examples, and match their sets with the regular ones.

    Nothing is trained. What the networks see is kept in the run's folder, so that the same call, or one
    that was interrupted, goes on from there. The regular examples are those at the neutral level, looked
    at again by the same networks. Where ties remain, the two sides break them by different hashes.

    Args:
        run: of which the weights are kept; of a run on features the heads of the largest
            share are asked, about the examples that they were not shown.
        kind: of perturbation, see `easiness.perturb`.
        levels: to look at beside the neutral one; the kind's default levels where not given.
        source: where the data are now: a `Dataset` or what `load_dataset` takes; else where the run says.
        sides: ``easy``, ``hard`` or both.
        fraction: of the examples that are called easy, and hard.
        ties: policies, see `easiness.analysis.select`.
        seed: of the random perturbations, the choices of groups and the bootstrap.
        num_replicates: of the bootstrap over trials.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        cache: keep photos at the working resolution in a file beside the run.
        progress: whether to show it: a bar on a terminal, a line in a notebook, lines on standard error
            elsewhere; or a `Progress` of your own to call.

    Raises:
        BadInput: the kind is not known, does not fit the examples or take a level, the weights or the data
            cannot be found, no example is right in any trial, or an option is wrong.
        RunFailed: what a network makes of a perturbed example is not finite.
    """
    check_opened(run=run)
    given = locals()
    spec_with_weights(run)  # else the data need not be looked for
    data = data_of(run, source)
    sides, ties = tuple(sides), tuple(ties)
    for side in sides:
        for policy in ties:
            select([0.0], fraction=1, side=side, ties=policy)  # refuses a mistake before the work
    num_selected(len(data), fraction)
    probes = curve_probes(run, data, kind, levels, seed=seed, execution=Execution(device=device, cache=cache))
    train = probes["train"]
    with progress_of(progress, perturbation_curve, given) as tell:
        begin(probes, tell)
        looks = {name: probe.look(tell) for name, probe in probes.items()}
    votes = looks["train"].votes
    known = find_kind(kind, data.kind.name)
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
        fraction=fraction,
        seed=seed,
        matches=match_levels(
            votes,
            train.levels,
            train.levels.index(neutral),
            [Rule(side, fraction, policy, seed) for policy in ties for side in sides],
            num_replicates,
        ),
        accuracy={name: values for look in looks.values() for name, values in look.accuracy.items()},
        num_silent={
            level: int((~one.correct.any(axis=1)).sum())
            for level, one in zip(train.levels, votes, strict=True)
        },
        changes_nothing=all(np.allclose(one.p_label, votes[0].p_label, rtol=0, atol=_ALIKE) for one in votes),
        share=votes[0].share,
        nouns=data.kind.nouns,
    )


def curve_probes(
    run: Run,
    data: Dataset,
    kind: str,
    levels: Sequence[float] | None,
    *,
    also: Sequence[float] = (),
    seed: int = 0,
    execution: Execution = Execution(),
) -> dict[str, PerturbedProbe]:
    """The splits of the data under the perturbation, at ``levels`` and ``also`` and the neutral level.

    Without ``levels``, at the default ones. From the neutral level to the strongest, each once.
    """
    known = find_kind(kind, data.kind.name)
    shape = image_shape(data, seen_as(run, data))
    wanted = known.levels(shape) if levels is None else levels
    ordered = known.ordered((*wanted, *also), shape)
    return {
        split: perturbed_probe(run, data, kind, ordered, probe=split, seed=seed, execution=execution)
        for split in data.splits
    }


def begin(probes: dict[str, PerturbedProbe], progress: Progress) -> None:
    """Tell what is about to be looked at, if there is anything."""
    num_images = sum(probe.num_images for probe in probes.values())
    if num_images:
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


def pseudo_patterns(
    run: Run,
    kind: str = "radial",
    level: float | None = None,
    levels: Sequence[float] | None = None,
    *,
    source: Any = None,
    probe: Split | None = None,
    seed: int = 0,
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool = True,
) -> PseudoPatterns:
    """Find the examples that every network of a run classifies correctly although they are perturbed.

    Args:
        run: of fully trained networks, of which the weights are kept.
        kind: of perturbation.
        level: at which to list the examples; the last but one of the ``levels`` where not given, chosen
            before anything is seen: the strongest leaves next to nothing of an example.
        levels: at which to count; the kind's default levels where not given. ``level`` and the neutral
            level are added.
        source: where the data are now, see `perturbation_curve`.
        probe: ``held_out`` or ``train``; the held-out split by default, where there is one.
        seed: of the random perturbations.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        cache: keep photos at the working resolution in a file beside the run.
        progress: whether to show it: a bar on a terminal, a line in a notebook, lines on standard error
            elsewhere; or a `Progress` of your own to call.

    Raises:
        BadInput: as `perturbation_curve`; and where there is no such split.
    """
    check_opened(run=run)
    given = locals()
    spec_with_weights(run)  # else the data need not be looked for
    data = data_of(run, source)
    if probe is None:
        probe = "train" if data.held_out is None else "held_out"
    also = [] if level is None else [level]
    probes = curve_probes(
        run, data, kind, levels, also=also, seed=seed, execution=Execution(device=device, cache=cache)
    )
    if probe not in probes:
        raise BadInput(f"{run.path}: the data have no held-out split; look at the training examples")
    looked_at = probes[probe]
    if level is None:
        level = looked_at.levels[max(len(looked_at.levels) - 2, min(1, len(looked_at.levels) - 1))]
    with progress_of(progress, pseudo_patterns, given) as tell:
        begin({probe: looked_at}, tell)
        votes = looked_at.look(tell).votes
    listed = votes[looked_at.levels.index(float(level))]
    known = find_kind(kind, data.kind.name)
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
        seed=seed,
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
