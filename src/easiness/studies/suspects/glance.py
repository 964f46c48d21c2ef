"""A glance at the labels of a run: whether its networks can judge them, and about how many look wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from easiness.analysis import FEWEST, Stage, epoch_to_read, estimate_noise, share_standing_out, too_small
from easiness.errors import shorten
from easiness.runs import leak_of
from easiness.store import Run
from easiness.studies.suspects.evidence import gather

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
