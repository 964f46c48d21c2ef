"""The examples of each class that the page shows: the easiest and the hardest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes, membership
from easiness.report.gallery_figure import class_extremes
from easiness.store import Run


@dataclass(frozen=True)
class Shown:
    """An example with what its caption says.

    ``num_right`` trials predict the label, with mean probability ``p_label``; ``num_predicted`` of them
    predict the class ``predicted``, more than predict any other (the first class of equals). ``p_easy`` and
    ``p_hard`` are the probabilities to be among the truly easiest and hardest of all examples.
    """

    position: int
    id: str
    num_right: int
    p_label: float
    predicted: str
    num_predicted: int
    p_easy: float
    p_hard: float


@dataclass(frozen=True)
class ClassGallery:
    """The easiest examples of a class, easiest first, and the hardest, hardest first."""

    label: int
    name: str
    num_examples: int
    easiest: list[Shown]
    hardest: list[Shown]

    def __iter__(self) -> Iterator[Shown]:
        yield from self.easiest
        yield from self.hardest


def class_galleries(
    run: Run,
    votes: Votes,
    difficulty: npt.NDArray[np.float64],
    per_side: int,
    max_classes: int,
    fraction: float = 0.1,
) -> list[ClassGallery]:
    """Galleries of the classes in order of their labels, by ``difficulty`` [K]; see `class_extremes`.

    Where there are more than ``max_classes``, those whose examples fewest trials are right about on
    average, the hardest class first. ``fraction`` of all examples are called easiest, and hardest.
    """
    everything = votes.all_trials()
    counts, p_label = votes.counts(everything)[0], votes.mean_p_label(everything)[0]
    members = membership(counts, votes.num_trials, fraction)
    labels = _shown_labels(votes.labels, counts, len(run.classes), max_classes)
    chosen = class_extremes(votes, labels, per_side, difficulty)
    shown = np.unique(np.concatenate([p for pair in chosen for p in pair]))
    predicted = _predictions(run, votes.epoch, shown)

    def describe(position: int) -> Shown:
        column = predicted[:, np.searchsorted(shown, position)]
        tally = np.bincount(column, minlength=len(run.classes))[: len(run.classes)]
        return Shown(
            position=position,
            id=str(votes.ids[position]),
            num_right=int(counts[position]),
            p_label=float(p_label[position]),
            predicted=run.classes[tally.argmax()],
            num_predicted=int(tally.max()),
            p_easy=float(members.p_easy[position]),
            p_hard=float(members.p_hard[position]),
        )

    return [
        ClassGallery(
            label=label,
            name=run.classes[label],
            num_examples=int((votes.labels == label).sum()),
            easiest=[describe(position) for position in easiest.tolist()],
            hardest=[describe(position) for position in hardest.tolist()],
        )
        for label, (easiest, hardest) in zip(labels, chosen, strict=True)
    ]


def _shown_labels(
    labels: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], num_classes: int, most: int
) -> list[int]:
    if num_classes <= most:
        return list(range(num_classes))
    totals = np.bincount(labels, minlength=num_classes)
    right = np.bincount(labels, counts, num_classes)
    with np.errstate(invalid="ignore"):
        mean = right / totals  # NaN for a class without examples, which is sorted last
    order: list[int] = np.argsort(mean, kind="stable")[:most].tolist()
    return order


def _predictions(run: Run, epoch: int, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Predicted classes [trials, n] of the examples at ``positions`` [n]; behind the last where not heard."""
    rows = []
    for trial in run.trials:
        seen = trial.columns(epoch, ["prediction", "trained_on"])
        saw = seen["trained_on"] if run.shares else False
        rows.append(np.where(saw, len(run.classes), seen["prediction"])[positions])
    return np.array(rows, np.int64)
