"""Whether a run has enough trials: its easy and its hard set repeat from half to half as well as asked."""

from __future__ import annotations

import operator
from collections.abc import Iterator

from easiness.analysis.ceiling import match_groups
from easiness.analysis.selection import Side
from easiness.analysis.votes import Votes
from easiness.errors import BadInput
from easiness.spec.stopping import Check, Stopped, StoppingRule, Tail

FIRST_CHECK = 10
"""Trials at the first check: two halves of `MIN_GROUP`, the fewest that decide anything."""


def stopping_rule(reliability: float, max_trials: int, fraction: float = 0.1) -> StoppingRule:
    """The rule, checked.

    Raises:
        BadInput: no number of trials could meet it, or any would.
    """
    if not fraction < reliability < 1:
        raise BadInput(
            f"reliability {reliability}: must be above {fraction:g}, which chance reaches, and below 1"
        )
    try:
        max_trials = operator.index(max_trials)
    except TypeError:
        raise BadInput(f"max trials {max_trials!r}: must be a whole number") from None
    if max_trials < FIRST_CHECK:
        raise BadInput(
            f"max trials {max_trials}: must be at least {FIRST_CHECK}, two halves of {FIRST_CHECK // 2}"
        )
    return StoppingRule(reliability=reliability, max_trials=max_trials, fraction=fraction)


def schedule(max_trials: int) -> Iterator[int]:
    """Numbers of trials to check at: 10, then the least even number at least 1.2 times the last, to the cap.

    They depend on the cap alone, so that a run stops at the same number however it was interrupted.
    """
    num = FIRST_CHECK
    while num < max_trials:
        yield num
        num = 2 * -(-num * 3 // 5)
    yield max_trials


def check_trials(votes: Votes, fraction: float = 0.1) -> Check:
    """How well the refined easy and hard sets match between halves of the trials.

    Raises:
        BadInput: easiness is undefined in a half.
    """
    sides: tuple[Side, Side] = ("easy", "hard")
    easy, hard = (match_groups(votes, votes, side=side, fraction=fraction, ties="refine") for side in sides)
    assert easy is not None
    assert hard is not None
    return Check(
        trials=votes.num_trials,
        epoch=votes.epoch,
        group_size=easy.group_size,
        easy=Tail(rate=easy.rate, low=easy.interval[0], high=easy.interval[1]),
        hard=Tail(rate=hard.rate, low=hard.interval[0], high=hard.interval[1]),
        chance=easy.chance,
        decided=easy.decided,
    )


def is_enough(check: Check, reliability: float) -> bool:
    """Do the intervals of both sets lie at or above ``reliability``, from halves that decide?"""
    return check.decided and min(check.easy.low, check.hard.low) >= reliability


def check_text(check: Check) -> str:
    """The rates of both sets with their intervals, and the trials they are between and the epoch."""
    tails = " and ".join(
        f"{side} {tail.rate:.3f} [{tail.low:.3f}, {tail.high:.3f}]" for side, tail in _tails(check)
    )
    return f"{tails} between groups of {check.group_size} of {check.trials} trials after epoch {check.epoch}"


def stopped(rule: StoppingRule, checks: tuple[Check, ...]) -> Stopped | None:
    """Why to stop after these ``checks``, made in the order of the `schedule`; None to go on."""
    last = checks[-1]
    if is_enough(last, rule.reliability):
        sentence = f"{check_text(last)}: both intervals at or above {rule.reliability:g}"
        return Stopped(rule=rule, checks=checks, reason="reliable", sentence=sentence)
    if last.trials < rule.max_trials:
        return None
    below = " and ".join(side for side, tail in _tails(last) if not tail.low >= rule.reliability)
    sentence = (
        f"stopped at the cap of {last.trials} trials: {check_text(last)}: "
        f"the interval of {below} is not wholly at or above {rule.reliability:g}"
    )
    return Stopped(rule=rule, checks=checks, reason="cap", sentence=sentence)


def _tails(check: Check) -> tuple[tuple[Side, Tail], tuple[Side, Tail]]:
    return ("easy", check.easy), ("hard", check.hard)
