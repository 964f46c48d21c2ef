"""``ablate`` and ``corrupt``: accuracy as easy, hard or random examples are dropped or relabelled."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias, get_args

import numpy as np

from easiness import show
from easiness.analysis import MIN_GROUP
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, pd
from easiness.paper.claims import Contrast
from easiness.paper.options import Ablated
from easiness.runs import Plan, RankedDraw, make_plan, recipe_of_run
from easiness.spec import (
    ALL,
    Draw,
    Drawing,
    Effect,
    Keep,
    Recipe,
    Recording,
    Steps,
    Training,
    at_least,
    recipe_settings,
)
from easiness.store import Row, Run
from easiness.studies.keeping import aligned, order_of, ranking, scored_data

FULL = "full"
"""Name of the run in which nothing is dropped or relabelled."""

Repeated: TypeAlias = Floats
"""The accuracy of each repetition [n]."""

_HINT = ", or draw the same share of each class (--balanced)"
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


class AccuracyCurve(dict[float, Repeated]):
    """Accuracies over repetitions by ascending rate."""

    def __missing__(self, rate: float) -> Repeated:
        tried = ", ".join(f"{one:g}" for one in self)
        raise BadInput(f"rate {rate:g}: not among the rates tried; give one of {tried}")


def contrast(terms: Iterable[tuple[float, Repeated]], level: float = 0.95) -> Contrast:
    """The sum of ``weight * mean(accuracies)`` over ``terms``, with Student's interval over repetitions.

    The sum is made for each repetition by itself. Those of the same number share their seeds, so what they
    have in common (initialization, order, nested draws) drops out of a difference; the sums of different
    repetitions are independent.
    """
    from scipy.special import stdtrit

    sums: Repeated = np.sum([weight * group for weight, group in terms], axis=0)
    num, value = len(sums), float(sums.mean())
    if num == 1:
        return Contrast(value, (math.nan, math.nan), False)
    margin = float(stdtrit(num - 1, (1 + level) / 2)) * float(sums.std(ddof=1)) / math.sqrt(num)
    return Contrast(value, (value - margin, value + margin), num >= MIN_GROUP)


def differences(a: AccuracyCurve, b: AccuracyCurve) -> dict[float, Contrast]:
    """Mean accuracy of ``a`` minus that of ``b`` by rate, at the rates above 0 that both have.

    At rate 0 nothing is changed, so that there is nothing to compare.
    """
    return {rate: contrast([(1, a[rate]), (-1, b[rate])]) for rate in a if rate > 0 and rate in b}


def steps(curve: AccuracyCurve) -> dict[tuple[float, float], Contrast]:
    """Change of the mean accuracy from each rate to the next; falling at every step: all below 0."""
    pairs = zip(curve, [*curve][1:], strict=False)
    return {(low, high): contrast([(1, curve[high]), (-1, curve[low])]) for low, high in pairs}


def breakdown(curve: AccuracyCurve, breakpoint: float, factor: float = 2) -> tuple[Contrast, Contrast]:
    """Loss of accuracy per unit of rate beyond a rate, and its excess over ``factor`` times that before.

    Losses are positive where accuracy falls. Accuracy breaks down where both are positive; the excess alone
    is positive too where accuracy rises before and goes on rising.
    """
    first, *_, last = curve
    start, middle, end = curve[first], curve[breakpoint], curve[last]
    if not first < breakpoint < last:
        raise BadInput(f"rate {breakpoint:g}: needs a rate below it and one above it to tell slopes apart")
    before, after = factor / (breakpoint - first), 1 / (last - breakpoint)
    beyond = contrast([(after, middle), (-after, end)])
    return beyond, contrast([(-before, start), (after + before, middle), (-after, end)])


class TrainingSetPoint(NamedTuple):
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
    accuracy: Floats


@dataclass(frozen=True, eq=False)
class TrainingSetStudy(show.Result):
    """Accuracies after dropping (``drop``) or relabelling (``relabel``) examples by their rank.

    The ranking is by ``score`` in the ``score_row`` of its run; ``keep`` is the end of it that was to be
    spared, where high means neither easy nor hard. ``points`` go by policy, then by rate; at rate 0 all
    policies show the same run. ``chance`` is the accuracy of always guessing the class that most held-out
    examples have. ``same_steps`` says whether each training had as many steps as one on all
    ``num_examples``. ``tested`` are the epochs after which accuracy was measured, every one where there are
    none. With ``every_epoch`` the table has a row for each of them. Under `MIN_GROUP` repetitions nothing is
    decided.
    """

    effect: Effect
    model: str
    score: str
    score_row: Row
    num_examples: int
    num_held_out: int
    chance: float
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
    def policies(self) -> list[str]:
        """Names of the policies."""
        return list(dict.fromkeys(point.policy for point in self.points))

    @property
    def rates(self) -> list[float]:
        """The rates, ascending."""
        return sorted({point.rate for point in self.points})

    def curve(self, policy: str) -> AccuracyCurve:
        """Accuracy after the last epoch by rate, for a policy."""
        if policy not in self.policies:
            raise BadInput(f"policy {policy!r}: not in this study; it has {', '.join(self.policies)}")
        return AccuracyCurve({one.rate: one.accuracy[:, -1] for one in self.points if one.policy == policy})

    def table(self) -> pd.DataFrame:
        """A row for each policy and rate after the last epoch, or after each tested.

        ``accuracy`` is the mean over ``repetitions``, ``accuracy_sd`` their standard deviation and
        ``accuracy_se`` the standard error of the mean, all on the held-out split.
        """
        epochs = list(enumerate(self.tested or range(1, self.epochs + 1)))[0 if self.every_epoch else -1 :]
        rows = []
        for point in self.points:
            mean, spread = point.accuracy.mean(axis=0), np.full(self.epochs, np.nan)
            if self.repetitions > 1:
                spread = point.accuracy.std(axis=0, ddof=1)
            rows += [
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
                    "accuracy": mean[at],
                    "accuracy_sd": spread[at],
                    "accuracy_se": spread[at] / np.sqrt(self.repetitions),
                    "repetitions": self.repetitions,
                    "decided": self._decided,
                    "chance": self.chance,
                    "num_held_out": self.num_held_out,
                }
                for at, epoch in epochs
            ]
        return pd.DataFrame(rows)

    def figure(self) -> Figure:
        """Figure 4: held-out accuracy after the last epoch by rate, with standard deviations."""
        figure, axes = show.new_axes(5.2, 3.3)
        others = [policy for policy in self.policies if policy not in _STYLES]
        styles = _STYLES | {policy: _OTHERS[at % len(_OTHERS)] for at, policy in enumerate(others)}
        rows = replace(self, every_epoch=False).table().groupby("policy", sort=False)
        for at, (name, own) in enumerate(rows):
            policy, shift = str(name), _APART * (at - (len(rows) - 1) / 2)
            drawn = show.Curve(
                own["rate"] + shift * (own["rate"] > 0),
                own["accuracy"],
                f"mainly {policy}" if policy in _ENDS else policy,
                *styles[policy],
                errors=own["accuracy_sd"],
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
        dropping, rows = self.effect == "drop", []
        for rate, same in replace(self, every_epoch=False).table().groupby("rate"):
            first = same.iloc[0]
            means = zip(same["policy"], same["accuracy"], same["accuracy_sd"], strict=True)
            rows.append(
                {
                    "rate": f"{rate:g}",
                    "trained on": int(first["num_trained_on"]),
                    "relabelled": 0 if dropping else int(first["num_drawn"]),
                    "steps": int(first["num_steps"]),
                    **{one: show.marked(show.plus_minus(*mean), self._decided) for one, *mean in means},
                    "chance": self.chance,
                }
            )
        what = "dropped" if dropping else "given a label drawn at random"
        labels = "" if dropping else (", never their own" if self.other_label else ", which may be their own")
        order = order_of(self.score, self.keep)
        drawn = ", or ".join(order.text(policy) for policy in self.policies)
        never = " Those that no trial learned rank as the hardest." if order.score.never_learned else ""
        return show.table(
            f"Accuracy of {self.model} on {self.num_held_out} held-out examples after epoch {self.epochs}",
            f"A share (rate) of {self.num_examples} examples is {what}{labels}: {drawn}, {self.score_row.at} "
            f"by {order.by}"
            f"{', the same share of each class' if self.balanced else ''}.{never} Mean ± standard deviation "
            f"over {self.repetitions} repetitions{self._undecided}",
            rows,
        )

    def _contrasts(
        self, title: str, where: str, meaning: str, first: str, found: Mapping[str, Mapping[Any, Contrast]]
    ) -> show.Frame:
        """Contrasts by the name of their column and the rates of their row."""
        rows = [
            {
                first: " to ".join(f"{rate:g}" for rate in np.atleast_1d(rates)),
                **{name: by_rates[rates] for name, by_rates in found.items()},
            }
            for rates in next(iter(found.values()))
        ]
        note = f"Difference of the means{where}, with Student's interval, paired by repetition; {meaning}"
        return show.table(title, f"{note}{self._undecided}", rows, signed=True)

    @property
    def _decided(self) -> bool:
        return self.repetitions >= MIN_GROUP

    @property
    def _undecided(self) -> str:
        return (
            "." if self._decided else f". ? marks fewer than {MIN_GROUP} repetitions, which decide nothing."
        )


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """The plans of a study: ``runs`` by their names, and ``cells`` of (policy, rate) to these names."""

    runs: Mapping[str, Plan]
    cells: Mapping[tuple[str, float], str]
    effect: Effect
    drawing: Drawing
    note: str = ""

    def read(self, runs: Mapping[str, Run]) -> TrainingSetStudy:
        """The result, from the finished runs by name; what they have beyond the plan is left out."""
        plan = next(iter(self.runs.values()))
        drawing, order = self.drawing, order_of(self.drawing.score, self.drawing.keep)
        held_out, at = plan.data.held_out, drawing.at
        assert held_out is not None
        return TrainingSetStudy(
            effect=self.effect,
            model=plan.model,
            score=order.score.name,
            score_row=Row(int(at or 0)) if at is None or at >= 1 else Row(0, at),
            num_examples=len(plan.data),
            num_held_out=len(held_out),
            chance=float(np.bincount(held_out.labels).max() / len(held_out)),
            epochs=plan.epochs,
            repetitions=plan.trials,
            same_steps=drawing.steps == "steps",
            balanced=drawing.balanced,
            other_label=drawing.other_label,
            points=tuple(
                _point(policy, order.beta(policy), rate, self.runs[name], runs[name])
                for (policy, rate), name in self.cells.items()
            ),
            keep=order.keep,
            tested=_tested(plan),
        )


def _tested(plan: Plan) -> tuple[int, ...]:
    """The epochs after which a planned training is tested."""
    return plan.request.probes[0].observed(plan.epochs)


def _point(policy: str, beta: tuple[float, float], rate: float, plan: Plan, run: Run) -> TrainingSetPoint:
    num = len(plan.data)
    a_pass = num if plan.request.same_steps else plan.num_trained_on
    trials = [trial for trial in run.trials if trial.index < plan.trials]
    return TrainingSetPoint(
        policy=policy,
        beta=beta,
        rate=rate,
        num_drawn=int(rate * num + 0.5),
        num_trained_on=plan.num_trained_on,
        num_steps=plan.epochs * plan.recipe.steps_per_epoch(a_pass),
        accuracy=np.array([trial.document.accuracy["held_out"][: len(_tested(plan))] for trial in trials]),
    )


def plan_sets(asked: Ablated) -> TrainingSets:
    """Check every choice and plan the runs of `ablate` or `corrupt`."""
    check_choices(asked.drawing)  # before the data are read
    run, drawing = asked.scores, asked.drawing
    row = run.resolve_at(drawing.at)
    data = scored_data(run, asked.data, replace(asked.loading, holdout=asked.holdout))
    values = aligned(run, ranking(run, drawing.score, drawing.at, drawing.keep), data)
    return plan_ranked(asked.effect, data, values, asked.training, replace(drawing, **run.argument(row)))


def read_sets(asked: Ablated, planned: TrainingSets, runs: Mapping[str, Run]) -> TrainingSetStudy:
    """The result of `ablate` or `corrupt`, from the finished runs."""
    return replace(planned.read(runs), every_epoch=asked.every_epoch)


def plan_ranked(
    effect: Effect,
    data: Dataset,
    values: Floats,
    training: Training,
    drawing: Drawing,
    *,
    observe: str = ALL,
) -> TrainingSets:
    """Plan the runs of a study, from the values [K] that rank the examples; writes and trains nothing.

    The score, its epoch and the end to keep say what the values are, high = easy, or not to be kept. The
    networks are trained to the end: the cosine period of the recipe is the number of epochs, if the
    recipe does not set it. ``observe`` says after which epochs they are tested. Everything else is as for
    `ablate`. The data have a held-out split.
    """
    assert data.held_out is not None
    rates, betas = check_choices(drawing)
    training = replace(training, recipe=recipe_of_run(training.recipe))
    if not isinstance(training.recipe, Recipe):
        settings = recipe_settings(training.recipe, model=data.kind.network(training.model))
        training = replace(training, recipe={"period": float(training.epochs), **settings})
    recording = Recording(observe=observe, keep_weights=False, splits=("held_out",))
    make = partial(make_plan, data, training, drawing.repetitions, recording=recording)
    plans, cells = {FULL: make()}, {}
    # the same for the same values, wherever they come from
    digest = hashlib.sha256(np.ascontiguousarray(values, "<f8").tobytes()).hexdigest()
    for beta, policy in betas.items():
        for rate in rates:
            name = cells[policy, rate] = FULL if rate == 0 else _run_name(effect, policy, rate)
            if name in plans:
                continue
            draw = Draw(
                effect=effect,
                rate=rate,
                beta=beta,
                ranking=digest,
                balanced=drawing.balanced,
                other_label=drawing.other_label,
            )
            try:
                plans[name] = make(ranked_draw=RankedDraw(draw, values, drawing.steps == "steps"))
            except BadInput as error:  # everything else was checked with the full set
                hint = "" if drawing.balanced else _HINT
                raise BadInput(f"policy {policy} at rate {rate:g}: {error}{hint}") from None
    if 0 not in rates:
        del plans[FULL]
    return TrainingSets(plans, cells, effect, drawing)


def check_choices(drawing: Drawing) -> tuple[list[float], dict[tuple[float, float], str]]:
    """The rates, ascending, and the names of the policies by their Beta parameters."""
    order = order_of(drawing.score, drawing.keep)
    rates = sorted({float(rate) for rate in drawing.rates})
    if not rates:
        raise BadInput("rates: none given; give shares of the examples such as 0, 0.3, 0.6")
    for rate in rates:
        if not 0 <= rate < 1:
            raise BadInput(f"rate {rate:g}: not in [0, 1); give a share of the examples such as 0.3")
    named = order.policies if drawing.policies is None else drawing.policies
    betas = {beta: order.name(beta) for beta in map(order.beta, named)}
    if not betas:
        raise BadInput(f"policies: none given; choose from {', '.join(order.policies)} or beta:A,B")
    at_least("--repetitions", drawing.repetitions, 1)
    if drawing.steps not in get_args(Steps):
        raise BadInput(f"steps {drawing.steps!r}: unknown; choose {' or '.join(get_args(Steps))}")
    return rates, betas


def _run_name(effect: Effect, policy: str, rate: float) -> str:
    shown = f"{rate:.2f}" if float(f"{rate:.2f}") == rate else repr(rate)
    return f"{effect}-{policy.replace(':', '-').replace(',', '-')}-{shown}"
