"""How far the easy and hard sets still change as training goes on: what repeats well need not be right."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from easiness.analysis.agreement import Agreement, Measured, agreement
from easiness.analysis.ceiling import match_groups
from easiness.analysis.matching import Rule
from easiness.analysis.sides import Side
from easiness.analysis.votes import Votes

CHANGED, SURELY = 0.9, 0.95
"""An agreement between epochs, and the end of its interval, below which the sets are said to change still."""

_SPLITS, _REPLICATES = 20, 100


@dataclass(frozen=True)
class Drift:
    """The agreement, without noise, of one side's sets after ``epoch`` epochs with those after ``last``.

    ``decided`` is whether the groups of trials are large enough to decide anything.
    """

    side: Side
    epoch: int
    last: int
    agreement: Agreement
    decided: bool

    @property
    def goes_on(self) -> bool:
        """Is it shown that the sets changed, by more than a tenth as far as can be told?"""
        return self.decided and self.agreement.rate < CHANGED and self.agreement.high < SURELY


def drift(early: Votes, late: Votes, *, side: Side, fraction: float = 0.1, seed: int = 0) -> Drift | None:
    """Compare refined sets of one run at two epochs, in groups without a common trial; None with one trial.

    Raises:
        BadInput: easiness is undefined in a group at one of the epochs.
    """
    rule = Rule(side, fraction, "refine", seed)
    found = [
        match_groups(
            a,
            b,
            Rule(side=side, fraction=fraction, ties=rule.ties, seed=seed),
            max_splits=_SPLITS,
            num_replicates=_REPLICATES,
            by_class=False,
        )
        for a, b in ((early, late), (early, copy.copy(early)), (late, copy.copy(late)))
    ]
    matches = [one for one in found if one is not None]
    if len(matches) < len(found):
        return None
    pair, *ceilings = matches
    ours, theirs = (
        Measured(f"epoch {votes.epoch}", votes, ceiling)
        for votes, ceiling in zip((early, late), ceilings, strict=True)
    )
    agreed = agreement(ours, theirs, pair, rule)
    return Drift(side, early.epoch, late.epoch, agreed, pair.decided)


def before_last_quarter(epochs: Sequence[int]) -> int | None:
    """The last of the ``epochs`` observed (ascending) before the last quarter; None with one alone."""
    earlier = [epoch for epoch in epochs if epoch <= 0.75 * epochs[-1]]
    return earlier[-1] if earlier else (epochs[0] if len(epochs) > 1 else None)
