"""What the trials of a run say of each label, gathered from what was observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from easiness.analysis import LabelEvidence
from easiness.errors import BadInput
from easiness.scores import most_named
from easiness.spec import Split
from easiness.store import Ids, Row, Run

LAST = 3
"""Epochs observed at the end that count: more steady than one, and the training is over in all of them."""
FEWEST = 2
"""Trials: with one alone nobody could disagree."""

_AT_ONCE = 1 << 15
_SMALLEST = 1e-300  # a probability
_SMALLEST_SEEN = 1e-12  # 1 - p of the label, from its loss
_UNSEEN = 1e-5  # 1 - p of another class: what rounding to float32 may make of 0

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Means over the trials heard of K examples: those that left the example out, or all where none did.

    ``heard`` [trials, K] says whom. Means are over them and the last ``num_epochs`` epochs observed,
    or of the last of ``shares`` that heads of a run on features have seen:
    ``p_label`` and ``p_rival`` [K] of the label and of the most probable other class, and what
    `LabelEvidence` has. ``rival`` [K] is the class that they predict most instead of the label, the first of
    equals, -1 where they never do; ``rival_share`` [K] is the share of their predictions that name it,
    ``other_share`` [K] the share that is not the label. ``right`` [epochs, K] is the share of them that
    predict the label after each epoch observed. ``log_p`` [K, classes] is the mean of log p of each class
    over heads that left the example out, where these kept it.
    """

    ids: Ids
    labels: _Integers
    epochs: tuple[int, ...]
    num_epochs: int
    heard: _Mask
    left_out: _Mask
    p_label: _Floats
    p_rival: _Floats
    rival: _Integers
    rival_share: _Floats
    other_share: _Floats
    right: _Floats
    of_labels: LabelEvidence
    log_p: _Floats | None = None
    shares: tuple[float, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """What the rows observed are of."""
        shares = self.shares or (None,) * len(self.epochs)
        return tuple(Row(epoch, share) for epoch, share in zip(self.epochs, shares, strict=True))

    @property
    def num_heard(self) -> _Integers:
        """How many trials are heard of each example [K]."""
        return np.asarray(self.heard.sum(axis=0), np.int64)

    @property
    def first_right(self) -> _Floats:
        """From which epoch, or share, on most that are heard predict the label, to the end; NaN where not."""
        to_the_end = np.logical_and.accumulate((self.right > 1 / 2)[::-1]).sum(axis=0)
        first = np.array([row.value for row in self.rows])[len(self.rows) - np.maximum(to_the_end, 1)]
        return np.where(to_the_end > 0, first, np.nan)


def gather(run: Run, split: Split, epoch: int | None = None) -> Evidence:
    """The evidence of a run after an epoch, the last by default, from those observed until then.

    Raises:
        BadInput: the run has too few trials or one class, the epoch was not observed, or there is no such
            split.
    """
    last = run.resolve_row(epoch)
    _check(run)
    ids, labels = run.examples(split)
    epochs = tuple(one for one in run.observed if one <= last)
    num_last = 1 if run.shares else min(LAST, len(epochs))
    # heads that have not seen an example at one share have not at a smaller one
    heard, left_out = _heard(run, split, last)
    sums = _Sums(len(labels), len(run.classes))
    right = np.zeros((len(epochs), len(labels)))
    predictions = []
    for own, trial in zip(heard, run.trials, strict=True):
        for row, one in enumerate(epochs):
            of_end = row >= len(epochs) - num_last
            seen = trial.columns(one, ["prediction", *(["loss", "margin"] if of_end else [])], split)
            right[row] += own & (seen["prediction"] == labels)
            if of_end:
                sums.add(own, seen["loss"], seen["margin"])
                predictions.append(np.where(own, seen["prediction"], -1).astype(np.int32))
    rival, named, others = _rivals(np.stack(predictions), labels, len(run.classes))
    num = heard.sum(axis=0)
    means = sums.means()
    return Evidence(
        ids=ids,
        labels=labels,
        epochs=epochs,
        num_epochs=num_last,
        heard=heard,
        left_out=left_out,
        p_label=means["p_label"],
        p_rival=means["p_rival"],
        rival=rival,
        rival_share=named / (num * num_last),
        other_share=others / (num * num_last),
        right=right / num,
        of_labels=LabelEvidence(
            labels,
            means["margin"],
            means["lead"],
            rival,
            float(means["p_predicted"].mean()),
            len(run.classes),
        ),
        log_p=_log_p(run, split, last, heard) if run.shares else None,
        shares=run.shares[: len(epochs)],
    )


def _log_p(run: Run, split: Split, row: int, heard: _Mask) -> _Floats | None:
    """The mean of log p over the heads of a row that are heard, [K, classes]; None where none was kept."""
    total = np.zeros((heard.shape[1], len(run.classes)))
    for own, trial in zip(heard, run.trials, strict=True):
        kept = trial.logits(row, split)
        if kept is None or own[kept.positions].sum() != own.sum():
            return None
        some = own[kept.positions]
        total[kept.positions[some]] += log_softmax(kept.values[0][some].astype(np.float64), axis=1)
    total /= heard.sum(axis=0)[:, None]
    return total


def _check(run: Run) -> None:
    """Make sure that there are trials to agree and classes to choose from."""
    if len(run.trials) < FEWEST:
        raise BadInput(
            f"{run.path}: has one trial, and suspects are what several agree on; measure with --trials "
            "5 or more"
        )
    if len(run.classes) < 2:
        raise BadInput(f"{run.path}: has one class, {run.classes[0]!r}; a label can be wrong only among two")


def _heard(run: Run, split: Split, epoch: int) -> tuple[_Mask, _Mask]:
    """The trials heard of each example [trials, K], and the examples that some trial left out [K]."""
    trained_on = np.stack(
        [trial.columns(epoch, ["trained_on"], split)["trained_on"].astype(np.bool_) for trial in run.trials]
    )
    left_out = np.asarray((~trained_on).any(axis=0), np.bool_)
    return ~trained_on | ~left_out, left_out


class _Sums:
    """Sums over trials and epochs of what is averaged for each example."""

    def __init__(self, num_examples: int, num_classes: int) -> None:
        self._num_others = num_classes - 1
        self._num = np.zeros(num_examples)
        names = ("p_label", "p_rival", "p_predicted", "margin", "lead")
        self._sums = {name: np.zeros(num_examples) for name in names}

    def add(self, heard: _Mask, loss: npt.NDArray[np.float32], margin: npt.NDArray[np.float32]) -> None:
        """What one trial saw after an epoch, as far as it is heard."""
        log_p, apart = -loss.astype(np.float64), margin.astype(np.float64)
        p_label = np.exp(log_p)
        # one exponent: that of the margin alone can overflow
        p_rival = np.minimum(np.exp(np.minimum(log_p - apart, 0)), 1 - p_label)
        p_predicted = np.maximum(p_label, p_rival)
        # nearer to 1 than can be seen, each of the others is taken to be as probable as the one known
        right = apart >= 0
        p_others = np.where(right, -np.expm1(log_p), 1 - p_rival)
        one_other = np.exp(log_p - np.maximum(apart, 0))
        guessed = np.clip(one_other * self._num_others, _SMALLEST, _UNSEEN)
        p_others = np.where(p_others < np.where(right, _SMALLEST_SEEN, _UNSEEN), guessed, p_others)
        lead = np.log(p_predicted) - np.log(p_others / self._num_others)
        for name, values in (
            ("p_label", p_label),
            ("p_rival", p_rival),
            ("p_predicted", p_predicted),
            ("margin", margin),
            ("lead", lead),
        ):
            self._sums[name] += np.where(heard, values, 0)
        self._num += heard

    def means(self) -> dict[str, _Floats]:
        """Each [K]; every example is heard of by one at least."""
        return {name: values / self._num for name, values in self._sums.items()}


def _rivals(
    predictions: npt.NDArray[np.int32], labels: _Integers, num_classes: int
) -> tuple[_Integers, _Integers, _Integers]:
    """The class named most instead of the label [K], how often it is, and how often any is.

    ``predictions`` [n, K] are -1 where nobody was heard.
    """
    rival, named, others = np.zeros((3, len(labels)), np.int64)
    for first in range(0, len(labels), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        named_class = predictions[:, some]
        no_rival = (named_class < 0) | (named_class == labels[some])
        named_class = np.where(no_rival, num_classes, named_class)
        others[some] = (named_class < num_classes).sum(axis=0)
        rival[some], named[some] = most_named(named_class, nobody=num_classes)
    return rival, named, others
