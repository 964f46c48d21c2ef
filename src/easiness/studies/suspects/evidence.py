"""What the trials of a run say of each label, gathered from what was observed, and a glance at some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import (
    FEWEST,
    LabelCourse,
    LabelEvidence,
    Stage,
    epoch_to_read,
    estimate_noise,
    share_standing_out,
    too_small,
)
from easiness.errors import BadInput, shorten
from easiness.runs import leak_of
from easiness.spec import Split
from easiness.store import Ids, Row, Run
from easiness.studies.suspects.course import Course

LAST = 3
"""Epochs observed at the end that count: more steady than one, and the training is over in all of them."""

_FEW_TRIALS, _FEW_EXAMPLES = 5, 5000  # of a glance

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Means over the trials heard of K examples: those that left the example out, or all where none did.

    ``heard`` [trials, K] says whom. Means are over them and the last ``num_epochs`` epochs observed,
    or of the last of ``shares`` that heads of a run on features have seen:
    ``p_label`` and ``p_rival`` [K] of the label and of the most probable other class, and what
    `LabelEvidence` has. ``rival`` [K] is the class that they find most probable but the label, -1 where
    nothing tells it; ``rival_share`` [K] is the share of their predictions that name it,
    ``other_share`` [K] the share that is not the label. ``right`` [epochs, K] is the share of them that
    predict the label after each epoch observed. ``course`` is what the estimate of wrong labels reads; its
    stages are after these epochs.
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
    course: LabelCourse
    stages: tuple[int, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def of_labels(self) -> LabelEvidence:
        """What the margins of all examples say at the end."""
        return self.course.last.of_labels

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
    epochs, num_last = _epochs(run, last, few)
    # heads that have not seen an example at one share have not at a smaller one
    heard, left_out = _heard(run, split, last, some)
    course = Course(
        labels,
        len(run.classes),
        heard,
        num_last,
        len(epochs),
        left_out=bool(left_out.mean() > 1 / 2),
        of_heads=bool(run.shares),
    )
    right = np.zeros((len(epochs), len(labels)))
    for row, one in enumerate(epochs):
        for number, (own, trial) in enumerate(zip(heard, run.trials, strict=True)):
            columns = trial.columns(one, ["prediction", "loss", "margin", "rival"], split)
            seen = {name: values[some] for name, values in columns.items()}
            right[row] += own & (seen["prediction"] == labels)
            logits = trial.logits(one, split) if course.needs_logits(row) and not few else None
            course.add(number, seen, logits)
        course.end_epoch(row)
    num = heard.sum(axis=0)
    end = course.end()
    return Evidence(
        ids=ids,
        labels=labels,
        epochs=epochs,
        num_epochs=num_last,
        heard=heard,
        left_out=left_out,
        p_label=end.means["p_label"],
        p_rival=end.means["p_rival"],
        rival=end.suggested,
        rival_share=end.named / (num * num_last),
        other_share=end.others / (num * num_last),
        right=right / num,
        course=end.course,
        stages=course.stages,
        shares=tuple(run.shares[one - 1] for one in epochs) if run.shares else (),
    )


def _epochs(run: Run, last: int, few: bool) -> tuple[tuple[int, ...], int]:
    """Those observed until the ``last``, and how many at the end count."""
    epochs = tuple(one for one in run.observed if one <= last)
    num_last = 1 if run.shares else min(LAST, len(epochs))
    if few:  # labels that are learned by heart at the end are not yet after a third of the training
        epochs = tuple(sorted({epochs[len(epochs) // 3], *epochs[-num_last:]}))
    return epochs, num_last


def _heard(run: Run, split: Split, epoch: int, some: slice) -> tuple[_Mask, _Mask]:
    """The trials heard of ``some`` examples [trials, n], and which of these some trial left out [n]."""
    columns = [trial.columns(epoch, ["trained_on"], split)["trained_on"] for trial in run.trials]
    trained_on = np.stack([column.astype(np.bool_)[some] for column in columns])
    left_out = np.asarray((~trained_on).any(axis=0), np.bool_)
    return ~trained_on | ~left_out, left_out


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
        """How many labels can be expected to be wrong."""
        return 0 if self.leak else round(self.share * self.num)


def glance(run: Run) -> Glance:
    """Look at some of the training examples of a run, after a few epochs of a few trials.

    It takes a second where `suspects`, which looks at all, takes many, and may say another number. Heads are
    heard as `suspects` hears them, where examples are few: their labels are counted by classes.
    """
    num = len(run.labels)
    counted = bool(run.shares) and num <= _FEW
    evidence = gather(run, "train", few=not counted)
    share = estimate_noise(evidence.course).share if counted else _standing_out(evidence.course.stages)
    others = evidence.other_share
    return Glance(
        num, share, 1 - float(others.mean()), round(num * float((others == 1).mean())), leak_of(run)
    )


def too_few(labels: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    """A sentence that names the ``classes`` whose ``labels`` [K] are too few to judge; else empty."""
    small = too_small(labels)
    if not len(small):
        return ""
    sizes = np.bincount(labels)
    named = shorten((f"{classes[one]!r} ({sizes[one]})" for one in small), _MOST_NAMED)
    which, have = ("Class", "has") if len(small) == 1 else ("Classes", "have")
    return (
        f"{which} {named} {have} fewer than {FEWEST} labels, too few to judge beside "
        "classes ten times as large: their p wrong is drawn to the usual share."
    )


def one_trial(run: Run) -> str:
    """A clause on what one trial alone cannot say of labels; empty where there are more."""
    if len(run.trials) != 1:
        return ""
    more = "record more, with other seeds" if run.spec.measured is None else "measure more (--trials 5)"
    return f"one trial alone judges the labels: how far p wrong would change in another is not known; {more}"


def _standing_out(stages: Sequence[Stage]) -> float:
    stages = [stages[0], stages[-1]] if len(stages) > 1 else stages
    shares = [share_standing_out(stage.of_labels) for stage in stages]
    by_heart = epoch_to_read(shares, [stage.wrong for stage in stages])
    return shares[-1 if by_heart is None else by_heart]
