"""Frequency and contradiction beside easiness, as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import Effect, RankRegression
from easiness.data import Dataset
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.spec import Split
from easiness.store import Row, Run
from easiness.studies.patterns.neighbourhood import Neighbourhood

NUM_SHOWN = 12
TOO_HARD, TOO_EASY = "Too hard for what they show", "Too easy for what they show"
_PARTS = 10  # of the examples by their frequency, in the figure
_TOP = 1.03  # of scores of up to 1, in the figure
_THIRDS = {"contradicted least": show.EASY, "between": show.INK, "contradicted most": show.HARD}


def least_explained(left: Floats, picture: Integers, num: int = NUM_SHOWN) -> dict[str, Integers]:
    """Positions of the examples `TOO_HARD` and `TOO_EASY` for what is explained, the least explained first.

    Of each more than a standard deviation is ``left`` [K] of easiness, which is NaN where there is none. Of
    copies, which ``picture`` numbers, the first is here.
    """
    order = np.argsort(left, kind="stable")[: int(np.isfinite(left).sum())]
    far = np.abs(left[order]) > np.std(left[order])

    def once(some: Integers) -> Integers:
        return some[np.sort(np.unique(picture[some], return_index=True)[1])][:num]

    hard, easy = order[far & (left[order] < 0)], order[far & (left[order] > 0)][::-1]
    return {TOO_HARD: once(hard), TOO_EASY: once(easy)}


@dataclass(frozen=True, eq=False)
class Patterns(show.Result):
    """The ``examples`` of a run, what lies ``around`` them, and a ``score`` beside that.

    ``found`` is the rank regression of the score, ``turned`` where high is hard, on both over all examples,
    ``within`` that among examples of one class, and ``class_alone`` the share of the variance that the class
    alone explains. ``leftover`` has positions of those that are explained least. ``seen`` says of which looks
    at the examples the score is, ``ways`` what other counts of frequency would give.
    """

    run: Run = field(repr=False)
    data: Dataset = field(repr=False)
    row: Row
    split: Split
    score: str
    seen: str
    features: str
    about: str
    turned: bool
    around: Neighbourhood = field(repr=False)
    examples: pd.DataFrame = field(repr=False)
    found: RankRegression
    within: RankRegression
    class_alone: float
    ways: Mapping[str, RankRegression] = field(repr=False)
    leftover: Mapping[str, Integers] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def ease(self) -> str:
        """The name of the score, turned so that high is easy."""
        return f"ease by {self.score}" if self.turned else self.score

    @property
    def headline(self) -> str:
        """``frequency +0.30 (0.25 to 0.35) and contradiction ... explain 28 % of how easiness ranks``."""
        frequency, contradiction = (
            show.with_interval(*one, 2, signed=True) for one in (self.found.first, self.found.second)
        )
        most = f" ({show.percent(self.found.most)} can be)" if self.found.most > 0 else ""
        return (
            f"frequency {frequency} and contradiction {contradiction} explain "
            f"{show.percent(self.found.r_squared.value)} of the variance of ranks of {self.ease}{most}; "
            f"within classes {show.percent(self.within.r_squared.value)}"
        )

    def table(self) -> pd.DataFrame:
        """A row an example, in the order of the run.

        ``frequency`` counts the examples of its class nearby, ``contradiction`` is the share of other classes
        among the nearest, 0..1. ``explained`` and ``left_over`` of the rank of the score, turned so that high
        is easy, are in standard deviations of ranks.
        """
        return self.examples

    def document(self) -> Any:
        of = {name: getattr(self, name) for name in ("split", "score", "seen", "features")}
        around = {name: getattr(self.around, name) for name in ("nearest", "num_copies")}
        effects = [
            {"what": name, "over": over, **effect._asdict()}
            for over, one in (("all examples", self.found), ("within classes", self.within))
            for name, effect in _numbers(one).items()
        ]
        examples = self.examples.to_dict("records")
        asked = {"model": self.run.network, **of, **around, **self.row.argument}
        return show.defined({**asked, "effects": effects, "examples": examples})

    def figure(self) -> Figure:
        """The mean score over frequency, for examples contradicted least, most and between."""
        known = self.examples.dropna(subset="left_over")
        thirds = np.quantile(known["contradiction"], (1 / 3, 2 / 3))
        third = np.searchsorted(thirds, known["contradiction"], side="right")
        # equal values are in one third, so that a third may be empty
        drawn = [
            _curve(known["frequency"][third == at], known[self.score][third == at], name, color)
            for at, (name, color) in enumerate(_THIRDS.items())
            if (third == at).any()
        ]
        figure = show.curves(
            {"": drawn},
            (5.6, 3.4),
            x="frequency: examples of its class nearby",
            y=f"mean {self.score}{' (high is hard)' if self.turned else ''}, ± 2 standard errors",
        )
        [axes] = figure.axes
        axes.set_xscale("symlog", linthresh=1)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(left=0)
        if known[self.score].max() <= 1:  # whatever bars say, no mean is larger
            axes.set_ylim(top=min(axes.get_ylim()[1], _TOP))
        return figure

    def frames(self) -> list[show.Frame]:
        least = (self._of_examples(title, positions) for title, positions in self.leftover.items())
        return [self._of_effects(), self._of_ways(), *least]

    def _of_effects(self) -> show.Frame:
        over_all, within = _numbers(self.found), _numbers(self.within)
        rows = [
            {"effect": name, **_ends("all examples", one), **_ends("within classes", within[name])}
            for name, one in over_all.items()
        ]
        rows.append({"effect": "R² of the class alone", "all examples": self.class_alone})
        columns = {name: show.numbers(3, low=f"{name} low", high=f"{name} high") for name in _OVER}
        return show.Frame(
            f"{show.capitalized(self.ease)} by what {show.count(len(self.examples))} examples show",
            f"{show.capitalized(self.score)} of {self.run.network} {self.row.at}, of {self.seen}"
            f"{', turned so that high is easy' if self.turned else ''}. "
            f"{self._counted} Coefficients are of standardized ranks, with both in the model; 95 % "
            "intervals are for other examples of the same patterns and other trials. R² is the share of the "
            "variance of ranks that both explain. It cannot exceed the reliability of the score over "
            f"{show.counted(len(self.run.trials), 'trial')}. Within classes, examples are compared only "
            "with their own class. The two cannot be told apart wholly: what others contradict has "
            "fewer of its class near. Where contradiction alone was planted, frequency came out at "
            "-0.1 to -0.3; where frequency alone was, contradiction at -0.1 to -0.5. This shows what goes "
            "along with easiness, not what causes it.",
            pd.DataFrame(rows),
            {"effect": show.names(), **columns},
            self.notes,
        )

    @property
    def _counted(self) -> str:
        around = self.around
        copies = show.counted(around.num_copies, "example")
        return (
            f"Features {self.features}: {self.about.rstrip('.')}. Frequency is how many examples of "
            f"its class are near, among {show.count(around.num_among)} training examples: nearer than "
            f"the {around.nearest}th nearest usually is. Contradiction is the share of other classes "
            f"among the {around.nearest} nearest. Copies are no neighbours; "
            f"{copies} {'is one' if around.num_copies == 1 else 'are copies'}."
        )

    def _of_ways(self) -> show.Frame:
        rows = [
            {
                "distances in units of": name,
                **_ends("frequency", one.first),
                **_ends("contradiction", one.second),
                **_ends("R²", one.r_squared),
            }
            for name, one in self.ways.items()
        ]
        columns = {
            name: show.numbers(2, low=f"{name} low", high=f"{name} high", signed=name != "R²")
            for name in ("frequency", "contradiction", "R²")
        }
        return show.Frame(
            "Other ways to count frequency",
            "The same coefficients with other meanings of near: nearer than the usual distance to "
            "the 10th, 50th or 100th nearest example (common), or nearer than the mean of both "
            "examples' own distances (local). Local distances give most examples about as many neighbours, "
            "so they show less of frequency. What is shown in one unit alone is undecided.",
            pd.DataFrame(rows),
            {"distances in units of": show.names(), **columns},
        )

    def _of_examples(self, title: str, positions: Integers) -> show.Frame:
        note = "What is left over is in standard deviations of ranks."
        columns = {
            "id": show.names(),
            "class": show.names(),
            self.score: show.numbers(2),
            "frequency": show.counts(),
            "contradiction": show.numbers(2),
            "left_over": show.numbers(2, title="left over", signed=True),
        }
        note = note if len(positions) else "No example is far from it."
        return show.Frame(title, note, self.examples.iloc[positions], columns)


_OVER = ("all examples", "within classes")


def _curve(frequency: pd.Series, values: pd.Series, label: str, color: str) -> show.Curve:
    """The mean value of parts of the examples by frequency, with twice its standard error."""
    order = np.argsort(frequency.to_numpy(), kind="stable")
    parts = [part for part in np.array_split(order, min(_PARTS, max(len(order) // 5, 1))) if len(part)]
    seen = [values.to_numpy()[part] for part in parts]
    errors = [2 * one.std() / np.sqrt(len(one)) for one in seen]
    middle = [np.median(frequency.to_numpy()[part]) for part in parts]
    return show.Curve(middle, [one.mean() for one in seen], label, color, errors=errors)


def _numbers(one: RankRegression) -> dict[str, Effect]:
    nan = float("nan")
    return {
        "frequency": one.first,
        "contradiction": one.second,
        "R²": one.r_squared,
        "the most it could be": Effect(one.most, nan, nan),
        "R² by chance, at most": Effect(one.by_chance, nan, nan),
        "frequency × contradiction, added": one.product,
        "R² with it": one.with_product,
        "correlation of the two": Effect(one.together, nan, nan),
    }


def _ends(name: str, effect: Effect) -> dict[str, float]:
    return {name: effect.value, f"{name} low": effect.low, f"{name} high": effect.high}
