"""Pseudo patterns: perturbed examples that every fully trained network still classifies correctly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes
from easiness.errors import BadInput
from easiness.perturb import find_kind
from easiness.runs import Progress, data_of
from easiness.show import Result, Section
from easiness.store import Run
from easiness.studies.perturbation.observing import ProbeName, spec_with_weights
from easiness.studies.perturbation.study import begin, curve_probes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PseudoLevel:
    """How many of K examples all N networks get right at a level, and how many they would by chance.

    ``accuracy`` [N] is that of each network at the level. ``chance`` is K * (mean accuracy)^N, what N
    independent networks would share; ``chance_product`` is K times the product of the accuracies, never
    more. ``class_chance`` is the sum over classes of n_c * (mean accuracy in c)^N: it is large where all
    networks take everything for the same class. ``interval`` is the 95 % Jeffreys interval of the count.
    """

    level: float
    count: int
    num_examples: int
    accuracy: tuple[float, ...]
    chance: float
    chance_product: float
    class_chance: float
    interval: tuple[float, float]

    @property
    def beyond_chance(self) -> bool | None:
        """Whether the interval is wholly above ``chance``; ``None`` where it contains it."""
        low, high = self.interval
        if low <= self.chance <= high:
            return None
        return low > self.chance


@dataclass(frozen=True)
class PseudoPatterns(Result):
    """The examples of a split that all networks of a run still classify correctly at ``level``.

    ``positions`` [n] are those in the split, best first: by the mean probability of their label over
    networks, ``p_label`` [n]; ``ids`` and ``labels`` [n] go with them. ``levels`` has the counts at every
    level asked for, ``level`` among them.
    """

    run: str
    model: str
    epoch: int
    kind: str
    axis: str
    probe: ProbeName
    seed: int
    num_trials: int
    classes: tuple[str, ...]
    level: float
    levels: list[PseudoLevel]
    positions: npt.NDArray[np.int64] = field(repr=False)
    ids: npt.NDArray[Any] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    p_label: npt.NDArray[np.float64] = field(repr=False)

    @property
    def at_level(self) -> PseudoLevel:
        """The counts at ``level``."""
        return next(one for one in self.levels if one.level == self.level)

    def shown(self, num: int) -> npt.NDArray[np.int64]:
        """Indices of the ``num`` patterns to show: the best of each class in turn, put class by class."""
        turn = np.empty(len(self.labels), np.int64)
        for label in np.unique(self.labels):
            members = np.flatnonzero(self.labels == label)
            turn[members] = np.arange(len(members))
        chosen = np.lexsort((self.labels, turn))[:num]
        return chosen[np.lexsort((turn[chosen], self.labels[chosen]))]

    def table(self) -> pd.DataFrame:
        """A row for each level."""
        import pandas as pd

        rows = [
            {
                "kind": self.kind,
                "level": one.level,
                "probe": self.probe,
                "model": self.model,
                "epoch": self.epoch,
                "num_trials": self.num_trials,
                "num_examples": one.num_examples,
                "count": one.count,
                "low": one.interval[0],
                "high": one.interval[1],
                "chance": one.chance,
                "chance_product": one.chance_product,
                "class_chance": one.class_chance,
                "accuracy": float(np.mean(one.accuracy)),
                "accuracy_least": min(one.accuracy),
                "accuracy_most": max(one.accuracy),
            }
            for one in self.levels
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """The counts against the level, see `draw_counts`; `draw_patterns` shows the examples themselves."""
        from easiness.studies.perturbation.counts_figure import draw_counts

        return draw_counts(self)

    def sections(self) -> list[Section]:
        """One table: the examples that all networks get right at each level, beside chance."""
        from easiness.studies.perturbation.sections import pseudo_sections

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
    progress: Progress | None = None,
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
        device: ``auto``, ``cpu`` or ``cuda``.
        cache: keep photos at the working resolution in a file beside the run.
        progress: what to call as it goes on.

    Raises:
        BadInput: as `perturbation_curve`; and where there is no such split.
    """
    spec_with_weights(run)  # else the data need not be looked for
    data = data_of(run, source)
    if probe is None:
        probe = "train" if data.held_out is None else "held_out"
    also = [] if level is None else [level]
    probes = curve_probes(run, data, kind, levels, also=also, seed=seed, device=device, cache=cache)
    if probe not in probes:
        raise BadInput(f"{run.path}: the data have no held-out split; look at the training examples")
    looked_at = probes[probe]
    if level is None:
        level = looked_at.levels[max(len(looked_at.levels) - 2, min(1, len(looked_at.levels) - 1))]
    progress = progress or Progress()
    begin({probe: looked_at}, progress)
    votes = looked_at.look(progress).votes
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
