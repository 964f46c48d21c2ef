"""The evidence of the trials of a run on each label, gathered epoch by epoch, and a glance at some."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import analysis
from easiness.errors import BadInput, shorten
from easiness.lazy import Floats, Integers, Mask, pd
from easiness.records import KeptLogits
from easiness.runs import leak_of
from easiness.scoring import most_named
from easiness.spec import Split
from easiness.store import Row, Run

LAST = 3
"""Epochs observed at the end that count: more steady than one, and the training is over in all of them."""

_FEW_TRIALS, _FEW_EXAMPLES = 5, 5000  # of a glance
_AT_ONCE = 1 << 15
_SMALLEST = 1e-300  # a probability
_SMALLEST_SEEN = 1e-12  # 1 - p of the label, from its loss
_UNSEEN = 1e-5  # 1 - p of another class: what rounding to float32 may make of 0
_NEXT_TO_NOTHING = 1e-4  # a mean probability, in its logarithm
_MOST_STAGES = 9
_SOME = 5000  # examples that tell the course
_MOST_VALUES = 1 << 26  # of mean probabilities

_Seen = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence on K labels from the trials that left the example out, or from all where none did.

    ``table`` has a row an example: its ``id`` and ``label``; means over those heard and the last
    ``num_epochs`` of the ``rows`` observed, or the last share that heads have seen, of the ``margin`` and of
    the probabilities of the label, ``p_label``, and of the most probable other class, ``p_rival``; the class
    ``rival`` that they find most probable but the label, -1 where nothing tells it; ``rival_share`` and
    ``other_share``, the shares of their predictions that name it, and that are not the label; ``num_heard``;
    whether some trial ``left_out`` the example; and ``first_right``, the epoch or share from which on most
    predict the label to the end, NaN where they do not. ``heard`` [trials, K] says whom. ``course`` is what
    the estimate of wrong labels reads; its ``stages`` are after these of the rows.
    """

    table: pd.DataFrame
    rows: tuple[Row, ...]
    num_epochs: int
    heard: Mask
    course: analysis.LabelCourse
    stages: tuple[int, ...] = ()

    @property
    def labels(self) -> Integers:
        return self["label"]

    def __getitem__(self, column: str) -> npt.NDArray[Any]:
        return self.table[column].to_numpy()


def gather(run: Run, split: Split, epoch: int | None = None, *, few: bool = False) -> Evidence:
    """The evidence of a run after an epoch, the last by default, from those observed until then.

    With ``few`` it is of the first trials, four epochs and some examples, without logits: a glance.
    """
    last = run.resolve_row(epoch)
    if len(run.classes) < 2:
        raise BadInput(f"{run.path}: has one class, {run.classes[0]!r}; a label can be wrong only among two")
    if few:
        run = run.first(run.trials[:_FEW_TRIALS][-1].index + 1)
    ids, labels = run.examples(split)
    some = slice(None, None, max(len(labels) // _FEW_EXAMPLES, 1) if few else 1)
    ids, labels = ids[some], labels[some]
    epochs = [one for one in run.observed if one <= last]
    num_last = 1 if run.shares else min(LAST, len(epochs))
    if few:  # labels that are learned by heart at the end are not yet after a third of the training
        epochs = sorted({epochs[len(epochs) // 3], *epochs[-num_last:]})
    # heads that have not seen an example at one share have not at a smaller one
    trained_on = np.stack(
        [trial.columns(last, ["trained_on"], split)["trained_on"].astype(bool)[some] for trial in run.trials]
    )
    left_out = ~trained_on.all(axis=0)
    heard = ~trained_on | ~left_out
    course = TrialCourse(
        labels,
        len(run.classes),
        heard,
        num_last,
        len(epochs),
        left_out=bool(left_out.mean() > 1 / 2),
        of_heads=bool(run.shares),
    )
    rows = tuple(map(run.row, epochs))
    first_right = np.full(len(labels), np.nan)
    for at, row in enumerate(rows):
        right = np.zeros(len(labels))
        for number, (own, trial) in enumerate(zip(heard, run.trials, strict=True)):
            columns = trial.columns(row.number, ["prediction", "loss", "margin", "rival"], split)
            seen = {name: values[some] for name, values in columns.items()}
            right += own & (seen["prediction"] == labels)
            logits = trial.logits(row.number, split) if course.needs_logits(at) and not few else None
            course.add(number, seen, logits)
        course.end_epoch(at)
        most = right / heard.sum(axis=0) > 1 / 2
        first_right = np.where(most, np.where(np.isnan(first_right), row.value, first_right), np.nan)
    found, columns = course.end()
    table = pd.DataFrame(
        {"id": ids, "label": labels, **columns, "num_heard": heard.sum(axis=0), "left_out": left_out}
    )
    return Evidence(table.assign(first_right=first_right), rows, num_last, heard, found, course.stages)


def said(loss: npt.NDArray[np.float32], margin: npt.NDArray[np.float32], num_classes: int) -> Floats:
    """The words of one trial on labels [K] after an epoch, [5, K], in the order of `SAID`."""
    log_p, apart = -loss.astype(np.float64), margin.astype(np.float64)
    p_label = np.exp(log_p)
    # one exponent: that of the margin alone can overflow
    p_rival = np.minimum(np.exp(np.minimum(log_p - apart, 0)), 1 - p_label)
    p_predicted = np.maximum(p_label, p_rival)
    # nearer to 1 than can be seen, each of the others is taken to be as probable as the one known
    right = apart >= 0
    p_others = np.where(right, -np.expm1(log_p), 1 - p_rival)
    one_other = np.exp(log_p - np.maximum(apart, 0))
    guessed = np.clip(one_other * (num_classes - 1), _SMALLEST, _UNSEEN)
    p_others = np.where(p_others < np.where(right, _SMALLEST_SEEN, _UNSEEN), guessed, p_others)
    lead = np.log(p_predicted) - np.log(p_others / (num_classes - 1))
    return np.stack([p_label, p_rival, p_predicted, apart, lead])


SAID = ("p_label", "p_rival", "p_predicted", "margin", "lead")
"""Probabilities of the label, of the most probable other class and of the class predicted; log p of the label
less that of the other class; log p of the class predicted less log of the mean p of all others."""


def rivals(
    predictions: npt.NDArray[np.int32], labels: Integers, num_classes: int
) -> tuple[Integers, Integers, Integers]:
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


class SummedProbabilities:
    """The probability of each class, as sums over trials and epochs.

    Records tell the probabilities of the label and of the most probable other class; the rest is taken to be
    of all other classes alike. Kept logits tell all.
    """

    def __init__(self, labels: Integers, num_classes: int) -> None:
        self._labels, self._rows = labels, np.arange(len(labels))
        shape = len(labels), num_classes
        self._predicted, self._next = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._label, self._num = np.zeros((2, len(labels)))
        self._log_p: npt.NDArray[np.float32] | None = None

    def add(self, heard: Mask, seen: _Seen, of_seen: Floats, logits: KeptLogits | None) -> None:
        """Add what one trial saw after an epoch, of which `said` tells ``of_seen``."""
        self._num += heard
        known = heard
        if logits is not None and len(logits.positions):
            kept = heard[logits.positions]
            full = logits.positions[kept]
            from scipy.special import log_softmax

            log_p = log_softmax(logits.values[0][kept].astype(np.float64), axis=1)
            p = np.exp(log_p)
            given = np.arange(len(full)), self._labels[full]
            self._label[full] += p[given]
            p[given] = 0
            self._predicted[full] += p
            if self._log_p is None:
                self._log_p = np.zeros_like(self._predicted)
            self._log_p[full] += log_p
            known = heard.copy()
            known[full] = False
        p_label, p_rival = of_seen[:2]
        self._label[known] += p_label[known]
        wrong = known & (seen["prediction"] != self._labels)
        self._predicted[wrong, seen["prediction"][wrong]] += p_rival[wrong]
        right = known & ~wrong & (seen["rival"] >= 0)
        self._next[right, seen["rival"][right]] += p_rival[right]

    @property
    def of_all(self) -> bool:
        """Is something told of every example?"""
        return bool(self._num.all())

    def p(self, of_next: float, rows: Integers | None = None) -> npt.NDArray[np.float32]:
        """Mean probabilities [n, C] of examples; so much of the classes next to a label predicted is told."""
        some = self._rows if rows is None else rows
        num = self._num[some][:, None]
        p = (self._predicted[some] + of_next * self._next[some]) / num
        label = self._label[some] / num[:, 0]
        rest = np.maximum(1 - label - p.sum(axis=1), 0)
        p += rest[:, None] / (p.shape[1] - 1)
        p[np.arange(len(some)), self._labels[some]] = label
        return np.asarray(p, np.float32)

    def log_p(self) -> Floats:
        """Mean log probabilities [K, C]; of examples without kept logits, logarithms of `p`."""
        log_p = np.log(self.p(1 / 2).astype(np.float64) + _NEXT_TO_NOTHING)
        if self._log_p is not None:
            full = self._log_p.any(axis=1)
            log_p[full] = self._log_p[full] / self._num[full][:, None]
        return log_p

    def next_class(self) -> Integers:
        """The most probable class [K] besides the label, -1 where nobody tells which it is."""
        others = self._predicted + self._next
        others[self._rows, self._labels] = 0
        return np.where(others.any(axis=1), others.argmax(axis=1), -1).astype(np.int64)


class TrialCourse:
    """The words of trials on K labels, epoch by epoch; ``heard`` [trials, K] says who is heard of which.

    ``stages`` are the positions of the epochs that it is followed at.
    """

    def __init__(
        self,
        labels: Integers,
        num_classes: int,
        heard: Mask,
        num_last: int,
        num_epochs: int,
        *,
        left_out: bool,
        of_heads: bool,
    ) -> None:
        self._labels, self._num_classes, self._heard = labels, num_classes, heard
        self._left_out, self._of_heads = left_out, of_heads
        # of each half of the trials the sums of `SAID` and of those heard, and all predictions
        self._window: deque[tuple[Floats, list[npt.NDArray[np.int32]]]] = deque(maxlen=num_last)
        few = num_classes <= analysis.MOST_CLASSES and len(labels) * num_classes <= _MOST_VALUES
        self._told, self._recent = (SummedProbabilities(labels, num_classes) if few else None for _ in "01")
        self._num_epochs, self._first_recent = num_epochs, num_epochs - num_last
        stages = np.unique(np.geomspace(1, num_epochs, min(_MOST_STAGES, num_epochs)).round().astype(int)) - 1
        self.stages: tuple[int, ...] = tuple(stages[-1:].tolist() if of_heads else stages.tolist())
        self._some = np.arange(0, len(labels), -(-len(labels) // _SOME))
        self._found: list[analysis.Stage] = []
        self._begin(0)

    def needs_logits(self, row: int) -> bool:
        """Are logits of this epoch of use? Of heads, which have no course, at the end alone."""
        return self._told is not None and (not self._of_heads or row == self._num_epochs - 1)

    def add(self, trial: int, seen: _Seen, logits: KeptLogits | None) -> None:
        """Add what one trial saw after an epoch, as far as it is heard."""
        own, of_seen = self._heard[trial], said(seen["loss"], seen["margin"], self._num_classes)
        self._sums[trial % 2, :-1] += np.where(own, of_seen, 0)
        self._sums[trial % 2, -1] += own
        self._predictions.append(np.where(own, seen["prediction"], -1).astype(np.int32))
        for told, first in ((self._told, 0), (self._recent, self._first_recent)):
            if told is not None and self._row >= first and (not self._of_heads or logits is not None):
                told.add(own, seen, of_seen, logits)

    def end_epoch(self, row: int) -> None:
        self._window.append((self._sums, self._predictions))
        if row in self.stages:
            self._found.append(self._stage((0, 1), self._some))
        self._begin(row + 1)

    def _begin(self, row: int) -> None:
        self._row, self._sums = row, np.zeros((2, len(SAID) + 1, len(self._labels)))
        self._predictions: list[npt.NDArray[np.int32]] = []

    def end(self) -> tuple[analysis.LabelCourse, dict[str, npt.NDArray[Any]]]:
        """The course after the last epoch, and the columns of `Evidence` on where it ends.

        The rival is the most probable class but the label, by the mean over trials and the last epochs; where
        there are very many classes the one that is predicted most, the first of equals.
        """
        everyone, halves = np.arange(len(self._labels)), []
        for half in (0, 1):
            judged = np.flatnonzero(np.min([sums[half, -1] for sums, _ in self._window], axis=0) > 0)
            if len(judged) > len(everyone) / 2:
                halves.append(self._stage((half,), np.intersect1d(judged, self._some)))
        rival, named, others = rivals(self._named(everyone), self._labels, self._num_classes)
        if self._recent is not None and self._recent.of_all:
            rival = self._recent.next_class()
            named = (self._named(everyone) == rival).sum(axis=0)
        log_p = None if self._told is None or not self._told.of_all else self._told.log_p()
        num = len(self._window) * self._heard.sum(axis=0)
        last, ends = self._stage((0, 1), everyone), (self._of_heads, self._left_out, others / num)
        means = self._means((0, 1))
        return analysis.LabelCourse(last, self._found, halves, log_p, *ends), {
            **{name: means[name] for name in ("p_label", "p_rival", "margin")},
            "rival": rival,
            "rival_share": named / num,
            "other_share": others / num,
        }

    def _named(self, rows: Integers) -> npt.NDArray[np.int32]:
        return np.stack([one[rows] for _, predictions in self._window for one in predictions])

    def _means(self, halves: Sequence[int]) -> dict[str, Floats]:
        """Each of `SAID` [K] over the last epochs; 0 where nobody is heard."""
        *sums, num = sum(sums[half] for sums, _ in self._window for half in halves)
        return {name: one / np.maximum(num, 1) for name, one in zip(SAID, sums, strict=True)}

    def _stage(self, halves: Sequence[int], rows: Integers) -> analysis.Stage:
        labels = self._labels[rows]
        means = {name: values[rows] for name, values in self._means(halves).items()}
        predictions = self._named(rows)
        now = predictions[-len(self._heard) :]
        wrong = ((now != labels) & (now >= 0)).sum() / self._heard[:, rows].sum()
        rival = rivals(predictions, labels, self._num_classes)[0]
        predicted = float(means["p_predicted"].mean())
        evidence = analysis.LabelEvidence(
            labels, means["margin"], means["lead"], rival, predicted, self._num_classes
        )
        p = None if self._told is None or self._of_heads else self._told.p(1.0, rows)
        return analysis.Stage(evidence, p, float(wrong))


_WELL_KNOWN = 0.75  # of the labels that can be expected to be sound
_MOST_NAMED = 5
_FEW = 5000  # labels that are counted by classes in about two seconds


@dataclass(frozen=True)
class Glance:
    """The ``share`` of ``num`` labels that can be expected to be wrong; of all, the share ``known``.

    About ``num_unsaid`` are what no trial says that is heard. A ``leak`` is what tells the labels, see
    `leak_of`, and empty where nothing does; the share is then not a number.
    """

    num: int
    share: float
    known: float
    num_unsaid: int = 0
    leak: str = ""

    @property
    def knows_too_little(self) -> bool:
        """Is too little known of the labels to judge them?"""
        return self.known < _WELL_KNOWN * (1 - self.share)

    @property
    def num_wrong(self) -> int:
        return 0 if self.leak else round(self.share * self.num)


def glance(run: Run) -> Glance:
    """Look at some of the training examples of a run, after a few epochs of a few trials.

    It takes a second where `suspects`, which looks at all, takes many, and may say another number. Heads are
    heard as `suspects` hears them, where examples are few: their labels are counted by classes.
    """
    num = len(run.labels)
    counted = bool(run.shares) and num <= _FEW
    evidence = gather(run, "train", few=not counted)
    if counted:
        share = analysis.estimate_noise(evidence.course).share
    else:
        stages = evidence.course.stages
        stages = [stages[0], stages[-1]] if len(stages) > 1 else stages
        shares = [analysis.share_standing_out(stage.of_labels) for stage in stages]
        by_heart = analysis.epoch_to_read(shares, [stage.wrong for stage in stages])
        share = shares[-1 if by_heart is None else by_heart]
    others = evidence["other_share"]
    return Glance(
        num, share, 1 - float(others.mean()), round(num * float((others == 1).mean())), leak_of(run)
    )


def too_few(labels: Integers, classes: Sequence[str]) -> str:
    """A sentence that names the ``classes`` whose ``labels`` [K] are too few to judge; else empty."""
    small = analysis.too_small(labels)
    if not len(small):
        return ""
    sizes = np.bincount(labels)
    named = shorten((f"{classes[one]!r} ({sizes[one]})" for one in small), _MOST_NAMED)
    which, have = ("Class", "has") if len(small) == 1 else ("Classes", "have")
    return (
        f"{which} {named} {have} fewer than {analysis.FEWEST} labels, too few to judge beside "
        "classes ten times as large: their p wrong is drawn to the usual share."
    )


def one_trial(run: Run) -> str:
    """A clause on what one trial alone cannot say of labels; empty where there are more."""
    if len(run.trials) != 1:
        return ""
    more = "record more, with other seeds" if run.spec.measured is None else "measure more (--trials 5)"
    return f"one trial alone judges the labels: how far p wrong would change in another is not known; {more}"
