"""What frequency and contradiction say of easiness, as it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Effect, RankRegression
from easiness.data import Dataset
from easiness.spec import Split
from easiness.store import Row, Run
from easiness.studies.patterns.neighbourhood import Neighbourhood

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

NUM_SHOWN = 12
_PARTS = 10  # of the examples by their frequency, in the figure
_TOP = 1.03  # of scores of up to 1, in the figure
_THIRDS = ("contradicted least", "between", "contradicted most")

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]


class Way(NamedTuple):
    """The coefficients and R squared where frequency is counted in another way, see `Neighbourhood`."""

    name: str
    frequency: Effect
    contradiction: Effect
    r_squared: Effect


@dataclass(frozen=True, eq=False)
class Leftover:
    """Positions of the examples that are explained least, the least first: ``too_hard`` and ``too_easy``.

    Of each more than a standard deviation of what is left is left over; of copies the first is here.
    """

    too_hard: _Integers
    too_easy: _Integers

    @classmethod
    def of(cls, left: _Floats, picture: _Integers, num: int = NUM_SHOWN) -> Self:
        """Those of what is ``left`` [K] of easiness, NaN where there is none; ``picture`` numbers copies."""
        order = np.argsort(left, kind="stable")[: int(np.isfinite(left).sum())]
        far = np.abs(left[order]) > np.std(left[order])

        def once(some: _Integers) -> _Integers:
            return some[np.sort(np.unique(picture[some], return_index=True)[1])][:num]

        return cls(once(order[far & (left[order] < 0)]), once(order[far & (left[order] > 0)][::-1]))


@dataclass(frozen=True, eq=False)
class Patterns(show.Result):
    """What examples show, which lies ``around`` them, and a ``score`` with its ``values`` [K] beside that.

    ``found`` is the rank regression of the score, ``turned`` where high is hard, on both over all examples,
    ``within`` that among examples of one class, and ``class_alone`` the share of the variance that the class
    alone explains. ``fitted`` [K] is what both explain of an example's easiness in standard deviations of
    ranks, ``left`` [K] what they leave, and ``leftover`` where they leave most. ``seen`` says of which looks
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
    values: _Floats = field(repr=False)
    fitted: _Floats = field(repr=False)
    left: _Floats = field(repr=False)
    found: RankRegression
    within: RankRegression
    class_alone: float
    ways: tuple[Way, ...]
    leftover: Leftover
    notes: tuple[str, ...] = ()

    @property
    def model(self) -> str:
        """Name of the network."""
        return self.run.network

    @property
    def ids(self) -> npt.NDArray[Any]:
        """Of the examples [K]."""
        return self.run.examples(self.split)[0]

    @property
    def labels(self) -> _Integers:
        """Of the examples [K]."""
        return self.run.examples(self.split)[1]

    @property
    def frequency(self) -> _Integers:
        """Of each example [K]."""
        return self.around.frequency

    @property
    def contradiction(self) -> _Floats:
        """Of each example [K]."""
        return self.around.contradiction

    @property
    def ease(self) -> str:
        """What is explained, of which high is easy."""
        return f"ease by {self.score}" if self.turned else self.score

    @property
    def headline(self) -> str:
        """``frequency +0.30 (0.25 to 0.35) and contradiction ... explain 28 % of how easiness ranks``."""
        explained = show.percent(self.found.r_squared.value)
        most = f" ({show.percent(self.found.most)} can be)" if self.found.most > 0 else ""
        return (
            f"frequency {_signed(self.found.first)} and contradiction {_signed(self.found.second)} explain "
            f"{explained} of the variance of ranks of {self.ease}{most}; within classes "
            f"{show.percent(self.within.r_squared.value)}"
        )

    def table(self) -> pd.DataFrame:
        """A row an example, in the order of the run.

        ``frequency`` counts the examples of its class nearby, ``contradiction`` is the share of other classes
        among the nearest, 0..1. ``explained`` and ``left_over`` of the rank of the score, turned so that high
        is easy, are in standard deviations of ranks.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "id": self.ids,
                "label": self.labels,
                "class": np.array(self.run.classes, dtype=object)[self.labels],
                self.score: self.values,
                "frequency": self.frequency,
                "contradiction": self.contradiction,
                "explained": self.fitted,
                "left_over": self.left,
            }
        )

    def document(self) -> Any:
        """The effects and what they are of, then the rows of the table as ``examples``."""
        of = {name: getattr(self, name) for name in ("model", "split", "score", "seen", "features")} | {
            name: getattr(self.around, name) for name in ("nearest", "num_copies")
        }
        effects = [dict(zip(("what", *columns), row, strict=True)) for columns, row in self._effects()]
        return show.defined(
            {**of, **self.row.asked, "effects": effects, "examples": self.table().to_dict("records")}
        )

    def _effects(self) -> Iterator[tuple[tuple[str, ...], tuple[Any, ...]]]:
        columns = ("over", "value", "low", "high")
        for over, one in (("all examples", self.found), ("within classes", self.within)):
            for name, effect in _numbers(one):
                yield columns, (name, over, *effect)

    def figure(self) -> Figure:
        """The mean score over frequency, for examples contradicted least, most and between."""
        figure, axes = show.new_axes(5.6, 3.4)
        known = np.flatnonzero(np.isfinite(self.left))
        thirds = np.quantile(self.contradiction[known], (1 / 3, 2 / 3))
        third = np.searchsorted(thirds, self.contradiction[known], side="right")
        # equal values are in one third, so that a third may be empty
        for at, color in enumerate((show.EASY, show.INK, show.HARD)):
            some = known[third == at]
            if len(some):
                _draw_line(axes, self.frequency[some], self.values[some], color, _THIRDS[at])
        axes.set_xscale("symlog", linthresh=1)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(left=0)
        if np.nanmax(self.values) <= 1:  # whatever bars say, no mean is larger
            axes.set_ylim(top=min(axes.get_ylim()[1], _TOP))
        axes.set(
            xlabel="frequency: examples of its class nearby",
            ylabel=f"mean {self.score}{' (high is hard)' if self.turned else ''}",
        )
        show.legend_above(axes, 3)
        return figure

    def sections(self) -> list[show.Section]:
        """The effects, other ways to count, then the examples that are explained least."""
        return [
            self._of_effects(),
            self._of_ways(),
            self._of_examples("Too hard for what they show", self.leftover.too_hard),
            self._of_examples("Too easy for what they show", self.leftover.too_easy),
        ]

    def _of_effects(self) -> show.Section:
        rows = [["", "all examples", "within classes"]]
        for (name, overall), (_, inside) in zip(_numbers(self.found), _numbers(self.within), strict=True):
            rows.append([name, _shown(overall), _shown(inside)])
        rows.append(["R² of the class alone", show.number(self.class_alone, 3), ""])
        return show.Section(
            f"{show.capitalized(self.ease)} by what {show.count(len(self.ids))} examples show",
            f"{show.capitalized(self.score)} of {self.model} {self.row.at}, of {self.seen}"
            f"{', turned so that high is easy' if self.turned else ''}. "
            f"{self._counted} Coefficients are of standardized ranks, with both in the model; 95 % "
            "intervals are for other examples of the same patterns and other trials. R² is the share of the "
            "variance of ranks that both explain. It cannot exceed the reliability of the score over "
            f"{show.counted(len(self.run.trials), 'trial')}. Within classes, examples are compared only "
            "with their own class. The two cannot be told apart wholly: what others contradict has "
            "fewer of its class near. Where contradiction alone was planted, frequency came out at "
            "-0.1 to -0.3; where frequency alone was, contradiction at -0.1 to -0.5. This shows what goes "
            "along with easiness, not what causes it.",
            rows,
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

    def _of_ways(self) -> show.Section:
        rows = [["distances in units of", "frequency", "contradiction", "R²"]]
        rows += [[way.name, *map(_signed, way[1:3]), show.with_interval(*way.r_squared)] for way in self.ways]
        return show.Section(
            "Other ways to count frequency",
            "The same coefficients with other meanings of near: nearer than the usual distance to "
            "the 10th, 50th or 100th nearest example (common), or nearer than the mean of both "
            "examples' own distances (local). Local distances give most examples about as many neighbours, "
            "so they show less of frequency. What is shown in one unit alone is undecided.",
            rows,
        )

    def _of_examples(self, title: str, positions: _Integers) -> show.Section:
        rows = [["id", "class", self.score, "frequency", "contradiction", "left over"]]
        rows += [[str(self.ids[at]), *self.said_of(at)] for at in positions.tolist()]
        note = "What is left over is in standard deviations of ranks."
        return show.Section(title, note if len(positions) else "No example is far from it.", rows)

    def said_of(self, position: int) -> list[str]:
        """Of an example its class, score, frequency, contradiction and what is left over, as text."""
        return [
            self.run.classes[self.labels[position]],
            show.number(float(self.values[position])),
            show.count(int(self.frequency[position])),
            show.number(float(self.contradiction[position])),
            show.number(float(self.left[position]), signed=True),
        ]


def _draw_line(axes: Any, frequency: _Integers, values: _Floats, color: str, name: str) -> None:
    """The mean value of parts of the examples by frequency, with twice its standard error."""
    order = np.argsort(frequency, kind="stable")
    parts = [part for part in np.array_split(order, min(_PARTS, max(len(order) // 5, 1))) if len(part)]
    means = [values[part].mean() for part in parts]
    errors = [2 * values[part].std() / np.sqrt(len(part)) for part in parts]
    at = [np.median(frequency[part]) for part in parts]
    axes.errorbar(at, means, yerr=errors, fmt="o-", color=color, markersize=4, capsize=2, label=name)


def _numbers(one: RankRegression) -> Iterator[tuple[str, Effect]]:
    nan = float("nan")
    yield "frequency", one.first
    yield "contradiction", one.second
    yield "R²", one.r_squared
    yield "the most it could be", Effect(one.most, nan, nan)
    yield "R² by chance, at most", Effect(one.by_chance, nan, nan)
    yield "frequency × contradiction, added", one.product
    yield "R² with it", one.with_product
    yield "correlation of the two", Effect(one.together, nan, nan)


def _shown(effect: Effect) -> str:
    return show.with_interval(*effect, 3)


def _signed(effect: Effect) -> str:
    return show.with_interval(*effect, 2, signed=True)
