"""``scores`` of outcomes: the rate of each item, and how probably it is hard, easy or in a band."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from easiness import show
from easiness.analysis import usual_fraction
from easiness.errors import BadInput
from easiness.lazy import Figure, pd
from easiness.store import Run
from easiness.studies.scores import ScoresOptions, ranks_together

_BINS = 20
_FIRST = 20  # rows of the order that are shown


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


@dataclass(frozen=True, eq=False)
class ScoresOverModels(show.Result):
    """One order of difficulty of the items that several models have: see `table`.

    ``agreement`` is the rank correlation of the models, the mean over pairs. Some of them lack the
    ``num_others`` items.
    """

    runs: tuple[Run, ...]
    scores: pd.DataFrame = field(repr=False)
    agreement: float
    num_others: int
    listing = "scores"

    def table(self) -> pd.DataFrame:
        """A row an item: ``id``, ``models`` (their number), ``rate`` (the mean over models) and ``rate_se``.

        ``difficulty`` is the mean over models of the rank by expected rate, from 0 (easiest) to 1 (hardest),
        with ``difficulty_se``, ``difficulty_low`` and ``difficulty_high``: over models, as if these were
        drawn from many like them. ``rank_1``, ``rate_1``, ``rank_2``, ... are those of each.
        """
        return self.scores

    @property
    def headline(self) -> str:
        return (
            f"{show.quantity(len(self.scores), 'item')} in the order of {len(self.runs)} models, whose ranks "
            f"correlate at {self.agreement:.2f}: how hard items are for models like these"
        )

    @property
    def notices(self) -> list[str]:
        others = show.quantity(self.num_others, "item")
        return [f"{others} that some of the models lack: left out"] if self.num_others else []

    def printed_sections(self) -> list[show.Section]:
        return []  # the table is long enough

    def figure(self) -> Figure:
        """The difficulty of each item with its interval, in their order."""
        figure, axes = show.new_axes(5.2, 2.9)
        table = self.scores.sort_values("difficulty")
        at = np.arange(len(table))
        axes.fill_between(
            at, table["difficulty_low"], table["difficulty_high"], color=show.HARD, alpha=0.25, lw=0
        )
        axes.plot(at, table["difficulty"], color=show.HARD, linewidth=1.5)
        axes.set(xlabel="items, the easiest first", ylabel="difficulty", ylim=(0, 1))
        return figure

    def frames(self) -> list[show.Frame]:
        hardest = self.scores.sort_values("difficulty", ascending=False, kind="stable").head(_FIRST)
        names = ", ".join(run.model for run in self.runs)
        note = f"{self.headline}. Difficulty is the mean rank over models, from 0 to 1. Models: {names}."
        within = show.numbers(2, low="difficulty_low", high="difficulty_high")
        columns = {"id": show.names(), "rate": show.means("rate_se", 2), "difficulty": within}
        return [show.Frame("The hardest items for these models together", note, hardest, columns)]


def scores_over_models(runs: Sequence[Run]) -> ScoresOverModels:
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
    return ScoresOverModels(tuple(runs), scores.assign(**columns), agreement, num_others)


def scores_of_outcomes(options: ScoresOptions) -> OutcomeScores | ScoresOverModels:
    """The scores of a run of outcomes, or the order of difficulty of several together."""
    if len(options.run) > 1:
        for name in ("at", "fraction", "between"):
            if getattr(options, name) is not None:
                raise BadInput(f"--{name}: several models give one order of difficulty; leave it out")
        if options.split != "train":
            options.run[0].check_course(f"split {options.split!r}")
        return scores_over_models(options.run)
    run = options.run[0]
    table = run.scores(options.at, fraction=options.fraction, split=options.split, between=options.between)
    tail = usual_fraction(len(table)) if options.fraction is None else options.fraction
    return OutcomeScores(run, tail, options.between, table)
