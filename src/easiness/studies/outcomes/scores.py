"""``scores`` of outcomes: the rate of each item, and how probably it is hard, easy or in a band."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import usual_fraction
from easiness.engine import refuse_options
from easiness.errors import BadInput
from easiness.lazy import Figure, pd
from easiness.store import Run
from easiness.studies.scores import CombinedScores, ScoresOptions, ranks_together

_BINS = 20


def meaning(run: Run) -> str:
    """The clause on what a rate of this run speaks of: one model, or models like those recorded."""
    if run.trials_are == "models":
        return "trials are models: how hard items are for models like these"
    return f"trials are rollouts of {run.model}: how hard items are for it, and for no other"


def refuse_others(options: Any, own: Collection[str], remedy: str) -> None:
    """Refuse, by its name, an option that is given and not among the ``own`` ones of outcomes."""
    refuse_options(options, f"is for runs of `measure`, and these are outcomes; {remedy}", but=own)


@dataclass(frozen=True, eq=False)
class OfOutcomes(show.Result):
    """A result of a ``run`` of outcomes. It says what a rate speaks of, in its headline and in each note."""

    run: Run

    @property
    def meaning(self) -> str:
        return meaning(self.run)

    @property
    def sentence(self) -> str:
        """The same as the beginning of a sentence."""
        return show.sentence_case(self.meaning)

    def printed_sections(self) -> list[show.Section]:
        return []  # the headline says it, or the table is long


@dataclass(frozen=True, eq=False)
class OutcomeScores(OfOutcomes):
    """The ``scores`` of the items of a run of outcomes; easy and hard sets are a ``fraction`` of them."""

    fraction: float
    between: tuple[float, float] | None
    scores: pd.DataFrame = field(repr=False)
    listing = "scores"

    def table(self) -> pd.DataFrame:
        """A row for each item, see `Run.scores`."""
        return self.scores

    @property
    def headline(self) -> str:
        rate = self.scores["rate"]
        error = float(rate.std(ddof=1) / np.sqrt(len(rate))) if len(rate) > 1 else None
        text = f"{show.plus_minus(float(rate.mean()), error)} right on average; {self.meaning}"
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
        return [show.Frame(title, f"{self.sentence}.", data, columns)]


def scores_over_models(runs: Sequence[Run]) -> CombinedScores:
    """One order of difficulty from several models, over the items that all have: the mean of their ranks."""
    ids = [pd.Index(run.outcomes.items["id"]) for run in runs]
    common = ids[0][np.all([ids[0].isin(one) for one in ids], axis=0)]
    if common.empty:
        raise BadInput(f"{runs[0].path}: no item is in all of these runs; give models on the same items")
    rates, difficulty = [], []
    for run, one in zip(runs, ids, strict=True):
        place = one.get_indexer(common)
        rates.append(run.outcomes.rate[place])
        difficulty.append(-run.outcomes.rates.expected[place])
    ranks, columns, agreement = ranks_together(difficulty)
    scores = pd.DataFrame({"id": common, "models": len(runs), "rate": np.mean(rates, axis=0)})
    scores["rate_se"] = np.std(rates, axis=0, ddof=1) / np.sqrt(len(runs))
    for at, (rank, rate) in enumerate(zip(ranks, rates, strict=True), 1):
        columns |= {f"rank_{at}": rank, f"rate_{at}": rate}
    num_others = len(functools.reduce(lambda a, b: a.union(b, sort=False), ids)) - len(common)
    return CombinedScores(tuple(runs), scores.assign(**columns), agreement, num_others)


def scores_of_outcomes(options: ScoresOptions) -> OutcomeScores | CombinedScores:
    """The scores of a run of outcomes, or the order of difficulty of several together."""
    if len(options.run) > 1:
        several = "several models give one order of difficulty; leave it out"
        refuse_options(options, several, among=("at", "fraction", "between"))
        if options.split != "train":
            options.run[0].check_course(f"split {options.split!r}")
        return scores_over_models(options.run)
    run = options.run[0]
    table = run.scores(options.at, fraction=options.fraction, split=options.split, between=options.between)
    tail = usual_fraction(len(table)) if options.fraction is None else options.fraction
    return OutcomeScores(run, tail, options.between, table)
