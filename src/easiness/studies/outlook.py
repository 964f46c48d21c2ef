"""What the easy and hard set of a run are worth, what more trials would give, and if they still change."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from easiness.analysis import (
    MIN_TRIALS,
    MOST_EXAMPLES,
    SIDES,
    Drift,
    Forecast,
    Side,
    Votes,
    before_last_quarter,
    drift,
    forecast,
    num_selected,
)
from easiness.errors import BadInput
from easiness.spec import RunSpec
from easiness.store import Run
from easiness.studies.amounts import duration_text

_TARGETS = (0.9, 0.95, 0.99)  # shares of the true set to name the trials for: the first not reached yet
_FARTHEST = 10  # times as many trials as there are: what lies beyond is not foretold
_SUPERLATIVES = {"easy": "easiest", "hard": "hardest"}


@dataclass(frozen=True)
class Outlook:
    """Forecasts and drifts of the refined sets of ``fraction`` of the examples, one a side, after ``epoch``.

    ``forecasts`` are empty below `MIN_TRIALS`, ``drifts`` where one epoch or one trial was observed.
    ``seconds`` is what a further trial takes where this one ran; None where that is not known.
    """

    num_trials: int
    epoch: int
    fraction: float
    forecasts: tuple[Forecast, ...]
    drifts: tuple[Drift, ...]
    seconds: float | None

    def sentences(self, *, with_time: bool = True) -> list[str]:
        """What to know before using the sets, a sentence a side; ``with_time`` says what more would take."""
        seconds = self.seconds if with_time else None
        if not self.forecasts:
            more = MIN_TRIALS - self.num_trials
            if more <= 0:
                return []
            return [
                f"how much of the true {outermost(self.fraction)} the sets hold cannot be told from "
                f"{self.num_trials} trial{'s' if self.num_trials > 1 else ''}: {MIN_TRIALS} are needed"
                f"{_cost(more, seconds)}"
            ]
        return [self._sentence(one, seconds) for one in self.forecasts]

    def _sentence(self, one: Forecast, seconds: float | None) -> str:
        value, low, high = one.share()
        percents = f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
        held = f"the {one.side} set holds about {percents} of the true {tail_text(one.side, one.fraction)}"
        target = next((share for share in _TARGETS if value < share), None)
        if target is None:
            return f"{held}; more trials would hardly change it"
        needed, farthest = one.trials_for(target), _FARTHEST * one.num_trials
        if needed is None or needed > farthest:
            return f"{held}; {100 * target:.0f} % needs more than {farthest} trials, if any number does"
        cost = _cost(needed - self.num_trials, seconds)
        return f"{held}; {100 * target:.0f} % needs about {needed} trials{cost}"

    def warnings(self) -> list[str]:
        """Sides whose sets the last quarter of the epochs still changed, a sentence each."""
        return [
            f"the {one.side} set still changes: after epoch {one.epoch} and after epoch {one.last} it is the "
            f"same to {one.agreement.rate:.2f} ({one.agreement.low:.2f} to {one.agreement.high:.2f}), the "
            "noise of few trials taken out; it repeats better than it is right, and more epochs may move it"
            for one in self.drifts
            if one.goes_on
        ]


def _cost(trials: int, seconds: float | None) -> str:
    return "" if seconds is None else f", {duration_text(trials * seconds)} more here"


def outlook_lines(run: Run) -> list[str]:
    """`Outlook.sentences` of a run after its last epoch, then its warnings, marked as such.

    Nothing where there are too few examples to select a tenth of.
    """
    try:
        ahead = outlook(run)
    except BadInput:
        return []
    return [*ahead.sentences(), *(f"warning: {text}" for text in ahead.warnings())]


def tail_text(side: Side, fraction: float) -> str:
    """``hardest tenth``, or ``hardest 5 %``."""
    return f"{_SUPERLATIVES[side]} {'tenth' if fraction == 0.1 else f'{100 * fraction:g} %'}"


def outermost(fraction: float) -> str:
    """``easiest and hardest tenth``."""
    return f"easiest and {tail_text('hard', fraction)}"


def outlook(run: Run, epoch: int | None = None, *, fraction: float = 0.1, seed: int = 0) -> Outlook:
    """Look ahead from the trials of a run after ``epoch`` epochs, the last by default.

    Of more than 20,000 examples so many are drawn. What cannot be computed, since no example is right in some
    group of trials, is left out.

    Raises:
        BadInput: the epoch is not recorded, or the fraction is out of range or selects no example.
    """
    epoch = run.resolve_epoch(epoch)
    num_selected(
        len(run.ids), fraction
    )  # a wrong fraction must not pass for something that nothing is known of
    votes = run.votes(epoch).at_most(MOST_EXAMPLES)
    until = [one for one in run.observed if one <= epoch]
    return Outlook(
        num_trials=votes.num_trials,
        epoch=epoch,
        fraction=fraction,
        forecasts=_forecasts(votes, fraction, seed),
        drifts=_drifts(run, votes, before_last_quarter(until), fraction, seed),
        seconds=seconds_per_trial(run),
    )


def _forecasts(votes: Votes, fraction: float, seed: int) -> tuple[Forecast, ...]:
    try:
        found = [forecast(votes, side=side, fraction=fraction, seed=seed) for side in SIDES]
    except BadInput:  # nothing is learned in some group of trials yet
        return ()
    return tuple(one for one in found if one is not None)


def _drifts(run: Run, late: Votes, epoch: int | None, fraction: float, seed: int) -> tuple[Drift, ...]:
    if epoch is None:
        return ()
    early = run.votes(epoch).at_most(MOST_EXAMPLES)
    try:
        found = [drift(early, late, side=side, fraction=fraction, seed=seed) for side in SIDES]
    except BadInput:
        return ()
    return tuple(one for one in found if one is not None)


def seconds_per_trial(run: Run) -> float | None:
    """What another trial of a run takes as they were run, side by side where they were; None if not known."""
    took = [trial.document.ran["seconds"] for trial in run.trials if "seconds" in trial.document.ran]
    if not took or not isinstance(run.spec, RunSpec):
        return None
    return float(statistics.median(took)) / run.spec.resolved.jobs
