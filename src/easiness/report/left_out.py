"""Examples of a run that can be left out of its data, as its records show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.report.facts import epoch_option
from easiness.spec import Drawing, Loading, Training, command_line, training_of
from easiness.store import Run
from easiness.studies.training_sets import prune

_SHARES = (0.1, 0.3, 0.5)
_POLICY = "easy"


@dataclass(frozen=True)
class Dropped:
    """The ``num`` examples that `prune` drops at a ``share``; all trials have ``num_right`` of them right.

    ``confidence`` is the mean probability of the label, of those dropped and of those kept.
    """

    share: float
    num: int
    num_right: int
    confidence: tuple[float, float]


@dataclass(frozen=True)
class LeftOut:
    """The examples of a run that are easy beyond doubt, and those that `prune` would drop.

    ``num_right`` examples of ``num_examples`` are right in all trials after the epoch that the page reads;
    ``since`` has pairs of an earlier epoch, or share, and how many are so in each observed from it on.
    ``prune`` and ``ablate`` are commands; there is none of the latter for data that have no name.
    """

    num_examples: int
    num_right: int
    since: list[tuple[str, int]]
    dropped: list[Dropped]
    prune: str
    ablate: str | None


def left_out(run: Run, epoch: int) -> LeftOut | None:
    """Count what can be left out after ``epoch``; ``None`` with one trial, or if nothing is right in all."""
    if len(run.trials) < 2:
        return None
    epochs = [one for one in run.observed if one <= epoch]
    first = _right_since(run, epochs)
    right = ~np.isnan(first)
    if not right.any():
        return None
    # where few epochs were observed these may be one
    earlier = dict.fromkeys((epochs[len(epochs) // 2], epochs[0]))
    return LeftOut(
        num_examples=len(first),
        num_right=int(right.sum()),
        since=[(run.row_text(one), int((first <= one).sum())) for one in earlier if one != epoch],
        dropped=_dropped(run, epoch, right),
        prune=_prune_command(run, epoch),
        ablate=_ablate_command(run, epoch),
    )


def _right_since(run: Run, epochs: list[int]) -> npt.NDArray[np.float64]:
    """The first epoch from which on all trials have each example [K] right; NaN where not in the last."""
    first = np.full(len(run.labels), np.nan)
    so_far = np.ones(len(run.labels), np.bool_)
    for epoch in reversed(epochs):
        for trial in run.trials:
            seen = trial.columns(epoch, ["prediction", "trained_on"])
            right = seen["prediction"] == run.labels
            so_far &= right | seen["trained_on"] if run.shares else right
        first[so_far] = epoch
    return first


def _dropped(run: Run, epoch: int, right: npt.NDArray[np.bool_]) -> list[Dropped]:
    p_label = run.votes(epoch).p_label.mean(axis=0)
    found = []
    for share in _SHARES:
        try:
            kept = prune(run, drop=share, policy=_POLICY, **run.asked(epoch)).kept
        except BadInput:  # a class would lose all its examples
            continue
        if kept.all():  # so few examples that the share is of none
            continue
        found.append(
            Dropped(
                share,
                int((~kept).sum()),
                int((right & ~kept).sum()),
                (float(p_label[~kept].mean()), float(p_label[kept].mean())),
            )
        )
    return found


def _prune_command(run: Run, epoch: int) -> str:
    which = ("--drop", 0.3, "--policy", _POLICY)
    return command_line("prune", run.path, *which, *epoch_option(run, epoch), "-o", "kept.csv")


def _ablate_command(run: Run, epoch: int) -> str | None:
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    scores = ("--scores", run.path, *epoch_option(run, epoch))
    rates, loading = Drawing((0, *_SHARES)), Loading(holdout=0.2 if spec.data.held_out is None else None)
    network = kind_named(spec.data.kind).networks[0]
    # heads are no network to train, and `ablate` starts from scratch
    training = (
        Training(network, seed=spec.seed) if spec.heads else replace(training_of(spec), pretrained=False)
    )
    trained = (training, loading, "--out", "ablation")
    return command_line("ablate", spec.data.source, *scores, rates, *trained, always=("model", "epochs"))
