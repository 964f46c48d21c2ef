"""Pseudo patterns: perturbed examples that every fully trained network still classifies correctly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes
from easiness.errors import BadInput
from easiness.perturb import find_kind
from easiness.runs import Progress, data_of, told
from easiness.show import Result, Section
from easiness.spec import Execution
from easiness.store import Run, check_opened
from easiness.studies.perturbation.counts_figure import draw_counts
from easiness.studies.perturbation.observing import ProbeName, spec_with_weights
from easiness.studies.perturbation.patterns import Patterns, PseudoLevel
from easiness.studies.perturbation.sections import pseudo_sections
from easiness.studies.perturbation.study import begin, curve_probes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PseudoPatterns(Patterns, Result):
    """`Patterns`, to be shown."""

    def figure(self) -> Figure:
        """The counts against the level, see `draw_counts`; `draw_patterns` shows the examples themselves."""
        return draw_counts(self)

    def sections(self) -> list[Section]:
        """One table: the examples that all networks get right at each level, beside chance."""
        return pseudo_sections(self)


def pseudo_patterns(
    run: Run,
    kind: str = "radial",
    level: float | None = None,
    levels: Sequence[float] | None = None,
    *,
    source: Any = None,
    probe: ProbeName | None = None,
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
            before anything is seen: the strongest leaves next to nothing of an image.
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
    with told(progress, pseudo_patterns, given) as tell:
        begin({probe: looked_at}, tell)
        votes = looked_at.look(tell).votes
    listed = votes[looked_at.levels.index(float(level))]
    positions = _right_in_all(listed)
    return PseudoPatterns(
        run=str(run.path),
        model=run.model,
        epoch=run.epochs,
        kind=find_kind(kind).name,
        axis=find_kind(kind).label,
        probe=probe,
        seed=seed,
        num_trials=listed.num_trials,
        classes=data.classes,
        level=float(level),
        levels=count_levels(votes, looked_at.levels),
        positions=positions,
        ids=listed.ids[positions],
        labels=listed.labels[positions],
        p_label=listed.p_label.mean(axis=0)[positions],
    )


def count_levels(votes: Iterable[Votes], levels: Iterable[float]) -> list[PseudoLevel]:
    """Count the examples that are right in all trials, at each level."""
    return [_count(one, level) for one, level in zip(votes, levels, strict=True)]


def _right_in_all(votes: Votes) -> npt.NDArray[np.int64]:
    """Positions, the highest mean probability of the label first; equal ones as in the data."""
    positions = np.flatnonzero(votes.correct.all(axis=0))
    return positions[np.argsort(-votes.p_label.mean(axis=0)[positions], kind="stable")]


def _count(votes: Votes, level: float) -> PseudoLevel:
    num, num_trials = votes.num_examples, votes.num_trials
    accuracy = votes.correct.mean(axis=1)
    count = int(votes.correct.all(axis=0).sum())
    sizes = np.bincount(votes.labels)
    right = np.bincount(votes.labels, votes.correct.sum(axis=0)) / num_trials
    present = sizes > 0
    low, high = _jeffreys(count, num)
    return PseudoLevel(
        level=level,
        count=count,
        num_examples=num,
        accuracy=tuple(accuracy.tolist()),
        chance=float(num * accuracy.mean() ** num_trials),
        chance_product=float(num * math.prod(accuracy.tolist())),
        class_chance=float((sizes[present] * (right[present] / sizes[present]) ** num_trials).sum()),
        interval=(low * num, high * num),
    )


def _jeffreys(count: int, num: int) -> tuple[float, float]:
    """95 % interval of a share, from 0 where the count is 0 and to 1 where it is all (Brown et al. 2001)."""
    from scipy.stats import beta

    low = 0.0 if count == 0 else float(beta.ppf(0.025, count + 0.5, num - count + 0.5))
    high = 1.0 if count == num else float(beta.ppf(0.975, count + 0.5, num - count + 0.5))
    return low, high
