"""What the networks of a run say of each example, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.record import KeptLogits
from easiness.spec import Split
from easiness.store.trial import StoredTrial


def mean_probabilities(
    path: Path, trials: Sequence[StoredTrial], epoch: int, split: Split, *, left_out: bool
) -> npt.NDArray[np.float64]:
    """The mean over trials of the softmax of the logits kept after ``epoch``, [examples, classes].

    With ``left_out`` over the trials that did not train on the example; NaN where every one did.

    Raises:
        BadInput: the logits were not kept, or no trial left anything out.
    """
    total: npt.NDArray[np.float64] | None = None
    for trial in trials:
        trained_on = trial.columns(epoch, ["trained_on"], split)["trained_on"]
        if left_out and trained_on.all():
            continue
        wanted = np.flatnonzero(~trained_on) if left_out else np.arange(len(trained_on))
        values = _softmax(_values(path, trial.logits(epoch, split), wanted, left_out))
        if total is None:
            total, num = np.zeros((len(trained_on), values.shape[1])), np.zeros(len(trained_on), np.int64)
        total[wanted] += values
        num[wanted] += 1
    if total is None:
        raise BadInput(
            f"{path}: no trial left an example out of its training; leave out left_out=True, or measure with "
            "train_share below 1"
        )
    mean: npt.NDArray[np.float64] = np.divide(
        total, num[:, None], out=np.full_like(total, np.nan), where=num[:, None] > 0
    )
    return mean


def _values(
    path: Path, kept: KeptLogits | None, wanted: npt.NDArray[np.int64], left_out: bool
) -> npt.NDArray[np.float32]:
    """The logits [n, classes] of the examples wanted, all of which have to be kept."""
    if kept is None or not np.isin(wanted, kept.positions).all():
        others = kept is not None and not left_out
        instead = "; left_out=True takes those of examples left out of training" if others else ""
        raise BadInput(
            f"{path}: not all logits were kept{instead}; measure or record another run with keep_logits=True "
            "(--keep-logits)"
        )
    values: npt.NDArray[np.float32] = kept.values[0][np.searchsorted(kept.positions, wanted)]
    return values


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    p = logits.astype(np.float64)
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p
