"""The evidence of the trials of a run on each label, gathered epoch by epoch, and a glance at some."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
_CERTAIN = 80.0  # nats of a margin: a probability of 0 is recorded as one of e ** -87
_AT_ONCE = 1 << 15
_SMALLEST = 1e-300  # a probability
_SMALLEST_SEEN = 1e-12  # 1 - p of the label, from its loss
_UNSEEN = 1e-5  # 1 - p of another class: what rounding to float32 may make of 0
_NEXT_TO_NOTHING = 1e-4  # a mean probability, in its logarithm
_MOST_STAGES = 9
_SOME = 5000  # examples that tell the course
_MOST_VALUES = 1 << 26  # of mean probabilities

_Columns = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence on K labels from the trials that left the example out, or from all where none did.

    ``table`` has a row an example: its ``id`` and ``label``; means over its judges and the last
    ``num_epochs`` of the ``rows`` observed, or the last share that heads have seen, of the ``margin`` and of
    the probabilities of the label, ``p_label``, and of the most probable other class, ``p_rival``; the class
    ``rival`` that they find most probable but the label, -1 where nothing tells it; ``rival_share`` and
    ``other_share``, the shares of their predictions that name it, and that are not the label; ``num_heard``;
    whether some trial ``left_out`` the example; and ``first_right``, the epoch or share from which on most
    predict the label to the end, NaN where they do not. ``judges`` [trials, K] says who is heard of whom.
    ``course`` is what the estimate of wrong labels reads; its ``stages`` are after these of the rows.
    ``of_votes``: a trial gave bare votes, which tell no probability.
    """

    table: pd.DataFrame
    rows: tuple[Row, ...]
    num_epochs: int
    judges: Mask
    course: analysis.LabelCourse
    stages: tuple[int, ...] = ()
    of_votes: bool = False

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
    judges = ~trained_on | ~left_out
    kind = bool(left_out.mean() > 1 / 2), bool(run.shares), run.of_folds
    course = TrialCourse(labels, len(run.classes), judges, num_last, len(epochs), *kind)
    rows = tuple(map(run.row, epochs))
    first_right, of_votes = np.full(len(labels), np.nan), False
    for at, row in enumerate(rows):
        for number, trial in enumerate(run.trials):
            columns = trial.columns(row.number, ["prediction", "loss", "margin", "rival"], split)
            logits = trial.logits(row.number, split) if course.needs_logits(at) and not few else None
            of_votes |= row is rows[-1] and _are_votes(columns["margin"])
            course.add(number, {name: values[some] for name, values in columns.items()}, logits)
        right = course.end_epoch()
        first_right = np.where(right, np.where(np.isnan(first_right), row.value, first_right), np.nan)
    of_labels, means = course.end()
    if (tags := run.tags_of(split)) is not None:  # where the other state is the rival, however little is said
        of_labels = replace(of_labels, tags=tags.of[some], num_tags=len(tags.names))
        means |= {"rival": 1 - labels, "rival_share": means["other_share"]}
    ends = {"num_heard": judges.sum(axis=0), "left_out": left_out, "first_right": first_right}
    table = pd.DataFrame({"id": ids, "label": labels, **means, **ends})
    return Evidence(table, rows, num_last, judges, of_labels, course.stages, of_votes)


VOTES = (
    "has votes of 0 and 1 and no probabilities, so that neither how likely a label is wrong nor how many are "
    "can be told"
)


def _are_votes(margin: npt.NDArray[np.float32]) -> bool:
    """Are all as those of rows of 0 and 1, taken for logits or for probabilities?"""
    far = np.abs(margin)
    return bool((far == 1).all() or (far > _CERTAIN).all())


STATEMENTS = ("p_label", "p_rival", "p_predicted", "margin", "lead")
"""Probabilities of the label, of the most probable other class and of the class predicted; log p of the label
less that of the other class; log p of the class predicted less log of the mean p of all others."""


def statements(loss: npt.NDArray[np.float32], margin: npt.NDArray[np.float32], num_classes: int) -> Floats:
    """The `STATEMENTS` of one trial on labels [K] after an epoch, [5, K]."""
    log_p, apart = -loss.astype(np.float64), margin.astype(np.float64)
    p_label = np.exp(log_p)
    # one exponent: that of the margin alone can overflow
    p_rival = np.minimum(np.exp(np.minimum(log_p - apart, 0)), 1 - p_label)
    p_predicted = np.maximum(p_label, p_rival)
    # nearer to 1 than can be seen, each of the others is taken to be as probable as the one known
    right = apart >= 0
    p_others = np.where(right, -np.expm1(log_p), 1 - p_rival)
    one_other = np.exp(log_p - np.maximum(apart, 0))
    guess = np.clip(one_other * (num_classes - 1), _SMALLEST, _UNSEEN)
    p_others = np.where(p_others < np.where(right, _SMALLEST_SEEN, _UNSEEN), guess, p_others)
    lead = np.log(p_predicted) - np.log(p_others / (num_classes - 1))
    return np.stack([p_label, p_rival, p_predicted, apart, lead])


def rivals(
    predictions: npt.NDArray[np.int32], labels: Integers, num_classes: int
) -> tuple[Integers, Integers, Integers]:
    """The class named most instead of the label [K], how often it is, and how often any is.

    ``predictions`` [n, K] are -1 where nobody was heard.
    """
    rival, num_rival, num_others = np.zeros((3, len(labels)), np.int64)
    for first in range(0, len(labels), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        classes = predictions[:, some]
        classes = np.where((classes < 0) | (classes == labels[some]), num_classes, classes)
        num_others[some] = (classes < num_classes).sum(axis=0)
        rival[some], num_rival[some] = most_named(classes, nobody=num_classes)
    return rival, num_rival, num_others


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

    def add(self, judges: Mask, columns: _Columns, values: Floats, logits: KeptLogits | None) -> None:
        """Add what one trial says after an epoch of those that it judges; ``values`` are its `statements`."""
        self._num += judges
        rest = judges
        if logits is not None and len(logits.positions):
            from scipy.special import log_softmax

            has_logits = judges[logits.positions]
            full = logits.positions[has_logits]
            log_p = log_softmax(logits.values[0][has_logits].astype(np.float64), axis=1)
            p = np.exp(log_p)
            own = np.arange(len(full)), self._labels[full]
            self._label[full] += p[own]
            p[own] = 0
            self._predicted[full] += p
            if self._log_p is None:
                self._log_p = np.zeros_like(self._predicted)
            self._log_p[full] += log_p
            rest = judges.copy()
            rest[full] = False
        p_label, p_rival = values[:2]
        self._label[rest] += p_label[rest]
        wrong = rest & (columns["prediction"] != self._labels)
        self._predicted[wrong, columns["prediction"][wrong]] += p_rival[wrong]
        right = rest & ~wrong & (columns["rival"] >= 0)
        self._next[right, columns["rival"][right]] += p_rival[right]

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
    """The words of trials on K labels, epoch by epoch; ``judges`` [trials, K] says who is heard of which.

    ``stages`` are the positions of the epochs that it is followed at.
    """

    def __init__(
        self,
        labels: Integers,
        num_classes: int,
        judges: Mask,
        num_last: int,
        num_epochs: int,
        left_out: bool = False,
        of_heads: bool = False,
        of_folds: bool = False,
    ) -> None:
        self._labels, self._num_classes, self._judges = labels, num_classes, judges
        self._left_out, self._of_heads, self._of_folds = left_out, of_heads, of_folds
        # of each half of the trials the sums of `STATEMENTS` and of its judges, and all predictions
        self._window: deque[tuple[Floats, list[npt.NDArray[np.int32]]]] = deque(maxlen=num_last)
        few = num_classes <= analysis.MOST_CLASSES and len(labels) * num_classes <= _MOST_VALUES
        self._whole, self._recent = (SummedProbabilities(labels, num_classes) if few else None for _ in "01")
        self._num_epochs, self._first_recent, self._row = num_epochs, num_epochs - num_last, -1
        stages = np.unique(np.geomspace(1, num_epochs, min(_MOST_STAGES, num_epochs)).round().astype(int)) - 1
        self.stages: tuple[int, ...] = tuple(stages[-1:].tolist() if of_heads else stages.tolist())
        self._some = np.arange(0, len(labels), -(-len(labels) // _SOME))
        self._of_stages: list[analysis.Stage] = []
        self._begin()

    def needs_logits(self, row: int) -> bool:
        """Are logits of this epoch of use? Of heads, which have no course, at the end alone."""
        return self._whole is not None and (not self._of_heads or row == self._num_epochs - 1)

    def add(self, trial: int, columns: _Columns, logits: KeptLogits | None) -> None:
        """Add what one trial says after an epoch, as far as it is heard."""
        own, values = self._judges[trial], statements(columns["loss"], columns["margin"], self._num_classes)
        self._sums[trial % 2, :-1] += np.where(own, values, 0)
        self._sums[trial % 2, -1] += own
        self._predictions.append(np.where(own, columns["prediction"], -1).astype(np.int32))
        for sums, first in ((self._whole, 0), (self._recent, self._first_recent)):
            if sums is not None and self._row >= first and (not self._of_heads or logits is not None):
                sums.add(own, columns, values, logits)

    def end_epoch(self) -> Mask:
        """Do most judges predict the label [K] in this epoch?"""
        right = (np.stack(self._predictions) == self._labels).sum(axis=0) / self._judges.sum(axis=0) > 1 / 2
        self._window.append((self._sums, self._predictions))
        if self._row in self.stages:
            self._of_stages.append(self._stage((0, 1), self._some))
        self._begin()
        return np.asarray(right)

    def _begin(self) -> None:
        self._row, self._sums = self._row + 1, np.zeros((2, len(STATEMENTS) + 1, len(self._labels)))
        self._predictions: list[npt.NDArray[np.int32]] = []

    def end(self) -> tuple[analysis.LabelCourse, dict[str, npt.NDArray[Any]]]:
        """The course after the last epoch, and the columns of `Evidence` on where it ends.

        The rival is the most probable class but the label, by the mean over trials and the last epochs; where
        there are very many classes the one that is predicted most, the first of equals.
        """
        everyone, halves = np.arange(len(self._labels)), []
        for half in (0, 1):
            rows = np.flatnonzero(np.min([sums[half, -1] for sums, _ in self._window], axis=0) > 0)
            if len(rows) > len(everyone) / 2:
                halves.append(self._stage((half,), np.intersect1d(rows, self._some)))
        predictions = self._last_predictions(everyone)
        rival, num_rival, num_others = rivals(predictions, self._labels, self._num_classes)
        if self._recent is not None and self._recent.of_all:
            rival = self._recent.next_class()
            num_rival = (predictions == rival).sum(axis=0)
        log_p = None if self._whole is None or not self._whole.of_all else self._whole.log_p()
        num, means = len(self._window) * self._judges.sum(axis=0), self._means((0, 1))
        last, others = self._stage((0, 1), everyone), num_others / num
        ends = log_p, self._of_heads, self._left_out, others, self._of_folds
        return analysis.LabelCourse(last, self._of_stages, halves, *ends), {
            **{name: means[name] for name in ("p_label", "p_rival", "margin")},
            "rival": rival,
            "rival_share": num_rival / num,
            "other_share": others,
        }

    def _last_predictions(self, rows: Integers) -> npt.NDArray[np.int32]:
        return np.stack([one[rows] for _, predictions in self._window for one in predictions])

    def _means(self, halves: Sequence[int]) -> dict[str, Floats]:
        """Each of `STATEMENTS` [K] over the last epochs; 0 where nobody is heard."""
        *sums, num = sum(sums[half] for sums, _ in self._window for half in halves)
        return {name: one / np.maximum(num, 1) for name, one in zip(STATEMENTS, sums, strict=True)}

    def _stage(self, halves: Sequence[int], rows: Integers) -> analysis.Stage:
        labels, predictions = self._labels[rows], self._last_predictions(rows)
        means = {name: values[rows] for name, values in self._means(halves).items()}
        now = predictions[-len(self._judges) :]
        wrong = ((now != labels) & (now >= 0)).sum() / self._judges[:, rows].sum()
        rival = rivals(predictions, labels, self._num_classes)[0]
        predicted = float(means["p_predicted"].mean())
        evidence = analysis.LabelEvidence(
            labels, means["margin"], means["lead"], rival, predicted, self._num_classes
        )
        p = None if self._whole is None or self._of_heads else self._whole.p(1.0, rows)
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
    heard as `suspects` hears them, where examples are few: their labels are counted by classes, or by tag.
    """
    num = len(run.labels)
    by_classes = bool(run.shares or run.of_folds) and num <= _FEW
    evidence = gather(run, "train", few=not by_classes)
    if evidence.of_votes:
        raise BadInput(f"{run.path}: {VOTES}; give the probabilities behind them")
    if by_classes or run.tags is not None:
        share = analysis.estimate_noise(evidence.course).share
    else:
        stages = evidence.course.stages
        stages = [stages[0], stages[-1]] if len(stages) > 1 else stages
        shares = [analysis.share_standing_out(stage.of_labels) for stage in stages]
        by_heart = analysis.epoch_to_read(shares, [stage.wrong for stage in stages])
        share = shares[-1 if by_heart is None else by_heart]
    others = evidence["other_share"]
    num_unsaid = round(num * float((others == 1).mean()))
    return Glance(num, share, 1 - float(others.mean()), num_unsaid, leak_of(run))


def too_few(run: Run, split: Split = "train") -> str:
    """A sentence that names classes of a run, or tags, that have too few labels to judge; else empty."""
    labels, tags = run.examples(split)[1], run.tags_of(split)
    small, sizes, names = analysis.too_small(labels), np.bincount(labels), run.classes
    which, beside = "Class", "labels, too few to judge beside classes ten times as large: their p wrong is"
    if tags is not None:
        small, sizes = analysis.rare_tags(labels, tags.of, len(tags.names))
        which, beside, names = (
            "Tag",
            "examples, too few to judge: p wrong above the usual share is",
            tags.names,
        )
    if not len(small):
        return ""
    some = shorten((f"{names[one]!r} ({sizes[one]})" for one in small), _MOST_NAMED)
    many = "Classes" if tags is None else "Tags"
    which, have = (which, "has") if len(small) == 1 else (many, "have")
    target = "the usual share" if tags is None else "it"
    return f"{which} {some} {have} fewer than {analysis.FEWEST} {beside} drawn to {target}."


def one_trial(run: Run) -> str:
    """A clause on what one trial alone cannot say of labels; empty where there are more."""
    if len(run.trials) != 1:
        return ""
    more = "record more, with other seeds" if run.spec.measured is None else "measure more (--trials 5)"
    return f"one trial alone judges the labels: how far p wrong would change in another is not known; {more}"
