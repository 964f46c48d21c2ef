"""What decisions of people make of suspects: who leaves the list, and how likely all others are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import ALL_BUT_CERTAIN, EstimatedNoise, LabelNoise, relearned
from easiness.data import UNKNOWN, Decisions
from easiness.regular_file import in_words
from easiness.runs import decisions_on
from easiness.spec import Split, command_line
from easiness.store import Run
from easiness.studies.suspects.conflicts import Labels

if TYPE_CHECKING:
    import pandas as pd

_Integers = npt.NDArray[np.int64]

_NEARLY_ALL = 0.95  # of the decisions


@dataclass(frozen=True, eq=False)
class Decided:
    """The ``decisions`` of a ``file`` on the labels of a run.

    Of those that somebody was sure of ``foretold`` were expected to be wrong. ``factor`` is by how much the
    odds of the last ones looked at have changed for examples like them. ``audit`` has the words of the
    command that tells of the rest, where decisions from the top of the list alone do not.
    """

    file: str
    decisions: Decisions
    foretold: float
    factor: float
    audit: tuple[object, ...] = ()

    @property
    def num_sure(self) -> int:
        """On how many labels something was decided."""
        return int(self.decisions.sure.sum())

    @property
    def num_wrong(self) -> int:
        """How many labels were found wrong."""
        return int(self.decisions.wrong.sum())

    @property
    def num_unsure(self) -> int:
        """How many were looked at and nothing was decided."""
        return len(self.decisions) - self.num_sure

    @property
    def labels(self) -> Labels:
        """The labels decided, by split and id."""
        made = self.decisions
        ids, labels = made.of.ids[made.at[made.sure]].tolist(), made.labels[made.sure].tolist()
        pairs = zip(ids, labels, strict=True)
        return {(made.split, name): None if label == UNKNOWN else label for name, label in pairs}

    def sentence(self) -> str:
        """How many were decided, and found wrong against what was foretold."""
        still = "is" if self.num_unsure == 1 else "are"
        unsure = (
            f", {show.count(self.num_unsure)} left unsure {still} still open and not listed"
            if self.num_unsure
            else ""
        )
        were = "was" if self.num_wrong == 1 else "were"
        return (
            f"{show.count(self.num_sure)} are decided{unsure}: {show.count(self.num_wrong)} {were} "
            f"found wrong, where {self.foretold:,.1f} were expected. This multiplies the odds of the "
            f"labels near them by {show.number(self.factor)}."
        )

    def doubt(self) -> str:
        """A sentence where decisions do not tell of the rest, with the command that does; else empty."""
        above = "Decisions are from the top of the list, and say little of those below"
        return f" {above}; an audit tells: {command_line('audit', *self.audit)}." if self.audit else ""

    def note(self) -> str:
        """What is said where the file names every example; else empty."""
        if len(self.decisions) < len(self.decisions.of.ids):
            return ""
        num = show.count(len(self.decisions))
        return (
            f"{in_words(self.file)} has an action for each of the {num} examples, as labels writes it: all "
            "count as looked at; empty the action of those that nobody has seen."
        )

    def document(self) -> dict[str, Any]:
        """What the JSON file has of it."""
        return {
            "decided": self.num_sure,
            "unsure": self.num_unsure,
            "found_wrong": self.num_wrong,
            "foretold_wrong": self.foretold,
            "odds_factor": self.factor,
            "audit": command_line("audit", *self.audit) if self.audit else None,
        }

    def added_to(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table of all examples in the order of the run, with a column ``action``, empty for the others.

        What a label is to be instead is ``suggested``, and no share of predictions is known of that.
        """
        made = self.decisions
        columns = {name: table[name].to_numpy(copy=True) for name in ("suggested", "suggested_share")}
        columns["rival_share"] = table["rival_share"].to_numpy(copy=True)
        columns["action"] = np.full(len(table), "", object)
        columns["action"][made.at] = made.actions
        other = made.wrong & (made.labels >= 0) & (made.labels != columns["suggested"][made.at])
        at = made.at[other]
        columns["suggested"][at] = made.labels[other]
        columns["suggested_share"][at] = columns["rival_share"][at] = np.nan
        names = np.array([*made.of.classes, ""], object)
        columns["suggested_class"] = names[columns["suggested"]]
        return table.assign(**columns)


@dataclass(frozen=True, eq=False)
class Learned:
    """How likely each label is wrong, the range of shares that fits, and which examples were ``seen`` [K].

    ``asked`` [K] has the examples by suspicion whatever is decided: of the first ones networks are asked, and
    what they answer is kept.
    """

    noise: LabelNoise
    low: float
    high: float
    seen: npt.NDArray[np.bool_]
    asked: _Integers
    decided: Decided | None = None

    @property
    def labels(self) -> Labels:
        """The labels decided, by split and id."""
        return {} if self.decided is None else self.decided.labels

    @property
    def order(self) -> _Integers:
        """The most suspicious first, and last what somebody has seen."""
        return _order(self.noise, self.seen)


def _order(noise: LabelNoise, seen: npt.NDArray[np.bool_]) -> _Integers:
    """Of equals the first comes first, and of what is all but certain what was so before decisions."""
    return np.lexsort((-noise.suspicion, -np.minimum(noise.p_wrong, ALL_BUT_CERTAIN), seen))


def learned_from(
    file: Path | None,
    run: Run,
    split: Split,
    noise: LabelNoise,
    range_of: EstimatedNoise,
    suggested: _Integers,
) -> Learned:
    """What a file of decisions on the labels of a run makes of ``noise``; without one it stays as it is.

    ``range_of`` has the range that fits the data, ``suggested`` [K] are classes instead of the labels.
    """
    seen = np.zeros(len(noise.p_wrong), np.bool_)
    asked = _order(noise, seen)
    if file is None:
        return Learned(noise, range_of.low, range_of.high, seen, asked)
    made = decisions_on(run, file, split)
    labels, sure = made.of.labels, made.sure
    seen[made.at] = True
    pairs = labels * (len(run.classes) + 1) + suggested
    at, wrong = made.at[sure], made.wrong[sure]
    found = relearned(noise.p_wrong, (labels, pairs), at, wrong, range_of.low, range_of.high)
    foretold: float = noise.p_wrong[at].sum()
    audit: tuple[object, ...] = ()
    if _from_top(asked, at, noise.p_wrong):
        of_split = ("--split", split) if split == "held_out" else ()
        audit = (run.path, "--known", file, *of_split, "-o", "audit.csv")
    decided = Decided(str(file), made, foretold, found.factor, audit)
    return Learned(LabelNoise(found.p_wrong, noise.suspicion), found.low, found.high, seen, asked, decided)


def _from_top(order: _Integers, at: _Integers, p_wrong: npt.NDArray[np.float64]) -> bool:
    """Are nearly all decisions (``at``) above most of what may be wrong of the rest, in the ``order`` [K]?"""
    place, rest = np.argsort(order), np.setdiff1d(order, at)
    if not len(at):
        return False
    below = rest[place[rest] > np.quantile(place[at], _NEARLY_ALL)]
    return bool(p_wrong[below].sum() > p_wrong[rest].sum() / 2)
