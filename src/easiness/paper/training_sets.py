"""``ablate`` and ``corrupt``: accuracy as easy, hard or random examples are dropped or relabelled."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast, get_args

import numpy as np

from easiness import show, spec
from easiness.analysis import MIN_GROUP
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, pd, special
from easiness.paper.claims import Contrast
from easiness.paper.options import AblationOptions
from easiness.runs import Plan, RankedDraw, make_plan, recipe_of_run
from easiness.store import Row, Run
from easiness.studies.keeping import align, order_of, ranking, scored_data

FULL = "full"
"""Name of the run in which nothing is dropped or relabelled."""

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
_LAST_COLUMNS = ["repetitions", "decided"]
_APART = 0.007  # in rate, so that error bars do not hide each other

AccuracyCurve = dict[float, Floats]
"""Accuracies [n] over repetitions by ascending rate."""


def contrast(terms: Iterable[tuple[float, Floats]]) -> Contrast:
    """The sum of ``weight * mean(accuracies)`` over ``terms``, with Student's interval over repetitions.

    The sum is made for each repetition by itself. Repetitions of one number share their seeds, so their
    common initialization, order and nested draws drop out of a difference; the sums of different repetitions
    are independent.
    """
    sums: Floats = np.sum([weight * group for weight, group in terms], axis=0)
    num, value = len(sums), float(sums.mean())
    if num == 1:
        return Contrast(value, (math.nan, math.nan), False)
    margin = float(special.stdtrit(num - 1, 0.975)) * float(sums.std(ddof=1)) / math.sqrt(num)
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
    before, after = factor / (breakpoint - first), 1 / (last - breakpoint)
    beyond = contrast([(after, middle), (-after, end)])
    return beyond, contrast([(-before, start), (after + before, middle), (-after, end)])


@dataclass(frozen=True, eq=False)
class TrainingSetStudy(show.Result):
    """Accuracies after dropping (``drop``) or relabelling (``relabel``) examples as ``drawing`` says.

    ``rows`` go by policy, then by rate, then by the epochs after which accuracy on the held-out split was
    measured: the mean over ``repetitions``, their standard deviation ``accuracy_sd`` and the standard error
    of the mean, ``accuracy_se``. ``beta_a`` and ``beta_b`` are the parameters of the density over ranks that
    examples are drawn with. ``chance`` is the accuracy of always guessing the class that most held-out
    examples have. ``curves`` are accuracies after the last epoch by policy and rate; at rate 0 all policies
    show the same run. With ``every_epoch`` the table has all rows, else those of the last epoch. Under
    `MIN_GROUP` repetitions nothing is decided.
    """

    rows: pd.DataFrame
    curves: Mapping[str, AccuracyCurve]
    model: str
    drawing: spec.Drawing
    num_examples: int
    every_epoch: bool = False

    @property
    def last(self) -> pd.DataFrame:
        """The rows after the last epoch."""
        rows: pd.DataFrame = self.rows[self.rows["epoch"] == self.rows["epoch"].max()]
        return rows.reset_index(drop=True)

    @property
    def effect(self) -> spec.Effect:
        return cast(spec.Effect, self.rows["effect"].iloc[0])

    @property
    def repetitions(self) -> int:
        return self.drawing.repetitions

    @property
    def epochs(self) -> int:
        return int(self.rows["epochs"].iloc[0])

    @property
    def chance(self) -> float:
        return float(self.rows["chance"].iloc[0])

    @property
    def rates(self) -> list[float]:
        return sorted(next(iter(self.curves.values())))

    def table(self) -> pd.DataFrame:
        """A row for each policy and rate after the last epoch, or after each tested."""
        return self.rows if self.every_epoch else self.last

    def figure(self) -> Figure:
        others = [policy for policy in self.curves if policy not in _STYLES]
        styles = _STYLES | {policy: _OTHERS[at % len(_OTHERS)] for at, policy in enumerate(others)}
        rows, curves = self.last.groupby("policy", sort=False), []
        for at, (policy, own) in enumerate((str(policy), own) for policy, own in rows):
            x = own["rate"] + _APART * (at - (len(rows) - 1) / 2) * (own["rate"] > 0)
            name, errors = f"mainly {policy}" if policy in _ENDS else policy, own["accuracy_sd"]
            curves.append(show.Curve(x, own["accuracy"], name, *styles[policy], errors=errors))
        share = f"share of training examples {_WORDS[self.effect]}"
        figure = show.curves({"": curves}, (5.2, 3.3), x=share, y="held-out accuracy", columns=4)
        (axes,) = figure.axes
        show.chance_line(axes, self.chance)
        axes.set_xlim(min(self.rates) - 0.03, max(self.rates) + 0.03)
        axes.set_ylim(bottom=0)
        return figure

    def frames(self) -> list[show.Frame]:
        frames = [self._accuracy()]
        others = {f"{policy} - random": one for policy, one in self.curves.items() if policy != _RANDOM}
        if _RANDOM in self.curves and others and max(self.rates) > 0:
            title, better = "Accuracy beside that of random draws", "above 0 where it is better than random"
            by_policy = {name: differences(one, self.curves[_RANDOM]) for name, one in others.items()}
            frames.append(self._contrasts(title, " at the same rate", better, "rate", by_policy))
        if len(self.rates) > 1:
            title, falls = "Change of accuracy from each rate to the next", "below 0 where accuracy falls"
            changes = {policy: steps(curve) for policy, curve in self.curves.items()}
            frames.append(self._contrasts(title, "", falls, "from rate to rate", changes))
        return frames

    def _accuracy(self) -> show.Frame:
        dropping, rows, drawing = self.effect == "drop", [], self.drawing
        num = self.rows["num_held_out"].iloc[0]
        for rate, same in self.last.groupby("rate"):
            first = same.iloc[0]
            means = zip(same["policy"], same["accuracy"], same["accuracy_sd"], strict=True)
            rows.append(
                {
                    "rate": f"{rate:g}",
                    "trained on": int(first["num_trained_on"]),
                    "relabelled": 0 if dropping else int(first["num_drawn"]),
                    "steps": int(first["num_steps"]),
                    **{one: show.with_mark(show.plus_minus(*mean), self._is_decided) for one, *mean in means},
                    "chance": self.chance,
                }
            )
        what = "dropped" if dropping else "given a label drawn at random"
        labels = (
            "" if dropping else (", never their own" if drawing.other_label else ", which may be their own")
        )
        order, at = order_of(drawing.score, drawing.keep), drawing.at
        row = Row(int(at or 0)) if at is None or at >= 1 else Row(0, at)
        policies = ", or ".join(order.text(policy) for policy in self.curves)
        never = " Examples that no trial learned rank as the hardest." if order.score.never_learned else ""
        return show.table(
            f"Accuracy of {self.model} on {num} held-out examples after epoch {self.epochs}",
            f"A share (rate) of {self.num_examples} examples is {what}{labels}: {policies}, {row.at} "
            f"by {order.by}"
            f"{', the same share of each class' if drawing.balanced else ''}.{never} Mean ± standard "
            f"deviation over {self.repetitions} repetitions{self._mark}",
            rows,
        )

    def _contrasts(
        self,
        title: str,
        where: str,
        meaning: str,
        first: str,
        contrasts: Mapping[str, Mapping[Any, Contrast]],
    ) -> show.Frame:
        rows = [
            {
                first: " to ".join(f"{rate:g}" for rate in np.atleast_1d(rates)),
                **{name: by_rates[rates] for name, by_rates in contrasts.items()},
            }
            for rates in next(iter(contrasts.values()))
        ]
        note = f"Difference of the means{where}, with Student's interval, paired by repetition; {meaning}"
        return show.table(title, f"{note}{self._mark}", rows, with_sign=True)

    @property
    def _is_decided(self) -> bool:
        return self.repetitions >= MIN_GROUP

    @property
    def _mark(self) -> str:
        few = f". ? marks fewer than {MIN_GROUP} repetitions, which decide nothing."
        return "." if self._is_decided else few


@dataclass(frozen=True, eq=False)
class TrainingSets:
    """The plans of a study: ``runs`` by their names, and ``cells`` of (policy, rate) to these names."""

    runs: Mapping[str, Plan]
    cells: Mapping[tuple[str, float], str]
    effect: spec.Effect
    drawing: spec.Drawing
    note: str = ""

    def read(self, runs: Mapping[str, Run]) -> TrainingSetStudy:
        """The result, from the finished runs by name; what they have beyond the plan is left out."""
        first = next(iter(self.runs.values()))
        held_out, test_epochs = first.data.held_out, first.request.probes[0].observed(first.epochs)
        assert held_out is not None
        order, tables, num = order_of(self.drawing.score, self.drawing.keep), [], len(first.data)
        curves: dict[str, AccuracyCurve] = {}
        for (policy, rate), name in self.cells.items():
            plan, (beta_a, beta_b) = self.runs[name], order.beta(policy)
            trials = [trial.document for trial in runs[name].trials if trial.index < plan.trials]
            accuracy = np.array([one.accuracy["held_out"][: len(test_epochs)] for one in trials])
            curves.setdefault(policy, {})[rate] = accuracy[:, -1]
            a_pass = num if plan.request.same_steps else plan.num_trained_on
            about = {
                "effect": self.effect,
                "policy": policy,
                "beta_a": beta_a,
                "beta_b": beta_b,
                "rate": rate,
                "num_drawn": int(rate * num + 0.5),
                "num_trained_on": plan.num_trained_on,
                "num_steps": plan.epochs * plan.recipe.steps_per_epoch(a_pass),
                "epochs": plan.epochs,
            }
            tables.append(accuracy_rows(about, test_epochs, accuracy))
        guess = float(np.bincount(held_out.labels).max() / len(held_out))
        rows = pd.concat(tables, ignore_index=True).assign(chance=guess, num_held_out=len(held_out))
        return TrainingSetStudy(rows, curves, first.model, self.drawing, num)


def accuracy_rows(about: Mapping[str, Any], epochs: Sequence[int], accuracy: Floats) -> pd.DataFrame:
    """Rows ``about`` accuracies [repetitions, epochs] on the held-out split, one for each epoch."""
    num, spread = len(accuracy), np.full(len(epochs), np.nan)
    if num > 1:
        spread = accuracy.std(axis=0, ddof=1)
    columns = {"epoch": epochs, "accuracy": accuracy.mean(axis=0), "accuracy_sd": spread}
    rows = pd.DataFrame(columns | {"accuracy_se": spread / math.sqrt(num)})
    return rows.assign(**about, repetitions=num, decided=num >= MIN_GROUP)[[*about, *rows, *_LAST_COLUMNS]]


def plan_sets(options: AblationOptions) -> TrainingSets:
    check_choices(options.drawing)  # before the data are read
    run, drawing = options.scores, options.drawing
    row = run.resolve_at(drawing.at)
    data = scored_data(run, options.data, replace(options.loading, holdout=options.holdout))
    values = align(run, ranking(run, drawing.score, drawing.at, drawing.keep), data)
    return plan_ranked(options.effect, data, values, options.training, replace(drawing, **run.argument(row)))


def read_sets(options: AblationOptions, sets: TrainingSets, runs: Mapping[str, Run]) -> TrainingSetStudy:
    """The result of `ablate` or `corrupt`, from the finished runs."""
    return replace(sets.read(runs), every_epoch=options.every_epoch)


def plan_ranked(
    effect: spec.Effect,
    data: Dataset,
    values: Floats,
    training: spec.Training,
    drawing: spec.Drawing,
    *,
    observe: str = spec.ALL,
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
    if not isinstance(training.recipe, spec.Recipe):
        settings = spec.recipe_settings(training.recipe, model=data.kind.network(training.model))
        training = replace(training, recipe={"period": float(training.epochs), **settings})
    recording = spec.Recording(observe=observe, keep_weights=False, splits=("held_out",))
    make = partial(make_plan, data, training, drawing.repetitions, recording=recording)
    plans, cells = {FULL: make()}, {}
    # the same for the same values, wherever they come from
    digest = hashlib.sha256(np.ascontiguousarray(values, "<f8").tobytes()).hexdigest()
    for beta, policy in betas.items():
        for rate in rates:
            name = cells[policy, rate] = FULL if rate == 0 else _run_name(effect, policy, rate)
            if name in plans:
                continue
            draw = spec.Draw(
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


def check_choices(drawing: spec.Drawing) -> tuple[list[float], dict[tuple[float, float], str]]:
    """The rates, ascending, and the names of the policies by their Beta parameters."""
    order = order_of(drawing.score, drawing.keep)
    rates = sorted({float(rate) for rate in drawing.rates})
    if not rates:
        raise BadInput("rates: none given; give shares of the examples such as 0, 0.3, 0.6")
    for rate in rates:
        if not 0 <= rate < 1:
            raise BadInput(f"rate {rate:g}: not in [0, 1); give a share of the examples such as 0.3")
    betas = map(order.beta, order.policies if drawing.policies is None else drawing.policies)
    names = {beta: order.name(beta) for beta in betas}
    if not names:
        raise BadInput(f"policies: none given; choose from {', '.join(order.policies)} or beta:A,B")
    spec.at_least("--repetitions", drawing.repetitions, 1)
    if drawing.steps not in get_args(spec.Steps):
        raise BadInput(f"steps {drawing.steps!r}: unknown; choose {' or '.join(get_args(spec.Steps))}")
    return rates, names


def _run_name(effect: spec.Effect, policy: str, rate: float) -> str:
    number = f"{rate:.2f}" if float(f"{rate:.2f}") == rate else repr(rate)
    return f"{effect}-{policy.replace(':', '-').replace(',', '-')}-{number}"
