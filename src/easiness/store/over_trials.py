"""What the trials of a run say together: votes, the table of scores, probabilities.

Trials are read in pieces, so that memory does not grow with their length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import Votes, membership, num_selected, round_in_place
from easiness.errors import BadInput
from easiness.record import KeptLogits
from easiness.scores import Scoring, most_predicted
from easiness.spec import Split
from easiness.store.parquet import Ids
from easiness.store.trial import StoredTrial

if TYPE_CHECKING:
    import pandas as pd

_AT_ONCE = 1 << 22  # predictions held at a time, of all trials together: 16 MiB


@dataclass(frozen=True)
class Examples:
    """The examples of one ``split`` of a run: ``ids`` [K], ``labels`` [K], and the names of all classes."""

    ids: Ids
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    split: Split


def votes_of(
    trials: Sequence[StoredTrial],
    examples: Examples,
    epoch: int,
    drawn: npt.NDArray[np.int64] | None,
    spare: Votes | None,
    keys: Callable[[], npt.NDArray[np.uint64]] | None,
) -> Votes:
    """The votes that `Run.votes` gives, for all examples or those at the positions ``drawn``, in order."""
    ids, labels, split = examples.ids, examples.labels, examples.split
    if drawn is not None:
        ids, labels, keys = ids[drawn], labels[drawn], None
    shape = (len(trials), len(labels))
    if spare is not None and spare.correct.shape == shape:
        correct, p_label = spare.correct, np.asarray(spare.p_label, np.float64)
    else:
        correct, p_label = np.empty(shape, np.bool_), np.empty(shape, np.float64)
    narrow = labels.astype(np.int32)  # as predictions are
    for row, trial in enumerate(trials):
        for first, piece in trial.pieces(epoch, ["prediction", "loss"], split):
            prediction, loss = piece["prediction"], piece["loss"]
            place = slice(first, first + len(loss))
            if drawn is not None:
                place = slice(*np.searchsorted(drawn, [place.start, place.stop]).tolist())
                some = drawn[place] - first
                prediction, loss = prediction[some], loss[some]
            np.equal(prediction, narrow[place], out=correct[row, place])
            p = p_label[row, place]
            # in double precision a loss of 1e-9 still differs from one of 2e-9
            np.negative(loss, out=p, dtype=np.float64)
            np.exp(p, out=p)
            round_in_place(p)
    indices = np.array([trial.index for trial in trials], np.int64)
    return Votes(correct, p_label, labels, ids, epoch, indices, keys, is_rounded=True)


def scores_table(
    trials: Sequence[StoredTrial], examples: Examples, epoch: int, fraction: float | None
) -> pd.DataFrame:
    """The table that `Run.scores` gives, and its errors."""
    import pandas as pd

    ids, labels, classes, split = examples.ids, examples.labels, examples.classes, examples.split
    if fraction is None:
        fraction = 0.1  # of a handful of examples less than one, and still each has its probability
    else:
        num_selected(len(ids), fraction)  # before the work
    scoring = Scoring(labels, len(classes), epoch)
    for trial in trials:
        for first, observations in trial.blocks(len(classes), epoch, split):
            scoring.add(observations, first)
    belongs = membership(scoring.counts.num_right, scoring.counts.num_trials, fraction)
    columns = scoring.columns()
    columns["predicted"], columns["predicted_share"] = _predicted(trials, epoch, len(ids), split)
    columns |= {
        "p_easy": belongs.p_easy,
        "p_hard": belongs.p_hard,
        "easiness_expected": belongs.expected,
    }
    names = np.array(classes, dtype=object)[labels]
    # every column is an array of its own, so that the table need not copy them all
    fixed = {"id": ids.copy(), "label": labels.copy(), "class": names}
    return pd.DataFrame({**fixed, **columns}, copy=False)


def _predicted(
    trials: Sequence[StoredTrial], epoch: int, num_examples: int, split: Split
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """`most_predicted` of all examples; the trials are read once for every so many examples."""
    predicted, share = np.empty(num_examples, np.int64), np.empty(num_examples)
    size = min(num_examples, max(1, _AT_ONCE // len(trials)))
    for first in range(0, num_examples, size):
        some = slice(first, first + size)
        given = np.empty((len(trials), len(predicted[some])), np.int32)
        for row, trial in zip(given, trials, strict=True):
            row[:] = trial.columns(epoch, ["prediction"], split)["prediction"][some]
        predicted[some], share[some] = most_predicted(given)
    return predicted, share


def mean_probabilities(
    path: Path, trials: Sequence[StoredTrial], epoch: int, split: Split, *, left_out: bool
) -> npt.NDArray[np.float64]:
    """The mean over trials of the softmax of the logits kept after ``epoch``, [examples, classes].

    With ``left_out`` over the trials that did not train on the example; NaN where every one did.

    Raises:
        BadInput: the logits were not kept, or no trial left anything out.
    """
    from scipy.special import softmax

    total: npt.NDArray[np.float64] | None = None
    for trial in trials:
        trained_on = trial.columns(epoch, ["trained_on"], split)["trained_on"]
        if left_out and trained_on.all():
            continue
        wanted = np.flatnonzero(~trained_on) if left_out else np.arange(len(trained_on))
        logits = _logits(path, trial.logits(epoch, split), wanted, left_out)
        values = softmax(logits.astype(np.float64), axis=1)
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


def _logits(
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
