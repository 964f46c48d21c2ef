"""``compare`` of one run of outcomes: how much of its true hard and easy sets is known, and would be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import SIDES, Interval, Side, fit_rates, rates_ahead
from easiness.lazy import Figure, pd
from easiness.store import Run
from easiness.studies.matching import tail_text
from easiness.studies.outcomes.scores import meaning

_PARTS = 10  # of the items, left out in turn
_SHAPE_ERROR = 0.3  # over the trials: what few of them leave to where the fit begins
_COLORS: dict[Side, str] = {"easy": show.EASY, "hard": show.HARD}


@dataclass(frozen=True, eq=False)
class RolloutsAhead(show.Result):
    """How much of the true tails of ``fraction`` is known from the trials of a run, and from more.

    ``shares`` has by side, for each of several ``times`` the trials, the share of the truly easiest or
    hardest items that as many items hold, the likeliest ones, in 0..1. ``enough`` times hold 90 %, None where
    ten times do not.
    """

    meaning: str
    fraction: float
    num_items: int
    mean_trials: float
    times: tuple[int, ...]
    shares: dict[Side, list[Interval]]
    enough: dict[Side, float | None]

    def table(self) -> pd.DataFrame:
        """A row for each side and number of ``times``: ``trials`` an item and ``share`` with its interval."""
        return pd.DataFrame(
            [
                {"side": side, "times": times, "trials": times * self.mean_trials, **one._asdict()}
                for side, shares in self.shares.items()
                for times, one in zip(self.times, shares, strict=True)
            ]
        ).rename(columns={"value": "share"})

    @property
    def headline(self) -> str:
        return "\n".join([*(self._sentence(side) for side in SIDES), self.meaning])

    def _sentence(self, side: Side) -> str:
        now, *more = self.shares[side]
        ahead = show.enumeration(
            [
                f"{show.number(one.value)} with {of} times"
                for of, one in zip(self.times[1:], more, strict=True)
            ]
        )
        times = self.enough[side]
        rest = "ten times do not hold .9: the order of some may never be told"
        if times is not None:
            rest = f".9 takes {show.number(times, 1)} times as many, {times * self.mean_trials:.0f} an item"
        of = f"{show.with_interval(*now)} of the {tail_text(side, self.fraction)}"
        return f"{of} are known from {self.mean_trials:.0f} trials an item, {ahead} as many; {rest}"

    def figure(self) -> Figure:
        """The share of the true sets held, over the number of trials."""
        trials = np.array(self.times) * self.mean_trials
        lines = []
        for side, shares in self.shares.items():
            value, low, high = np.array(shares).T
            lines.append(
                show.Curve(
                    trials,
                    value,
                    tail_text(side, self.fraction),
                    _COLORS[side],
                    errors=[value - low, high - value],
                    band=True,
                )
            )
        return show.curves({"": lines}, (5.2, 2.7), x="trials an item", y="share of them known")

    def frames(self) -> list[show.Frame]:
        how = "The share of the true set that the likeliest items hold; 95 % intervals over items and trials."
        columns = {
            "side": show.names(),
            "times": show.counts("Times the trials that there are."),
            "trials": show.numbers(1, "Trials an item on average."),
            "share": show.numbers(2, low="low", high="high"),
        }
        title = f"How much of the true sets is known of {self.num_items:,} items"
        return [show.Frame(title, f"{show.sentence_case(self.meaning)}. {how}", self.table(), columns)]

    def document(self) -> Any:
        return {"rows": super().document(), "enough": dict(self.enough), "meaning": self.meaning}


def rollouts_ahead(run: Run, fraction: float) -> RolloutsAhead:
    """Foretell what more trials of a run of outcomes would tell; intervals leave out tenths of the items."""
    from scipy.special import stdtrit

    outcomes = run.outcomes
    trials, right = outcomes.effective
    ahead = {side: rates_ahead(outcomes.rates, trials, side=side, fraction=fraction) for side in SIDES}
    parts = np.random.default_rng(0).permutation(np.arange(len(trials)) % _PARTS)
    rest = [parts != part for part in range(min(_PARTS, len(trials)))]
    fits = [(fit_rates(trials[one], right[one]), trials[one]) for one in rest] if len(trials) > _PARTS else []
    shares: dict[Side, list[Interval]] = {}
    for side, one in ahead.items():
        left = [rates_ahead(*fit, side=side, fraction=fraction).shares for fit in fits] or [
            (np.nan,) * len(one.shares)
        ]
        error = float(stdtrit(_PARTS - 1, 0.975)) * np.sqrt((_PARTS - 1) * np.var(left, axis=0))
        reaches = np.hypot(error, _SHAPE_ERROR / trials.mean()).tolist()
        ends = zip(one.shares, reaches, strict=True)
        shares[side] = [Interval(at, max(at - reach, 0.0), min(at + reach, 1.0)) for at, reach in ends]
    return RolloutsAhead(
        meaning(run),
        fraction,
        len(trials),
        float(outcomes.trials.mean()),
        ahead["hard"].times,
        shares,
        {side: one.enough for side, one in ahead.items()},
    )
