"""When a run that is to be as reliable as asked has enough trials, and why it stopped where it did."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from easiness.spec.data_ref import Frozen


class StoppingRule(Frozen):
    """What was asked: sets of ``fraction`` of the examples as reliable as this, by ``max_trials`` at most.

    ``reliability`` is the share of the true set that a set is to hold; under the rule of ``halves``, which
    earlier versions wrote, the matching rate between halves of the trials.
    """

    reliability: float = Field(gt=0, lt=1)
    max_trials: int = Field(ge=1)
    fraction: float = Field(default=0.1, gt=0, lt=1)
    of: Literal["halves", "true set"] = "halves"


class Tail(Frozen):
    """How reliable one set is, as the rule has it, with its 95 % interval, in [0, 1]."""

    rate: float
    low: float
    high: float


class Check(Frozen):
    """How reliable the first ``trials`` trials are after ``epoch`` epochs.

    ``group_size`` is that of the halves behind it, ``decided`` whether they are large enough to decide
    anything, ``chance`` the rate of two independent sets. ``next`` is the number of trials to look at next,
    by forecast, where these are not enough and more are allowed.
    """

    trials: int
    epoch: int
    group_size: int
    easy: Tail
    hard: Tail
    chance: float
    decided: bool
    next: int | None = None


class Stopped(Frozen):
    """Why a run of ``measure --trials auto`` has no more trials: the last of ``checks`` is the decision.

    ``reason`` is ``reliable`` where the rule was met and ``cap`` where the most trials allowed were not
    enough; ``sentence`` says it with the numbers.
    """

    rule: StoppingRule
    checks: tuple[Check, ...]
    reason: Literal["reliable", "cap"]
    sentence: str
