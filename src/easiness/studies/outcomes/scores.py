"""``scores`` of outcomes: the rate of each item, and how probably it is hard, easy or in a band."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from easiness import show
from easiness.analysis import usual_fraction
from easiness.errors import BadInput
from easiness.lazy import Figure, pd
from easiness.store import Run
from easiness.studies.scores import ScoresOptions

_BINS = 20


def meaning(run: Run) -> str:
    """The clause on what a rate of this run speaks of: one model, or models like those recorded."""
    if run.trials_are == "models":
        return "trials are models: how hard items are for models like these"
    return f"trials are rollouts of {run.model}: how hard items are for it, and for no other"


@dataclass(frozen=True, eq=False)
class OutcomeScores(show.Result):
    """The ``scores`` of the items of a run of outcomes; easy and hard sets are a ``fraction`` of them."""

    run: Run
    fraction: float
    between: tuple[float, float] | None
    scores: pd.DataFrame = field(repr=False)
    listing = "scores"

    def table(self) -> pd.DataFrame:
        """A row for each item, see `Run.scores`."""
        return self.scores

    def printed_sections(self) -> list[show.Section]:
        return []  # the table is long enough

    @property
    def headline(self) -> str:
        rate = self.scores["rate"]
        error = float(rate.std(ddof=1) / np.sqrt(len(rate))) if len(rate) > 1 else None
        text = f"{show.plus_minus(float(rate.mean()), error)} right on average; {meaning(self.run)}"
        if self.between is None:
            return text
        low, high = self.between
        return f"{text}; {self.scores['p_between'].sum():.1f} of {len(rate)} expected in {low:g} to {high:g}"

    def figure(self) -> Figure:
        """The items by their rate as observed, and the true rates that are likely behind it."""
        figure, axes = show.new_axes(5.2, 2.7)
        edges = np.linspace(0, 1, _BINS + 1)
        shares = np.histogram(self.scores["rate"], edges)[0] / len(self.scores)
        rates = self.run.outcomes.rates
        true = [float(rates.population @ rates.band(*ends)) for ends in itertools.pairwise(edges)]
        middle = (edges[1:] + edges[:-1]) / 2
        axes.bar(middle, 100 * shares, 0.9 / _BINS, color=show.FAINT, label="as observed")
        axes.plot(middle, 100 * np.array(true), ".-", color=show.HARD, label="true rates, without noise")
        axes.set(xlabel="share of trials that are right", ylabel="share of items (%)", xlim=(0, 1))
        show.legend_above(axes, 2)
        return figure

    def frames(self) -> list[show.Frame]:
        names = [name for name in self.scores.columns if name != "id"]
        values = self.scores[names].agg(["mean", "std", "min", "max"]).T
        data = values.set_axis(["mean", "sd", "least", "most"], axis=1)
        data.insert(0, "score", names)
        title = f"Scores of {len(self.scores)} items"
        columns = {str(name): show.numbers() for name in data} | {"score": show.names()}
        return [show.Frame(title, f"{show.sentence_case(meaning(self.run))}.", data, columns)]


def scores_of_outcomes(options: ScoresOptions) -> OutcomeScores:
    """The scores of a run of outcomes."""
    if len(options.run) > 1:
        raise BadInput("scores: are of one run of outcomes; give one")
    run = options.run[0]
    table = run.scores(options.at, fraction=options.fraction, split=options.split, between=options.between)
    tail = usual_fraction(len(table)) if options.fraction is None else options.fraction
    return OutcomeScores(run, tail, options.between, table)
