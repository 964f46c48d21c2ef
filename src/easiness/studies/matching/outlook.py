"""What the easy and hard set of a run are worth, what more trials would give, and if they still change."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from easiness import analysis
from easiness.errors import BadInput
from easiness.show import counted, duration_text, with_interval
from easiness.store import Run

_TARGETS = (0.9, 0.95, 0.99)  # shares of the true set to name the trials for: the first not reached yet
_VAGUE = 0.5  # width of an interval that says nothing
_SUPERLATIVES = {"easy": "easiest", "hard": "hardest"}


@dataclass(frozen=True)
class Outlook:
    """Forecasts and drifts of the refined sets of ``fraction`` of the examples, one a side, after ``epoch``.

    ``forecasts`` are empty below `MIN_TRIALS`, and where they cannot be made; ``reason`` then says why. Each
    of ``drifts`` is between the epoch before the last quarter and the last one, or between ``epoch`` and the
    last where it is an earlier one; empty where one epoch or one trial was observed, and of runs on features.
    ``num_observed`` is the number of epochs observed, ``seconds`` what a further trial takes as these did;
    None if not known. Of a run on features ``num_trials`` are the heads that left an example out, and
    ``trials_of_each`` trials have one such.
    """

    num_trials: int
    epoch: int
    fraction: float
    forecasts: tuple[analysis.Forecast, ...]
    drifts: tuple[analysis.Drift, ...]
    seconds: float | None
    reason: str | None = None
    num_observed: int = 1
    trials_of_each: float | None = None

    def sentences(self, *, with_time: bool = True) -> list[str]:
        """What to know before using the sets, a sentence a side; ``with_time`` says what more would take."""
        seconds = self.seconds if with_time else None
        both = f"how much of the true {outermost(self.fraction)} the sets hold cannot be told"
        if self.num_trials < analysis.MIN_TRIALS:
            few, cost = counted(self.num_trials, self._judge), self._cost_of(analysis.MIN_TRIALS, seconds)
            if self.trials_of_each is None:
                return [f"{both} from {few}: {analysis.MIN_TRIALS} are needed{cost}"]
            needed = f"{self._trials(analysis.MIN_TRIALS)} trials are needed, for {analysis.MIN_TRIALS} heads"
            return [f"{both} from {few} that left an example out: {needed}{cost}"]
        if not self.forecasts:
            return [] if self.reason is None else [f"{both}: {self.reason}"]
        sentences = [self._sentence(one, seconds) for one in self.forecasts]
        if self.num_observed == 1 and self.trials_of_each is None:
            sentences.append(
                "whether more epochs would change the sets is unknown, since only one was observed"
            )
        return sentences

    @property
    def _judge(self) -> str:
        return "trial" if self.trials_of_each is None else "head"

    def _trials(self, num: int) -> int:
        """The trials of the run in which an example is judged ``num`` times."""
        return num if self.trials_of_each is None else math.ceil(num * self.trials_of_each - 1e-9)

    def _cost_of(self, num: int, seconds: float | None) -> str:
        return _cost(self._trials(num) - self._trials(self.num_trials), seconds)

    def _sentence(self, one: analysis.Forecast, seconds: float | None) -> str:
        value, low, high = one.share()
        tail = tail_text(one.side, one.fraction)
        if high - low > _VAGUE:
            return (
                f"the {one.side} set holds {_percents(low, high)} % of the true {tail}, and "
                f"{one.num_trials} {self._judge}s cannot narrow it down"
            )
        share = f"{100 * value:.0f} % ({_percents(low, high)})"
        held = f"the {one.side} set holds about {share} of the true {tail}"
        target = next((share for share in _TARGETS if round(value, 2) < share), None)
        if target is None:
            return f"{held}; more trials would hardly change it"
        needed = one.trials_for(target)
        if needed is None:
            most = self._trials(one.farthest)
            return f"{held}; {100 * target:.0f} % needs more than {most} trials, or cannot be reached"
        cost = self._cost_of(needed, seconds)
        return f"{held}; {100 * target:.0f} % needs about {self._trials(needed)} trials{cost}"

    def warnings(self) -> list[str]:
        """A sentence for each side whose sets are shown to have changed towards the last epoch."""
        return [self._warning(one) for one in self.drifts if one.goes_on]

    def _warning(self, one: analysis.Drift) -> str:
        agreed = one.agreement
        what = (
            f"the {one.side} sets after epoch {one.epoch} and after epoch {one.last} agree on "
            f"{with_interval(agreed.rate, agreed.low, agreed.high)}, without noise: "
        )
        if self.epoch == one.last:
            return f"{what}training still changes them, so more epochs may too"
        return f"{what}training after epoch {one.epoch} changed them"


def _cost(trials: int, seconds: float | None) -> str:
    return "" if seconds is None else f", {duration_text(trials * seconds)} more here"


def outlook_lines(run: Run) -> list[str]:
    """`Outlook.sentences` of a run after its last epoch, then its warnings, marked as such.

    One line with the reason where nothing can be said, as with a damaged file or too few examples.
    """
    try:
        ahead = outlook(run)
    except BadInput as error:
        reason = str(error).partition("; ")[0]  # what could be asked instead cannot be asked here
        return [f"what its sets hold cannot be told ({reason})"]
    return [*ahead.sentences(), *(f"warning: {text}" for text in ahead.warnings())]


def _percents(low: float, high: float) -> str:
    return f"{100 * low:.0f} to {100 * high:.0f}"


def tail_text(side: analysis.Side, fraction: float) -> str:
    """``hardest tenth``, or ``hardest 5 %``."""
    return f"{_SUPERLATIVES[side]} {'tenth' if fraction == 0.1 else f'{100 * fraction:g} %'}"


def outermost(fraction: float) -> str:
    """``easiest and hardest tenth``."""
    return f"easiest and {tail_text('hard', fraction)}"


def outlook(
    run: Run,
    epoch: int | None = None,
    *,
    fraction: float = 0.1,
    seed: int = 0,
    known: Mapping[int, analysis.Votes] | None = None,
) -> Outlook:
    """Look ahead from the trials of a run after ``epoch`` epochs, the last by default.

    Of more than 20,000 examples so many are drawn. ``known`` are votes by epoch, of those drawn, that are not
    read again.
    """
    epoch = run.resolve_row(epoch)
    analysis.num_selected(len(run.ids), fraction)  # a wrong fraction is no reason that nothing is known
    votes = _votes(run, epoch, known)
    reason, forecasts = None, []
    try:
        forecasts = [
            analysis.forecast(votes, side=side, fraction=fraction, seed=seed) for side in analysis.SIDES
        ]
    except BadInput as error:  # nothing is learned in some group of trials yet
        reason = str(error)
    return Outlook(
        num_trials=votes.num_trials,
        epoch=epoch,
        fraction=fraction,
        forecasts=tuple(one for one in forecasts if one is not None),
        drifts=_drifts(run, votes, fraction, seed, known),
        seconds=seconds_per_trial(run),
        reason=reason,
        num_observed=len(run.observed),
        trials_of_each=len(run.trials) / votes.num_trials if run.shares else None,
    )


def _votes(run: Run, epoch: int, known: Mapping[int, analysis.Votes] | None) -> analysis.Votes:
    found = None if known is None else known.get(epoch)
    return run.votes(epoch, analysis.MOST_EXAMPLES) if found is None else found


def _drifts(
    run: Run, votes: analysis.Votes, fraction: float, seed: int, known: Mapping[int, analysis.Votes] | None
) -> tuple[analysis.Drift, ...]:
    if run.shares:  # what is seen more of is judged otherwise: that is no training that goes on
        return ()
    last = run.observed[-1]
    before = analysis.before_last_quarter(run.observed) if votes.epoch == last else votes.epoch
    if before is None:
        return ()
    early, late = (votes if one == votes.epoch else _votes(run, one, known) for one in (before, last))
    try:
        found = [
            analysis.drift(early, late, side=side, fraction=fraction, seed=seed) for side in analysis.SIDES
        ]
    except BadInput:  # nothing is learned in some group of trials yet: the forecasts say so
        return ()
    return tuple(one for one in found if one is not None)


def seconds_per_trial(run: Run) -> float | None:
    """What another trial of a run takes as they were run, several at a time or one; None if not known."""
    took = [seconds for trial in run.trials if (seconds := trial.document.seconds) is not None]
    if not took or run.spec.measured is None:
        return None
    return float(statistics.median(took)) / run.spec.measured.resolved.jobs
