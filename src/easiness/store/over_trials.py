"""The trials of a run together: votes, the table of scores, probabilities.

Trials are read in pieces, so that memory does not grow with their length.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from easiness import store
from easiness.analysis import Votes, drawn_examples, membership, num_selected, round_in_place
from easiness.errors import BadInput
from easiness.lazy import Floats, Integers, Mask, Singles, pd, special
from easiness.records import KeptLogits
from easiness.scoring import Scoring, most_named
from easiness.spec import Split
from easiness.store.trial import StoredTrial

_COLUMNS = 8  # of a table, put together at a time
_AT_ONCE = 1 << 22  # predictions held at a time, of all trials together: 16 MiB


def votes_of(run: store.Run, epoch: int, at_most: int | None, spare: Votes | None, split: Split) -> Votes:
    trials, (ids, labels), strata = run.trials, run.examples(split), run.strata(split)
    sample = None if at_most is None else drawn_examples(len(ids), at_most)
    keys = run.id_keys if sample is None and ids is run.ids else None
    if sample is not None:
        ids, labels, strata = ids[sample], labels[sample], strata[sample]
    num_votes = num_heard(trials, epoch, split)
    shape = (len(trials) if num_votes is None else num_votes, len(labels))
    if spare is not None and spare.correct.shape == shape:
        correct, p_label = spare.correct, np.asarray(spare.p_label, np.float64)
    else:
        correct, p_label = np.empty(shape, np.bool_), np.empty(shape, np.float64)
    narrow = labels.astype(np.int32)  # as predictions are
    seats = None if num_votes is None else Seats(num_votes, len(labels))
    names = ["prediction", "loss", *(["trained_on"] if seats else [])]
    for row, trial in enumerate(trials):
        for first, piece in trial.pieces(epoch, names, split):
            place = slice(first, first + len(piece["loss"]))
            if sample is not None:
                place = slice(*np.searchsorted(sample, [place.start, place.stop]).tolist())
                some = sample[place] - first
                piece = {name: values[some] for name, values in piece.items()}
            right = piece["prediction"] == narrow[place]
            # in double precision a loss of 1e-9 still differs from one of 2e-9
            p = np.negative(piece["loss"], dtype=np.float64)
            np.exp(p, out=p)
            round_in_place(p)
            if seats is None:
                correct[row, place], p_label[row, place] = right, p
            else:
                rows, columns = seats.take(place, ~piece["trained_on"])
                correct[rows, columns] = right[columns - place.start]
                p_label[rows, columns] = p[columns - place.start]
    indices = (
        np.arange(num_votes)
        if num_votes is not None
        else np.array([trial.index for trial in trials], np.int64)
    )
    share = run.shares[epoch - 1] if num_votes is not None else None
    return Votes(correct, p_label, strata, ids, epoch, indices, keys, is_rounded=True, share=share)


def num_heard(trials: Sequence[StoredTrial], epoch: int, split: Split) -> int | None:
    """The number of heads that left out each example at least; ``None`` of trainings, all heard."""
    if not trials or not trials[0].by_share:
        return None
    columns = (trial.columns(epoch, ["trained_on"], split)["trained_on"] for trial in trials)
    least = int(sum((~column).astype(np.int64) for column in columns).min())  # type: ignore[union-attr]
    if least == 0:
        spec = trials[0].document.spec
        assert spec is not None
        assert spec.heads is not None
        raise BadInput(
            f"share {spec.heads.shares[epoch - 1]:g}: some examples were left out by no trial of "
            f"{len(trials)}; measure {spec.heads.folds} trials or a multiple of that"
        )
    return least


class Seats:
    """Deals the rows of votes on examples, first come, first served, to heads that left them out."""

    def __init__(self, num: int, num_examples: int) -> None:
        self._num, self._num_taken = num, np.zeros(num_examples, np.int64)

    def take(self, place: slice, is_heard: Mask) -> tuple[Integers, Integers]:
        """Rows and columns for the votes on the examples at ``place`` that are heard and have room."""
        columns = place.start + np.flatnonzero(is_heard & (self._num_taken[place] < self._num))
        rows = self._num_taken[columns]
        self._num_taken[columns] += 1
        return rows, columns


def scores_table(run: store.Run, epoch: int, fraction: float | None, split: Split) -> pd.DataFrame:
    trials, classes, (ids, labels) = run.trials, run.classes, run.examples(split)
    if fraction is None:
        fraction = 0.1  # of a handful of examples less than one, and still each has its probability
    else:
        num_selected(len(ids), fraction)  # before the work
    scoring = Scoring(labels, epoch, num_heard(trials, epoch, split))
    for trial in trials:
        for first, observations in trial.blocks(len(classes), epoch, split):
            scoring.add(observations, first)
    belongs = membership(scoring.counts.num_right, scoring.counts.num_trials, fraction)
    columns = scoring.columns()
    columns["predicted"], columns["predicted_share"] = _predicted(
        trials, epoch, len(ids), split, len(classes)
    )
    columns |= {
        "p_easy": belongs.p_easy,
        "p_hard": belongs.p_hard,
        "easiness_expected": belongs.expected,
    }
    names = np.array(classes, dtype=object)[labels]
    columns = {"id": ids, "label": labels, "class": names, **columns}
    order = list(columns)
    # a few columns copied at a time: of a hundred apart pandas warns, and all at once take twice the memory
    parts = [
        pd.DataFrame({name: columns.pop(name) for name in order[first : first + _COLUMNS]})
        for first in range(0, len(order), _COLUMNS)
    ]
    return pd.concat(parts, axis=1)


def _predicted(
    trials: Sequence[StoredTrial], epoch: int, num_examples: int, split: Split, num_classes: int
) -> tuple[Integers, Floats]:
    """The class that most trials that are heard name, and their share; for so many examples at a time."""
    predicted, share = np.empty(num_examples, np.int64), np.empty(num_examples)
    size = min(num_examples, max(1, _AT_ONCE // len(trials)))
    names = ["prediction", *(["trained_on"] if trials[0].by_share else [])]
    for first in range(0, num_examples, size):
        some = slice(first, first + size)
        votes = np.empty((len(trials), len(predicted[some])), np.int32)
        for row, trial in zip(votes, trials, strict=True):
            columns = trial.columns(epoch, names, split)
            row[:] = columns["prediction"][some]
            if "trained_on" in columns:
                row[columns["trained_on"][some]] = num_classes
        predicted[some], most = most_named(votes, nobody=num_classes)
        share[some] = most / (votes < num_classes).sum(axis=0)
    return predicted, share


def mean_probabilities(run: store.Run, epoch: int, split: Split, *, left_out: bool) -> Floats:
    """The mean softmax over trials, or those that left it out, of each example: [examples, classes]."""
    total: Floats | None = None
    for trial in run.trials:
        trained_on = trial.columns(epoch, ["trained_on"], split)["trained_on"]
        if left_out and trained_on.all():
            continue
        positions = np.flatnonzero(~trained_on) if left_out else np.arange(len(trained_on))
        logits = _logits(run.path, trial.logits(epoch, split), positions, left_out)
        values = special.softmax(logits.astype(np.float64), axis=1)
        if total is None:
            total, num = np.zeros((len(trained_on), values.shape[1])), np.zeros(len(trained_on), np.int64)
        total[positions] += values
        num[positions] += 1
    if total is None:
        raise BadInput(
            f"{run.path}: no trial left an example out of its training; leave out left_out=True, or measure "
            "with train_share below 1"
        )
    mean: Floats = np.divide(total, num[:, None], out=np.full_like(total, np.nan), where=num[:, None] > 0)
    return mean


def _logits(path: Path, stored_logits: KeptLogits | None, positions: Integers, left_out: bool) -> Singles:
    if stored_logits is None or not np.isin(positions, stored_logits.positions).all():
        others = stored_logits is not None and not left_out
        instead = "; left_out=True takes those of examples left out of training" if others else ""
        raise BadInput(
            f"{path}: not all logits were kept{instead}; measure or record another run with keep_logits=True "
            "(--keep-logits)"
        )
    values: Singles = stored_logits.values[0][np.searchsorted(stored_logits.positions, positions)]
    return values
