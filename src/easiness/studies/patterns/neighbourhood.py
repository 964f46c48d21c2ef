"""Neighbours of an example in some features, of its own class and of others, and easiness beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from easiness import show
from easiness.analysis import Interval, RankRegression, drawn_examples, nearest_rows, unit_rows
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.heads import kept_together
from easiness.lazy import Figure, Floats, Integers, Reals, Singles, pd
from easiness.spec import Split
from easiness.store import Row, Run

NUM_NEAREST = 50
OTHER_SCALES = (10, 50, 100)
"""The k by which frequency is counted again, to see whether what is found hangs on it."""
AT_MOST = 50_000  # training examples among which neighbours are looked for; of more, so many are drawn

_AT_ONCE = 1024
_ROUNDING = np.float32(1e-6)  # of squared distances
_PER_REGION, _FEWEST_REGIONS, _MOST_REGIONS = 25, 20, 200


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Neighbours of each of Q examples among the training examples, each picture counted once a class.

    With d the distance of two examples by direction (between features of unit length), y their labels, s_k(i)
    the distance of i to the k-th nearest example of any class, and k = ``nearest``:

        ``frequency`` [Q]: the number of j with y_j = y_i and d(i, j) <= median over training examples of s_k
        ``contradiction`` [Q]: the share of j with y_j != y_i among the k nearest of i

    The unit of distances is one for all: in units of its own s_k(i) every example would have as many
    neighbours (docs/results/patterns.md). ``others`` has both ways at other k: ``common k`` as above, and
    ``local k``, where j counts if d(i, j)^2 <= s_k(i) s_k(j) (Zelnik-Manor and Perona 2004).

    An example's own copies with its label are no neighbours of it, and copies of one another with one label
    are one neighbour. A copy with another label is one: the surest contradiction. ``picture`` [Q] numbers the
    examples, copies alike, ``regions`` [Q] number parts of the space of features, and ``unit`` [Q, D] are the
    examples there.
    """

    frequency: Integers
    contradiction: Floats
    others: dict[str, Integers]
    picture: Integers
    regions: Integers
    unit: Singles
    nearest: int
    num_among: int

    @property
    def num_copies(self) -> int:
        """Examples that are a copy of another one before them."""
        return len(self.picture) - len(np.unique(self.picture))


def neighbourhood(
    train: Reals,
    labels: Integers,
    targets: tuple[Reals, Integers] | None = None,
    *,
    nearest: int | None = None,
    same: Integers | None = None,
) -> Neighbourhood:
    """The neighbourhood of the training examples, or of others that are ``targets``."""
    every = train if targets is None else np.concatenate([train, targets[0]])
    picture = kept_together([every], same=same, most=len(every) if same is None else 0)
    of_class = labels if targets is None else np.concatenate([labels, targets[1]])
    unit = unit_rows(every)
    pairs = picture * (of_class.max() + 1) + of_class
    first = np.sort(np.unique(pairs[: len(labels)], return_index=True)[1])
    sample = drawn_examples(len(first), AT_MOST)
    among = first if sample is None else first[sample]
    if nearest is None:
        of_own = np.bincount(labels[among])[labels[among]]
        nearest = max(min(NUM_NEAREST, len(among) // 4, int(np.median(of_own)) // 2), 1)
    if not 0 < nearest < len(among):
        raise BadInput(
            f"--nearest {nearest}: not between 1 and {len(among) - 1}, the neighbours that {len(among)} "
            "different examples have; give such a number"
        )
    ks = sorted({nearest, *(k for k in OTHER_SCALES if k < len(among))})
    place = slice(0 if targets is None else len(labels), len(every))
    order = np.argsort(pairs[among])
    own = order[np.searchsorted(pairs[among], pairs, sorter=order).clip(max=len(among) - 1)]
    own = np.where(pairs[among][own] == pairs, own, -1)  # where an example is among them, or its copy

    def scales(place: Integers | slice) -> tuple[Singles, Integers]:
        """s_k for each k [n, k] of the examples at a place, and where their nearest are [n, nearest]."""
        near_at, far = nearest_rows(unit[place], unit[among], max(ks), own[place])
        return np.asarray(far[:, [k - 1 for k in ks]], np.float32), among[near_at[:, :nearest]]

    of_targets, neighbours = scales(place)
    others = (unit[among], of_class[among], of_targets[among] if targets is None else scales(among)[0])
    common, local = _counts((unit[place], of_class[place], of_targets), others, own[place])
    ways = {f"common {k}": common[:, column] for column, k in enumerate(ks)}
    ways |= {f"local {k}": local[:, column] for column, k in enumerate(ks)}
    return Neighbourhood(
        frequency=ways[f"common {nearest}"],
        contradiction=(of_class[neighbours] != of_class[place][:, None]).mean(axis=1),
        others=ways,
        picture=picture[place],
        regions=_regions(unit[place], picture[place]),
        unit=unit[place],
        nearest=nearest,
        num_among=len(among),
    )


_WithScales: TypeAlias = tuple[Singles, Integers, Singles]
"""Unit vectors, labels and s_k of examples."""


def _counts(targets: _WithScales, among: _WithScales, itself: Integers) -> tuple[Integers, Integers]:
    """How many of its class are near each example [n, k]: by a common limit, and by both scales."""
    (unit, labels, scales), (others, of_others, theirs) = targets, among
    usual = np.median(theirs, axis=0) ** 2
    common, local = np.zeros((2, *scales.shape), np.int64)
    for label in np.unique(of_others):
        own, mine = np.flatnonzero(of_others == label), np.flatnonzero(labels == label)
        of_class = others[own]
        for at in range(0, len(mine), _AT_ONCE):
            rows = mine[at : at + _AT_ONCE]
            squares = 2 - 2 * (unit[rows] @ of_class.T)
            squares[itself[rows, None] == own] = np.inf
            for column, limit in enumerate(usual):
                both = scales[rows, column, None] * theirs[own, column]
                common[rows, column] = np.count_nonzero(squares <= limit + _ROUNDING, axis=1)
                local[rows, column] = np.count_nonzero(squares <= both + _ROUNDING, axis=1)
    return common, local


def _regions(unit: Singles, picture: Integers) -> Integers:
    """Numbers [Q] of the parts of the space that are nearest to examples drawn at random; copies together."""
    num = min(max(len(unit) // _PER_REGION, _FEWEST_REGIONS), _MOST_REGIONS, len(unit))
    seeds = unit[np.sort(np.random.default_rng(0).choice(len(unit), num, replace=False))]
    nearest = nearest_rows(unit, seeds, 1)[0][:, 0]
    first = np.unique(picture, return_index=True, return_inverse=True)
    return np.unique(nearest[first[1]][first[2].ravel()], return_inverse=True)[1].astype(np.int64)


NUM_SHOWN = 12
TOO_HARD, TOO_EASY = "Too hard for what they show", "Too easy for what they show"
_PARTS = 10  # of the examples by their frequency, in the figure
_THIRDS = {"contradicted least": show.EASY, "between": show.INK, "contradicted most": show.HARD}


def least_explained(left: Floats, picture: Integers, num: int = NUM_SHOWN) -> dict[str, Integers]:
    """Positions of the examples `TOO_HARD` and `TOO_EASY`, the least explained first, of copies the first.

    More than a standard deviation of easiness is ``left`` [K] of each; ``picture`` numbers copies.
    """
    order = np.argsort(left, kind="stable")[: int(np.isfinite(left).sum())]
    far = np.abs(left[order]) > np.std(left[order])

    def once(some: Integers) -> Integers:
        return some[np.sort(np.unique(picture[some], return_index=True)[1])][:num]

    hard, easy = order[far & (left[order] < 0)], order[far & (left[order] > 0)][::-1]
    return {TOO_HARD: once(hard), TOO_EASY: once(easy)}


@dataclass(frozen=True, eq=False)
class Patterns(show.Result):
    """The ``examples`` of a run, their neighbourhood ``around``, and a ``score`` beside it.

    ``over_all`` is the rank regression of the score, ``is_turned`` where high is hard, on both over all
    examples, ``within`` among examples of one class; ``class_alone`` is the share of the variance that the
    class explains. ``leftover`` has positions of the least explained, ``seen`` names the observations that
    the score is of, and ``ways`` has the regressions by other counts of frequency.
    """

    run: Run = field(repr=False)
    data: Dataset = field(repr=False)
    row: Row
    split: Split
    score: str
    evidence: str
    features: str
    about: str
    is_turned: bool
    around: Neighbourhood = field(repr=False)
    examples: pd.DataFrame = field(repr=False)
    over_all: RankRegression
    within: RankRegression
    class_alone: float
    ways: Mapping[str, RankRegression] = field(repr=False)
    leftover: Mapping[str, Integers] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def ease(self) -> str:
        """The name of the score, turned so that high is easy."""
        return f"ease by {self.score}" if self.is_turned else self.score

    @property
    def headline(self) -> str:
        """``frequency +0.30 (0.25 to 0.35) and contradiction ... explain 28 % of how easiness ranks``."""
        frequency, contradiction = (
            show.with_interval(*one, 2, with_sign=True) for one in (self.over_all.first, self.over_all.second)
        )
        most = f" ({show.percent(self.over_all.most)} can be)" if self.over_all.most > 0 else ""
        return (
            f"frequency {frequency} and contradiction {contradiction} explain "
            f"{show.percent(self.over_all.r_squared.value)} of the variance of ranks of {self.ease}{most}; "
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
        of = {"split": self.split, "score": self.score, "seen": self.evidence, "features": self.features}
        around = {name: getattr(self.around, name) for name in ("nearest", "num_copies")}
        effects = [
            {"what": name, "over": over, **effect._asdict()}
            for over, one in ((_ALL, self.over_all), (_WITHIN, self.within))
            for name, effect in _numbers(one).items()
        ]
        settings = {"model": self.run.network, **of, **around, **self.row.argument, "effects": effects}
        return show.without_nan({**settings, "examples": self.examples.to_dict("records")})

    def figure(self) -> Figure:
        """The mean score over frequency, for examples contradicted least, most and between."""
        rows = self.examples.dropna(subset="left_over")
        thirds = np.quantile(rows["contradiction"], (1 / 3, 2 / 3))
        third = np.searchsorted(thirds, rows["contradiction"], side="right")
        # equal values are in one third, so that a third may be empty
        lines = [
            _curve(rows["frequency"][third == at], rows[self.score][third == at], name, color)
            for at, (name, color) in enumerate(_THIRDS.items())
            if (third == at).any()
        ]
        figure = show.curves(
            {"": lines},
            (5.6, 3.4),
            x="frequency: examples of its class nearby",
            y=f"mean {self.score}{' (high is hard)' if self.is_turned else ''}, ± 2 standard errors",
        )
        [axes] = figure.axes
        axes.set_xscale("symlog", linthresh=1)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(left=0)
        return figure

    def frames(self) -> list[show.Frame]:
        least = (self._of_examples(title, positions) for title, positions in self.leftover.items())
        return [self._of_effects(), self._of_ways(), *least]

    def _of_effects(self) -> show.Frame:
        whole, within = _numbers(self.over_all), _numbers(self.within)
        rows = [
            {"effect": name, **_ends(_ALL, one), **_ends(_WITHIN, within[name])}
            for name, one in whole.items()
        ]
        rows.append({"effect": "R² of the class alone", _ALL: self.class_alone})
        columns = {name: show.numbers(3, low=f"{name} low", high=f"{name} high") for name in (_ALL, _WITHIN)}
        turned_text = ", turned so that high is easy" if self.is_turned else ""
        return show.Frame(
            f"{show.sentence_case(self.ease)} by what {show.count(len(self.examples))} examples show",
            f"{show.sentence_case(self.score)} of {self.run.network} {self.row.at}, of "
            f"{self.evidence}{turned_text}. {self._counts_text} Coefficients are of standardized ranks, with "
            "both in the model; 95 % intervals are for other examples of the same patterns and other "
            "trials. R² is the share of the variance of ranks that both explain, at most the reliability of "
            f"the score over {show.quantity(len(self.run.trials), 'trial')}. The two cannot be told apart "
            "wholly: what others contradict has fewer of its class near. Where contradiction alone was "
            "planted, frequency came out at -0.1 to -0.3; where frequency alone was, contradiction at -0.1 "
            "to -0.5. This shows what goes along with easiness, not what causes it.",
            pd.DataFrame(rows),
            {"effect": show.names(), **columns},
            self.notes,
        )

    @property
    def _counts_text(self) -> str:
        around = self.around
        copies = show.quantity(around.num_copies, "example")
        return (
            f"Features {self.features}: {self.about.rstrip('.')}. Frequency is how many examples of "
            f"its class are near, among {show.count(around.num_among)} training examples: nearer than "
            f"the {around.nearest}th nearest usually is. Contradiction is the share of other classes "
            f"among the {around.nearest} nearest. Copies are no neighbours; "
            f"{copies} {'is one' if around.num_copies == 1 else 'are copies'}."
        )

    def _of_ways(self) -> show.Frame:
        rows = [
            {"units": name, **_ends("frequency", one.first), **_ends("contradiction", one.second)}
            | _ends("R²", one.r_squared)
            for name, one in self.ways.items()
        ]
        columns = {
            name: show.numbers(2, low=f"{name} low", high=f"{name} high", with_sign=name != "R²")
            for name in ("frequency", "contradiction", "R²")
        }
        return show.Frame(
            "Other ways to count frequency",
            "The same coefficients with other meanings of near: nearer than the usual distance to the 10th, "
            "50th or 100th nearest example (common), or than the mean of both examples' own distances "
            "(local), by which most have about as many neighbours. An effect in one unit alone "
            "is undecided.",
            pd.DataFrame(rows),
            {"units": show.names(title="distances in units of"), **columns},
        )

    def _of_examples(self, title: str, positions: Integers) -> show.Frame:
        columns = {"id": show.names(), "class": show.names(), self.score: show.numbers(2)}
        columns |= {"frequency": show.counts(), "contradiction": show.numbers(2)}
        columns["left_over"] = show.numbers(2, title="left over", with_sign=True)
        far = "The rest is in standard deviations of ranks."
        note = far if len(positions) else "No example is far from it."
        return show.Frame(title, note, self.examples.iloc[positions], columns)


_ALL, _WITHIN = "all examples", "within classes"


def _curve(frequency: pd.Series, values: pd.Series, label: str, color: str) -> show.Curve:
    """The mean value of parts of the examples by frequency, with twice its standard error."""
    order = np.argsort(frequency.to_numpy(), kind="stable")
    parts = [part for part in np.array_split(order, min(_PARTS, max(len(order) // 5, 1))) if len(part)]
    parts_of = [values.to_numpy()[part] for part in parts]
    errors = [2 * one.std() / np.sqrt(len(one)) for one in parts_of]
    middle = [np.median(frequency.to_numpy()[part]) for part in parts]
    return show.Curve(middle, [one.mean() for one in parts_of], label, color, errors=errors)


def _numbers(one: RankRegression) -> dict[str, Interval]:
    nan = float("nan")
    return {
        "frequency": one.first,
        "contradiction": one.second,
        "R²": one.r_squared,
        "the most it could be": Interval(one.most, nan, nan),
        "R² by chance, at most": Interval(one.by_chance, nan, nan),
        "frequency × contradiction, added": one.product,
        "R² with it": one.with_product,
        "correlation of the two": Interval(one.together, nan, nan),
    }


def _ends(name: str, effect: Interval) -> dict[str, float]:
    return {name: effect.value, f"{name} low": effect.low, f"{name} high": effect.high}
