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
    odds of the last ones looked at have changed for examples like them. ``audit`` is the command that tells
    of the rest, where decisions from the top of the list alone do not.
    """

    file: Path
    decisions: Decisions
    foretold: float
    factor: float
    audit: str = ""

    @property
    def num_sure(self) -> int:
        """On how many labels something was decided."""
        return int(self.decisions.sure.sum())

    @property
    def num_wrong(self) -> int:
        """How many labels were found wrong."""
        return int(self.decisions.wrong.sum())

    @property
    def labels(self) -> Labels:
        """The labels decided, by split and id."""
        made = self.decisions.part(self.decisions.sure)
        pairs = zip(made.of.ids[made.at].tolist(), made.labels.tolist(), strict=True)
        return {(made.split, name): None if label == UNKNOWN else label for name, label in pairs}

    def sentence(self) -> str:
        """How many were decided, and found wrong against what was foretold."""
        num, wrong = len(self.decisions) - self.num_sure, self.num_wrong
        still = (
            f", {num:,} left unsure {'is' if num == 1 else 'are'} still open and not listed" if num else ""
        )
        return (
            f"{self.num_sure:,} are decided{still}: {wrong:,} {'was' if wrong == 1 else 'were'} found wrong, "
            f"where {self.foretold:,.1f} were expected. This multiplies the odds of the labels near them by "
            f"{show.number(self.factor)}."
        )

    def doubt(self) -> str:
        """A sentence where decisions do not tell of the rest, with the command that does; else empty."""
        above = "Decisions are from the top of the list, and say little of those below"
        return f" {above}; an audit tells: {self.audit}." if self.audit else ""

    def note(self) -> str:
        """What is said where the file names every example; else empty."""
        num = len(self.decisions)
        if num < len(self.decisions.of.ids):
            return ""
        return (
            f"{in_words(self.file)} has an action for each of the {num:,} examples, as labels writes it: all "
            "count as looked at; empty the action of those that nobody has seen."
        )

    def document(self) -> dict[str, Any]:
        """What the JSON file has of it."""
        return {
            "decided": self.num_sure,
            "unsure": len(self.decisions) - self.num_sure,
            "found_wrong": self.num_wrong,
            "foretold_wrong": self.foretold,
            "odds_factor": self.factor,
            "audit": self.audit or None,
        }

    def added_to(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table of all examples in the order of the run, with a column ``action``, empty for the others.

        What a label is to be instead is ``suggested``, and no share of predictions is known of that.
        """
        made, names = self.decisions, np.array([*self.decisions.of.classes, ""], object)
        table = table.assign(action="")
        table.loc[made.at, "action"] = made.actions
        other = made.wrong & (made.labels >= 0) & (made.labels != table["suggested"].to_numpy()[made.at])
        table.loc[made.at[other], "suggested"] = made.labels[other]
        table.loc[made.at[other], ["suggested_share", "rival_share"]] = np.nan
        return table.assign(suggested_class=names[table["suggested"]])


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
    """Stable order; ties at certainty keep their order from before the decisions."""
    return np.lexsort((-noise.suspicion, -np.minimum(noise.p_wrong, ALL_BUT_CERTAIN), seen))


def learned_from(
    file: Path | None, run: Run, split: Split, noise: LabelNoise, fits: EstimatedNoise, suggested: _Integers
) -> Learned:
    """What a file of decisions on the labels of a run makes of ``noise``; without one it stays as it is.

    ``fits`` has the range that fits the data, ``suggested`` [K] are classes instead of the labels.
    """
    seen = np.zeros(len(noise.p_wrong), np.bool_)
    asked = _order(noise, seen)
    if file is None:
        return Learned(noise, fits.low, fits.high, seen, asked)
    made = decisions_on(run, file, split)
    seen[made.at] = True
    pairs = made.of.labels * (len(run.classes) + 1) + suggested
    at, wrong = made.at[made.sure], made.wrong[made.sure]
    found = relearned(noise.p_wrong, (made.of.labels, pairs), at, wrong, fits.low, fits.high)
    audit = ""
    if _from_top(asked, at, noise.p_wrong):
        of_split = ("--split", split) if split == "held_out" else ()
        audit = command_line("audit", run.path, "--known", file, *of_split, "-o", "audit.csv")
    decided = Decided(file, made, float(noise.p_wrong[at].sum()), found.factor, audit)
    return Learned(LabelNoise(found.p_wrong, noise.suspicion), found.low, found.high, seen, asked, decided)


def _from_top(order: _Integers, at: _Integers, p_wrong: npt.NDArray[np.float64]) -> bool:
    """Are nearly all decisions (``at``) above most of what may be wrong of the rest, in the ``order`` [K]?"""
    place, rest = np.argsort(order), np.setdiff1d(order, at)
    if not len(at):
        return False
    below = rest[place[rest] > np.quantile(place[at], _NEARLY_ALL)]
    return bool(p_wrong[below].sum() > p_wrong[rest].sum() / 2)
