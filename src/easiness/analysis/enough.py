"""Whether a run has enough trials: its easy and its hard set hold as much of the true ones as asked."""

from __future__ import annotations

import operator

from easiness.analysis.sides import Side
from easiness.analysis.tail_model import MIN_TRIALS, Forecast, forecast
from easiness.analysis.votes import Votes
from easiness.errors import BadInput
from easiness.spec import Check, Stopped, StoppingRule, Tail

FIRST_CHECK = MIN_TRIALS
"""Trials at the first check: the fewest that anything can be foretold from."""

MOST_EXAMPLES = 20_000
"""The most examples to judge by, drawn from more: that adds less than 0.01 to a standard error."""

_LEAST_GROWTH, _MOST_GROWTH = 1.2, 2.0  # from check to check, whatever was foretold


def stopping_rule(reliability: float, max_trials: int, fraction: float = 0.1) -> StoppingRule:
    """The rule, checked."""
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
            f"max trials {max_trials}: must be at least {FIRST_CHECK}, since fewer give no forecast"
        )
    return StoppingRule(reliability=reliability, max_trials=max_trials, fraction=fraction, of="true set")


def check_trials(votes: Votes, rule: StoppingRule) -> Check:
    """Judge how much of both true sets the refined sets of these trials hold, and when to look again.

    The next number is the one that both sets are foretold to need for intervals above the bar: an even one,
    a fifth more than there are at least and twice as many at most, up to the cap. It depends on these trials
    alone, so that a run stops at the same number however it was interrupted.
    """
    some = votes.at_most(MOST_EXAMPLES)
    easy, hard = (_forecast(some, side, rule.fraction) for side in ("easy", "hard"))
    num = votes.num_trials
    tails = _tail(easy), _tail(hard)
    following = None
    if num < rule.max_trials and min(tail.low for tail in tails) < rule.reliability:
        foretold = max(one.trials_to_show(rule.reliability) or rule.max_trials for one in (easy, hard))
        least, most = (2 * -(-round(num * growth) // 2) for growth in (_LEAST_GROWTH, _MOST_GROWTH))
        following = min(max(2 * -(-foretold // 2), least), most, rule.max_trials)
    return Check(
        trials=num,
        epoch=votes.epoch,
        group_size=num // 2,
        easy=tails[0],
        hard=tails[1],
        chance=rule.fraction,
        decided=True,
        next=following,
    )


def _forecast(votes: Votes, side: Side, fraction: float) -> Forecast:
    found = forecast(votes, side=side, fraction=fraction)
    assert found is not None, votes.num_trials
    return found


def _tail(found: Forecast) -> Tail:
    value, low, high = found.share()
    return Tail(rate=value, low=low, high=high)


def is_enough(check: Check, reliability: float) -> bool:
    """Do the intervals of both sets lie at or above ``reliability``?"""
    return min(check.easy.low, check.hard.low) >= reliability


def check_text(check: Check) -> str:
    """The shares that both sets hold with their intervals, the number of trials and the epoch, as text."""
    tails = " and ".join(
        f"{side} {tail.rate:.3f} [{tail.low:.3f}, {tail.high:.3f}]" for side, tail in _tails(check)
    )
    return f"share of the true sets {tails} after {check.trials} trials, epoch {check.epoch}"


def stopped(rule: StoppingRule, checks: tuple[Check, ...]) -> Stopped | None:
    """Why to stop after these ``checks``, each at the number that the one before it named; None to go on."""
    last = checks[-1]
    if is_enough(last, rule.reliability):
        sentence = f"{check_text(last)}: both intervals at or above {rule.reliability:g}"
        return Stopped(rule=rule, checks=checks, reason="reliable", sentence=sentence)
    if last.next is not None:
        return None
    below = " and ".join(side for side, tail in _tails(last) if not tail.low >= rule.reliability)
    sentence = (
        f"stopped at the cap of {last.trials} trials: {check_text(last)}: "
        f"the interval of {below} is not wholly at or above {rule.reliability:g}"
    )
    return Stopped(rule=rule, checks=checks, reason="cap", sentence=sentence)


def _tails(check: Check) -> tuple[tuple[Side, Tail], tuple[Side, Tail]]:
    return ("easy", check.easy), ("hard", check.hard)
