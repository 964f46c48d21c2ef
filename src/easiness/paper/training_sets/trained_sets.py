"""What became of training on a part of the examples, or with a part of the labels random."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP
from easiness.errors import BadInput
from easiness.spec import Effect, Keep
from easiness.store import Row
from easiness.studies.keeping import order_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


Repeated = npt.NDArray[np.float64]
"""The accuracy of each repetition [n]."""


@dataclass(frozen=True)
class Contrast:
    """A weighted sum of mean accuracies, such as a difference or a slope.

    ``interval`` is Student's over the ``repetitions``, NaN with one; under `MIN_GROUP` of them nothing is
    decided.
    """

    value: float
    interval: tuple[float, float]
    repetitions: int

    @property
    def decided(self) -> bool:
        """Are there enough repetitions to decide anything by the interval?"""
        return self.repetitions >= MIN_GROUP


@dataclass(frozen=True, eq=False)
class AccuracyCurve:
    """``accuracies`` at ascending ``rates``, an array over repetitions for each."""

    rates: tuple[float, ...]
    accuracies: tuple[Repeated, ...]

    def at(self, rate: float) -> Repeated:
        """The accuracies at a rate."""
        if rate not in self.rates:
            tried = ", ".join(f"{one:g}" for one in self.rates)
            raise BadInput(f"rate {rate:g}: not among the rates tried; give one of {tried}")
        return self.accuracies[self.rates.index(rate)]


@dataclass(frozen=True)
class Breakdown:
    """How accuracy is lost up to a rate and beyond it.

    ``before`` and ``after`` are losses of accuracy per unit of rate, positive where accuracy falls.
    ``excess`` is ``after`` minus a multiple of ``before``. Accuracy breaks down where both ``after`` and
    ``excess`` are positive; ``excess`` alone is positive too where accuracy rises before and goes on rising.
    """

    before: Contrast
    after: Contrast
    excess: Contrast


def contrast(terms: Iterable[tuple[float, Repeated]], level: float = 0.95) -> Contrast:
    """The sum of ``weight * mean(accuracies)`` over ``terms``, with Student's interval over repetitions.

    The sum is made for each repetition by itself. Those of the same number share their seeds, so what they
    have in common (initialization, order, nested draws) drops out of a difference; the sums of different
    repetitions are independent.
    """
    from scipy.special import stdtrit

    sums: Repeated = np.sum([weight * group for weight, group in terms], axis=0)
    num = len(sums)
    value = float(sums.mean())
    if num == 1:
        return Contrast(value, (math.nan, math.nan), 1)
    margin = float(stdtrit(num - 1, (1 + level) / 2)) * float(sums.std(ddof=1)) / math.sqrt(num)
    return Contrast(value, (value - margin, value + margin), num)


def mean_accuracy(curve: AccuracyCurve, rate: float) -> Contrast:
    """The mean accuracy at a rate, with Student's interval."""
    return contrast([(1, curve.at(rate))])


def differences(a: AccuracyCurve, b: AccuracyCurve) -> dict[float, Contrast]:
    """Mean accuracy of ``a`` minus that of ``b`` by rate, at the rates above 0 that both have.

    At rate 0 nothing is changed, so that there is nothing to compare.
    """
    common = [rate for rate in a.rates if rate > 0 and rate in b.rates]
    return {rate: contrast([(1, a.at(rate)), (-1, b.at(rate))]) for rate in common}


def steps(curve: AccuracyCurve) -> dict[tuple[float, float], Contrast]:
    """Change of the mean accuracy from each rate to the next; falling at every step: all below 0."""
    pairs = zip(curve.rates, curve.rates[1:], strict=False)
    return {(low, high): contrast([(1, curve.at(high)), (-1, curve.at(low))]) for low, high in pairs}


def breakdown(curve: AccuracyCurve, breakpoint: float, factor: float = 2) -> Breakdown:
    """Loss of accuracy per unit of rate before and beyond a rate; the excess is over ``factor`` times."""
    first, last = curve.rates[0], curve.rates[-1]
    start, middle, end = curve.at(first), curve.at(breakpoint), curve.at(last)
    if not first < breakpoint < last:
        raise BadInput(f"rate {breakpoint:g}: needs a rate below it and one above it to tell slopes apart")
    before, after = 1 / (breakpoint - first), 1 / (last - breakpoint)
    return Breakdown(
        before=contrast([(before, start), (-before, middle)]),
        after=contrast([(after, middle), (-after, end)]),
        excess=contrast(
            [(-factor * before, start), (after + factor * before, middle), (-after, end)],
        ),
    )


_RANDOM = "random"
_STYLES = {
    "easy": (show.EASY, "o", "-"),
    "hard": (show.HARD, "s", "--"),
    _RANDOM: (show.INK, "D", "-."),
}
_OTHERS = [(show.TRAIN, "^", "-"), (show.LEFT_OUT, "v", "--"), (show.HELD_OUT, "X", "-.")]
_ENDS = ("easy", "hard", "top", "bottom")
_WORDS = {"drop": "dropped", "relabel": "with random labels"}
_APART = 0.007  # in rate, so that error bars do not hide each other


@dataclass(frozen=True, eq=False)
class TrainingSetPoint:
    """Networks trained at one rate under one policy.

    ``beta`` are the parameters of the density over ranks that examples are drawn with. ``num_drawn``
    examples were dropped or relabelled and ``num_trained_on`` trained on, in ``num_steps`` steps in all.
    ``accuracy`` [repetitions, epochs] is that on the held-out split after each epoch tested.
    """

    policy: str
    beta: tuple[float, float]
    rate: float
    num_drawn: int
    num_trained_on: int
    num_steps: int
    accuracy: npt.NDArray[np.float64]

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean accuracy over repetitions after each epoch tested, [epochs]."""
        return np.asarray(self.accuracy.mean(axis=0))

    @property
    def deviation(self) -> npt.NDArray[np.float64]:
        """Standard deviation over repetitions after each epoch tested, [epochs]; NaN with one repetition."""
        if len(self.accuracy) == 1:
            return np.full(self.accuracy.shape[1], np.nan)
        return np.asarray(self.accuracy.std(axis=0, ddof=1))


@dataclass(frozen=True, eq=False)
class TrainingSetStudy(show.Result):
    """What became of dropping (``drop``) or relabelling (``relabel``) examples by their rank.

    The ranking is by ``score`` in the ``score_row`` of its run; ``keep`` is the end of it that was to be
    spared, where high means neither easy nor hard. ``points`` go by policy, then by rate; at rate 0 all
    policies show the same run. ``largest_share`` is that of the most frequent class among the held-out
    examples. ``same_steps`` says whether each training had as many steps as one on all ``num_examples``.
    ``tested`` are the epochs after which accuracy was measured, every one where there are none. With
    ``every_epoch`` the table has a row for each of them. Under `MIN_GROUP` repetitions nothing is decided.
    """

    effect: Effect
    model: str
    score: str
    score_row: Row
    num_examples: int
    num_held_out: int
    largest_share: float
    epochs: int
    repetitions: int
    same_steps: bool
    balanced: bool
    other_label: bool
    points: tuple[TrainingSetPoint, ...]
    keep: Keep | None = None
    tested: tuple[int, ...] = ()
    every_epoch: bool = False

    @property
    def chance(self) -> float:
        """Accuracy of always guessing the class that most held-out examples have."""
        return self.largest_share

    @property
    def policies(self) -> list[str]:
        """Names of the policies."""
        return list(dict.fromkeys(point.policy for point in self.points))

    @property
    def rates(self) -> list[float]:
        """The rates, ascending."""
        return sorted({point.rate for point in self.points})

    def of(self, policy: str) -> list[TrainingSetPoint]:
        """The points of a policy by rate."""
        points = [point for point in self.points if point.policy == policy]
        if not points:
            raise BadInput(f"policy {policy!r}: not in this study; it has {', '.join(self.policies)}")
        return points

    def curve(self, policy: str) -> AccuracyCurve:
        """Accuracy after the last epoch by rate, for a policy."""
        points = self.of(policy)
        return AccuracyCurve(tuple(p.rate for p in points), tuple(p.accuracy[:, -1] for p in points))

    def table(self) -> pd.DataFrame:
        """A row for each policy and rate after the last epoch, or after each tested.

        ``accuracy`` is the mean over ``repetitions``, ``accuracy_sd`` their standard deviation and
        ``accuracy_se`` the standard error of the mean, all on the held-out split.
        """
        import pandas as pd

        epochs = list(enumerate(self.tested or range(1, self.epochs + 1)))[0 if self.every_epoch else -1 :]
        rows = [
            {
                "effect": self.effect,
                "policy": point.policy,
                "beta_a": point.beta[0],
                "beta_b": point.beta[1],
                "rate": point.rate,
                "num_drawn": point.num_drawn,
                "num_trained_on": point.num_trained_on,
                "num_steps": point.num_steps,
                "epochs": self.epochs,
                "epoch": epoch,
                "accuracy": point.mean[at],
                "accuracy_sd": point.deviation[at],
                "accuracy_se": point.deviation[at] / np.sqrt(self.repetitions),
                "repetitions": self.repetitions,
                "decided": self.repetitions >= MIN_GROUP,
                "chance": self.chance,
                "num_held_out": self.num_held_out,
            }
            for point in self.points
            for at, epoch in epochs
        ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Figure 4: held-out accuracy after the last epoch by rate, with standard deviations."""
        figure, axes = show.new_axes(5.2, 3.3)
        others = [policy for policy in self.policies if policy not in _STYLES]
        styles = _STYLES | {policy: _OTHERS[at % len(_OTHERS)] for at, policy in enumerate(others)}
        for at, policy in enumerate(self.policies):
            points, shift = self.of(policy), _APART * (at - (len(self.policies) - 1) / 2)
            drawn = show.Curve(
                [point.rate + (shift if point.rate else 0) for point in points],
                [point.mean[-1] for point in points],
                f"mainly {policy}" if policy in _ENDS else policy,
                *styles[policy],
                errors=[point.deviation[-1] for point in points],
            )
            show.draw_curve(axes, drawn)
        show.chance_line(axes, self.chance)
        axes.set(xlabel=f"share of training examples {_WORDS[self.effect]}", ylabel="held-out accuracy")
        axes.set_xlim(min(self.rates) - 0.03, max(self.rates) + 0.03)
        axes.set_ylim(bottom=0)
        show.legend_above(axes, 4)
        return figure

    def frames(self) -> list[show.Frame]:
        """Accuracy by rate and policy, then differences from random draws, and from one rate to the next."""
        frames = [self._accuracy()]
        curves = {policy: self.curve(policy) for policy in self.policies}
        random = curves.get(_RANDOM)
        beside = {
            f"{policy} - random": differences(curve, random)
            for policy, curve in curves.items()
            if random is not None and policy != _RANDOM
        }
        if beside and max(self.rates) > 0:
            title, better = "Accuracy beside that of random draws", "above 0 where it is better than random"
            frames.append(self._contrasts(title, " at the same rate", better, "rate", beside))
        if len(self.rates) > 1:
            title, falls = "Change of accuracy from each rate to the next", "below 0 where accuracy falls"
            changes = {policy: steps(curve) for policy, curve in curves.items()}
            frames.append(self._contrasts(title, "", falls, "from rate to rate", changes))
        return frames

    def _accuracy(self) -> show.Frame:
        table = replace(self, every_epoch=False).table()
        dropping = self.effect == "drop"
        data = table[table["policy"] == self.policies[0]].reset_index(drop=True)
        data = data.assign(relabelled=0 if dropping else data["num_drawn"])
        for policy in self.policies:
            own = table[table["policy"] == policy].reset_index(drop=True)
            data = data.assign(**{policy: own["accuracy"], f"{policy} sd": own["accuracy_sd"]})
        what = "dropped" if dropping else "given a label drawn at random"
        labels = "" if dropping else (", never their own" if self.other_label else ", which may be their own")
        order = order_of(self.score, self.keep)
        drawn = ", or ".join(order.text(policy) for policy in self.policies)
        never = " Those that no trial learned rank as the hardest." if order.score.never_learned else ""
        return show.Frame(
            f"Accuracy of {self.model} on {self.num_held_out} held-out examples after epoch {self.epochs}",
            f"A share (rate) of {self.num_examples} examples is {what}{labels}: {drawn}, {self.score_row.at} "
            f"by {order.by}"
            f"{', the same share of each class' if self.balanced else ''}.{never} Mean ± standard deviation "
            f"over {self.repetitions} repetitions{self._undecided}",
            data,
            {
                "rate": show.Column("{:g}".format),
                "num_trained_on": show.counts(title="trained on"),
                "relabelled": show.counts(),
                "num_steps": show.counts(title="steps"),
                **{policy: show.means(f"{policy} sd", decided="decided") for policy in self.policies},
                "chance": show.numbers(3),
            },
        )

    def _contrasts(
        self, title: str, where: str, meaning: str, first: str, found: Mapping[str, Mapping[Any, Contrast]]
    ) -> show.Frame:
        """Contrasts by the name of their column and the rates of their row."""
        import pandas as pd

        rates = next(iter(found.values()))
        data: dict[str, Any] = {"decided": self._decided}
        data[first] = [" to ".join(f"{rate:g}" for rate in np.atleast_1d(one)) for one in rates]
        columns = {first: show.names()}
        for name, by_row in found.items():
            values = np.array([(one.value, *one.interval) for one in by_row.values()])
            ends = f"{name} low", f"{name} high"
            data |= dict(zip((name, *ends), values.T.tolist(), strict=True))
            columns[name] = show.numbers(3, low=ends[0], high=ends[1], signed=True, decided="decided")
        note = f"Difference of the means{where}, with Student's interval, paired by repetition; {meaning}"
        return show.Frame(title, f"{note}{self._undecided}", pd.DataFrame(data), columns)

    @property
    def _decided(self) -> bool:
        return self.repetitions >= MIN_GROUP

    @property
    def _undecided(self) -> str:
        return (
            "." if self._decided else f". ? marks fewer than {MIN_GROUP} repetitions, which decide nothing."
        )
