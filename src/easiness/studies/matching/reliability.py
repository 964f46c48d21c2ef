"""How reproducible the sets of one run are, what they are worth, and what more trials or epochs give."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from easiness import analysis, show
from easiness.analysis import SIDES, Side
from easiness.errors import BadInput
from easiness.lazy import Figure
from easiness.store import Run

_TARGETS = (0.9, 0.95, 0.99)  # shares of the true set to name the trials for: the first not reached yet
_VAGUE = 0.5  # width of an interval that says nothing
_MAX_EPOCHS = 24  # epochs that are looked at; more are thinned out evenly in log scale
_SPLITS = 20
_COLORS = {"easy": show.EASY, "hard": show.HARD}


def tail_text(side: Side, fraction: float) -> str:
    """``hardest tenth``, or ``hardest 5 %``."""
    superlative = {"easy": "easiest", "hard": "hardest"}[side]
    return f"{superlative} {'tenth' if fraction == 0.1 else f'{100 * fraction:.3g} %'}"


@dataclass(frozen=True)
class Outlook:
    """Forecasts and drifts of the refined sets of ``fraction`` of the examples, one a side, after ``epoch``.

    ``forecasts`` are empty below `MIN_TRIALS`, and where ``reason`` says why. Each of ``drifts`` is between
    the epoch before the last quarter and the last one, or between an earlier ``epoch`` and the last; empty
    where one epoch or one trial was observed, and of runs on features. ``seconds`` is what a further trial
    takes, if known. For a run on features ``num_trials`` are the heads that left an example out, and
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
        """Sentences on what the sets hold, one a side; ``with_time`` says what more would take."""
        both = f"how much of the true easiest and {tail_text('hard', self.fraction)} the sets hold"
        if self.num_trials < analysis.MIN_TRIALS:
            least, few = analysis.MIN_TRIALS, show.quantity(self.num_trials, self._judge)
            needs = f"{few}: {least} are needed"
            if self._judge == "head":
                trials = self._trials(least)
                needs = f"{few} that left an example out: {trials} trials are needed, for {least} heads"
            return [f"{both} cannot be told from {needs}{self._cost(least, with_time)}"]
        if not self.forecasts:
            return [] if self.reason is None else [f"{both} cannot be told: {self.reason}"]
        sentences = [self._sentence(one, with_time) for one in self.forecasts]
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

    def _cost(self, num: int, with_time: bool) -> str:
        """How long it takes to judge an example ``num`` times, as far as that is known and to be said."""
        more = self._trials(num) - self._trials(self.num_trials)
        return f", {show.duration_text(more * self.seconds)} more here" if with_time and self.seconds else ""

    def _sentence(self, one: analysis.Forecast, with_time: bool) -> str:
        value, low, high = one.share()
        tail, within = tail_text(one.side, one.fraction), f"{100 * low:.0f} to {100 * high:.0f}"
        if high - low > _VAGUE:
            return (
                f"the {one.side} set holds {within} % of the true {tail}, and "
                f"{one.num_trials} {self._judge}s cannot narrow it down"
            )
        share_text = f"the {one.side} set holds about {100 * value:.0f} % ({within}) of the true {tail}"
        target = next((share for share in _TARGETS if round(value, 2) < share), None)
        if target is None:
            return f"{share_text}; more trials would hardly change it"
        trials = one.trials_for(target)
        if trials is None:
            most = self._trials(one.farthest)
            return f"{share_text}; {100 * target:.0f} % needs more than {most} trials, or cannot be reached"
        cost = self._cost(trials, with_time)
        return f"{share_text}; {100 * target:.0f} % needs about {self._trials(trials)} trials{cost}"

    def warnings(self) -> list[str]:
        """A sentence for each side whose sets are shown to have changed towards the last epoch."""
        after = f"training after epoch {self.epoch} changed them"
        on = "training still changes them, so more epochs may too"
        return [
            f"the {one.side} sets after epoch {one.epoch} and after epoch {one.last} agree on {rate}, "
            f"without noise: {on if self.epoch == one.last else after}"
            for one in self.drifts
            for rate in [show.with_interval(one.agreement.rate, one.agreement.low, one.agreement.high)]
            if one.goes_on
        ]

    def values(self) -> dict[str, Any]:
        """Contents of the sets, by side: a share of the true set, and the trials that 90 % of it needs."""
        return {
            one.side: {
                **dict(zip(("share", "low", "high"), one.share(), strict=True)),
                "trials": one.num_trials,
                "trials_for_90_percent": one.trials_for(0.9),
            }
            for one in self.forecasts
        }


def outlook_lines(run: Run) -> list[str]:
    """Lines on the sets of a run after its last epoch, and warnings, or why nothing can be said."""
    try:
        ahead = outlook(run)
    except BadInput as error:
        reason = str(error).partition("; ")[0]  # what could be asked instead cannot be asked here
        return [f"what its sets hold cannot be told ({reason})"]
    return [*ahead.sentences(), *(f"warning: {text}" for text in ahead.warnings())]


def outlook(
    run: Run,
    epoch: int | None = None,
    *,
    fraction: float = 0.1,
    seed: int = 0,
    votes_by_epoch: Mapping[int, analysis.Votes] | None = None,
) -> Outlook:
    """Look ahead from the trials of a run after ``epoch`` epochs, the last by default.

    Where there are more than 20,000 examples so many are drawn. ``votes_by_epoch`` that are not read again.
    """
    epoch, last = run.resolve_row(epoch), run.observed[-1]
    analysis.num_selected(len(run.ids), fraction)  # a wrong fraction is no reason that nothing is known
    # what is seen more of is judged otherwise: heads on larger shares are no training that goes on
    before = None if run.shares else analysis.before_last_quarter(run.observed) if epoch == last else epoch
    epochs = [epoch] if before is None else [epoch, before, last]
    votes = {at: (votes_by_epoch or {}).get(at) or run.votes(at, analysis.MOST_EXAMPLES) for at in epochs}
    options: dict[str, Any] = {"fraction": fraction, "seed": seed}
    reason, forecasts, drifts = None, list[analysis.Forecast | None](), list[analysis.Drift | None]()
    try:
        forecasts = [analysis.forecast(votes[epoch], side=side, **options) for side in SIDES]
        if before is not None:
            drifts = [analysis.drift(votes[before], votes[last], side=side, **options) for side in SIDES]
    except BadInput as error:  # nothing is learned in some group of trials yet
        reason = str(error)
    num, spec = votes[epoch].num_trials, run.spec.measured
    # as trials were run: several at a time or one
    took = [one for trial in run.trials if (one := trial.document.seconds) is not None]
    seconds = statistics.median(took) / spec.resolved.jobs if took and spec is not None else None
    return Outlook(
        num_trials=num,
        epoch=epoch,
        fraction=fraction,
        forecasts=tuple(one for one in forecasts if one is not None),
        drifts=tuple(one for one in drifts if one is not None),
        seconds=seconds,
        reason=reason,
        num_observed=len(run.observed),
        trials_of_each=len(run.trials) / num if run.shares else None,
    )


@dataclass(frozen=True)
class Reliability:
    """How reproducible one run's easy and hard sets are, and what they are worth.

    ``drift`` has, by side and epoch, the agreement without noise of the refined sets then with those after
    the last epoch; NaN where it cannot be told, none in groups too small to decide anything. For a run on
    features with these ``shares`` an epoch m stands for the m-th share, and trials for heads.
    """

    by_epoch: list[analysis.SplitHalf]
    by_trials: list[analysis.SplitHalf]
    drift: dict[Side, dict[int, float]]
    outlook: Outlook
    shares: tuple[float, ...] = ()

    @property
    def row_name(self) -> str:
        """Name of what tells the rows apart: ``epoch`` or ``share``."""
        return "share" if self.shares else "epoch"

    @property
    def judges(self) -> str:
        """Name of what is put in groups: ``trials``, or ``heads`` that left an example out."""
        return "heads" if self.shares else "trials"

    def value(self, row: int) -> int | float:
        """The epoch, or the share, of a row."""
        return self.shares[row - 1] if self.shares else row

    def best(self, side: Side) -> int | float | None:
        """The epoch, or the share, at which the halves match best in this tail."""
        row = analysis.best_epoch(self.by_epoch, side)
        return None if row is None else self.value(row)

    def values(self) -> dict[str, Any]:
        """Plain values by name, for a file: of epochs, or of shares."""
        by = self.row_name

        def half_values(half: analysis.SplitHalf) -> dict[str, Any]:
            values = dataclasses.asdict(half)
            return {by: self.value(values.pop("epoch")), **values}

        return {
            f"best_{by}": {side: self.best(side) for side in SIDES},
            f"reliability_by_{by}": [half_values(half) for half in self.by_epoch],
            "reliability_by_trials": [half_values(half) for half in self.by_trials],
            f"drift_by_{by}": {
                side: {self.value(row): rate for row, rate in of.items()} for side, of in self.drift.items()
            },
            "outlook": self.outlook.values(),
        }


def run_reliability(run: Run, votes: analysis.Votes, *, fraction: float = 0.1, seed: int = 0) -> Reliability:
    """The reliability of a run whose ``votes`` are those after the epoch that it is judged at."""
    epochs = list(run.observed)
    if len(epochs) > _MAX_EPOCHS:
        places = np.rint(np.geomspace(1, len(epochs), _MAX_EPOCHS)).astype(int)
        epochs = sorted({*(epochs[place - 1] for place in places), votes.epoch})
    last = run.observed[-1]
    most = analysis.MOST_COMPARED
    votes = votes.at_most(most)
    late = votes if last == votes.epoch else run.votes(last, most)
    samples = {one.epoch: one.at_most(analysis.MOST_EXAMPLES) for one in (votes, late)}
    by_epoch: list[analysis.SplitHalf] = []
    drift: dict[Side, dict[int, float]] = {side: {} for side in SIDES}
    spare: analysis.Votes | None = None
    for at in epochs:
        # before anything is learned in some group of trials, easiness has no value there
        with contextlib.suppress(BadInput):
            early = {votes.epoch: votes, last: late}.get(at) or run.votes(at, most, spare)
            # of few examples none are drawn, and the votes themselves are needed again
            spare = None if early in (votes, late) or early.num_examples <= analysis.MOST_EXAMPLES else early
            samples.setdefault(at, early.at_most(analysis.MOST_EXAMPLES))
            half = analysis.split_half(early, fraction=fraction, max_splits=_SPLITS, seed=seed)
            if half is None:
                continue
            by_epoch.append(half)
            if half.group_size >= analysis.MIN_GROUP:
                for side in SIDES:
                    rule = analysis.Rule(side, fraction, "refine", seed)
                    drift[side][at] = 1.0 if early.epoch == late.epoch else math.nan
                    if early.epoch != late.epoch and getattr(half, side).refine > half.chance:
                        drift[side][at] = analysis.true_rate(early, late, rule, same_trials=True)
    by_trials = analysis.reliability_by_trials(votes, fraction=fraction, max_splits=_SPLITS, seed=seed)
    if len(by_epoch) == 1 or last not in drift["easy"]:
        drift = {side: {} for side in SIDES}
    few = samples if len(run.ids) <= most else None  # examples drawn of those drawn are others
    ahead = outlook(run, votes.epoch, fraction=fraction, seed=seed, votes_by_epoch=few)
    return Reliability(by_epoch, by_trials, drift, ahead, run.shares)


def draw_reliability(reliability: Reliability, *, by_trials: bool = False) -> Figure | None:
    """Matching rates of halves by epoch, or by the number of trials in each; ``None`` without halves."""
    halves = reliability.by_trials if by_trials else reliability.by_epoch
    if not halves:
        return None
    figure, axes = show.new_axes(4.4, 3.1)
    x = [half.group_size if by_trials else reliability.value(half.epoch) for half in halves]
    for side in SIDES:
        tails, color = [getattr(half, side) for half in halves], _COLORS[side]
        rates, expected = [tail.refine for tail in tails], [tail.expected for tail in tails]
        axes.plot(x, rates, "o-", color=color, linewidth=1.8, markersize=3.5, label=f"{side}, refine")
        hollow: dict[str, Any] = {"linewidth": 1.2, "markersize": 3, "markerfacecolor": "none"}
        axes.plot(x, expected, "s--", color=color, label=f"{side}, expected", **hollow)
        if not by_trials:
            drift = [reliability.drift[side].get(half.epoch, math.nan) for half in halves]
            axes.plot(x, drift, ":", color=color, linewidth=1.6, label=f"{side}, drift")
            if (at := reliability.best(side)) is not None:
                axes.plot(at, rates[x.index(at)], "o", color=color, markersize=10, fillstyle="none")
    show.chance_line(axes, halves[0].chance)
    name = f"{reliability.judges} in each half" if by_trials else reliability.row_name
    axes.set(xlabel=name, ylabel="matching rate", ylim=(0, 1.02))
    show.row_axis(axes, x if name == "share" else ())
    if by_trials:
        low, high = axes.get_xlim()
        few: dict[str, Any] = {
            "label": f"under {analysis.MIN_GROUP}: undecided",
            "color": show.INK,
            "alpha": 0.06,
        }
        axes.axvspan(low, min(high, analysis.MIN_GROUP - 0.5), linewidth=0, **few)
        axes.set_xlim(low, high)
    show.legend_above(axes, 2)
    return figure
