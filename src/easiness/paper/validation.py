"""``validate``: how easy validation examples are, and whether networks that never saw them get them right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import MIN_GROUP, Votes, num_selected, select, tie_mass
from easiness.data import Dataset, merge_splits
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.models import model_name
from easiness.paper.options import ValidationOptions
from easiness.runs import Plan, given_data, make_plan, recipe_of_run
from easiness.scoring import easiness_interval
from easiness.spec import ALL, Recipe, RecipeGiven, Recording, Training, recipe_settings
from easiness.store import Run

HARDEST = (0.1, 0.25, 0.5)
"""Shares of the validation examples in which the misclassified ones are looked for."""

_CURVE, _HARDEST = "curve", "misclassified in the hardest"
_REPLICATES, _AT_ONCE = 1000, 50
_FEWEST = 5  # of which a tenth, rounded, is one


@dataclass(frozen=True)
class Validation(show.Result):
    """Right answers by easiness after ``epoch`` epochs, and where the wrong ones lie.

    ``rows`` has views on easiness from the trials of each network and of all together (``easiness_of`` is
    then ``all``), the first model's first. The part ``curve`` of a view has the validation examples by how
    many trials are right about them, ``easiness`` on the scale of Eq. 1, and as ``value`` the mean share of
    final models that are right, with the 95 % Jeffreys interval as if all final models agreed on each
    example, so wide rather than narrow. The other part has the share of the misclassified, pairs of an
    example and a final model that is wrong about it, that lies in the hardest ``fraction``, ties refined by
    the mean probability of the label; NaN where nothing is misclassified. The interval is the 95 % bootstrap
    interval over examples, that set taken as it is. ``expected`` is the share where tied examples belong in
    part, ``most`` what no ranking could exceed.

    ``final`` are accuracies [n] of the networks trained for ``final_epoch`` epochs, by name, and
    ``num_wrong`` the number of the misclassified.
    """

    rows: pd.DataFrame
    final: Mapping[str, Floats]
    epoch: int
    final_epoch: int
    num_train: int
    num_validation: int
    num_classes: int
    num_wrong: int

    @property
    def num_final(self) -> int:
        return sum(map(len, self.final.values()))

    @property
    def is_decided(self) -> bool:
        return bool(self.rows["trials"].iloc[0] >= MIN_GROUP)

    def hardest(self, fraction: float) -> pd.Series[Any]:
        """The row of a share of the hardest, for the first model's easiness."""
        return self.rows[self.rows["fraction"] == fraction].iloc[0]

    def table(self) -> pd.DataFrame:
        return self.rows

    def figure(self) -> Figure:
        """Figure 5 for the first model's easiness: the binned curve, and how many examples each bin has."""
        curve = self.rows[self.rows["part"] == _CURVE]
        curve = curve[curve["easiness_of"] == curve["easiness_of"].iloc[0]]
        figure, (above, below) = show.new_panels(5.2, 3.8, 2, 1, sharex=True, height_ratios=(3, 1))
        counts, right = curve["trials_right"].to_numpy(), curve["value"].to_numpy()
        reach = [right - curve["low"], curve["high"] - right]
        show.draw_curve(above, show.Curve(counts, right, color=show.EASY, errors=reach))
        show.chance_line(above, 1 / self.num_classes)
        above.set(ylim=(0, 1.02), ylabel="share of final models\nthat are right")
        below.bar(counts, curve["examples"], 0.82, color=show.FAINT)
        trials = curve["trials"].iloc[0]
        below.set(
            xlabel=f"number of trials, of {trials}, that are right",
            ylabel="examples",
            xlim=(-0.6, trials + 0.6),
        )
        show.whole_ticks(below)
        figure.align_ylabels()
        return figure

    def frames(self) -> list[show.Frame]:
        accuracies = [
            {
                "network": name,
                "models": len(accuracy),
                "accuracy": float(accuracy.mean()),
                "± sd": float(accuracy.std(ddof=1)) if len(accuracy) > 1 else math.nan,
                "chance": 1 / self.num_classes,
            }
            for name, accuracy in self.final.items()
        ]
        final = show.table(
            f"Final models after {self.final_epoch} epochs",
            f"Trained on {self.num_train} examples, asked about the {self.num_validation} validation "
            "examples that they never saw.",
            accuracies,
        )
        curves = self.rows[self.rows["part"] == _CURVE].groupby("easiness_of", sort=False)
        return [final, self._hardest(), *(self._curve(str(name), one) for name, one in curves)]

    def _hardest(self) -> show.Frame:
        rows = self.rows[self.rows["part"] == _HARDEST]
        return show.Frame(
            "Where the misclassified validation examples lie",
            f"Share of the {self.num_wrong} mistakes, each of a final model about a validation example. "
            f"Easiness after {self.epoch} epochs on training and validation examples merged; ties refined, "
            "or counted in part. At most: what the best ranking could reach. Intervals: a bootstrap over "
            f"examples. ? marks fewer than {MIN_GROUP} trials, which decide nothing."
            f"{'' if self.num_wrong else ' No final model is wrong.'}",
            rows.assign(decided=rows["trials"] >= MIN_GROUP),
            {
                "easiness_of": show.names(title="easiness of"),
                "trials": show.counts(),
                "fraction": show.Column(show.chosen_percent, title="hardest"),
                "examples": show.counts(),
                "value": show.numbers(
                    2, title="of the misclassified", low="low", high="high", decisive="decided"
                ),
                "chance": show.numbers(2),
                "most": show.numbers(2, title="at most"),
                "expected": show.numbers(2, title="ties in part"),
                "tie_mass": show.numbers(2, title="tie mass"),
            },
        )

    def _curve(self, name: str, rows: pd.DataFrame) -> show.Frame:
        return show.Frame(
            f"Validation examples by easiness, of {'all networks together' if name == 'all' else name}",
            f"Mean share of {self.num_final} final models that are right, by how many of "
            f"{rows['trials'].iloc[0]} trials are. Chance is {1 / self.num_classes:.3f}. Jeffreys intervals "
            "over examples.",
            rows,
            {
                "trials_right": show.counts(title="trials right"),
                "easiness": show.numbers(2),
                "examples": show.counts(),
                "value": show.numbers(3, title="final models right", low="low", high="high"),
            },
        )


@dataclass(frozen=True)
class Trainings:
    """Networks to train, how often each, for how many epochs, and how.

    ``recipe`` is that of all unless given; ``observe`` says after which epochs they are looked at.
    """

    models: tuple[str, ...]
    trials: int
    epochs: int
    recipe: RecipeGiven = None
    observe: str = ALL

    def __post_init__(self) -> None:
        if not self.models:
            raise BadInput("model: none was given; name at least one")
        if len(set(self.models)) < len(self.models):
            raise BadInput(f"models {', '.join(self.models)}: one is named twice; use more trials instead")


@dataclass(frozen=True)
class ValidationPlans:
    """The runs of a validation by the name of their folder: on merged splits, and the final models'."""

    joint: dict[str, Plan]
    final: dict[str, Plan]
    note: str = ""

    @property
    def runs(self) -> dict[str, Plan]:
        return {**self.joint, **self.final}

    def read(self, runs: Mapping[str, Run]) -> Validation:
        epoch, final_epoch = (next(iter(own.values())).epochs for own in (self.joint, self.final))
        right = {
            runs[name].model: runs[name].votes(final_epoch, split="held_out").correct for name in self.final
        }
        every = np.concatenate([*right.values()])
        num_final, num = every.shape
        (run, *_), wrong = (runs[name] for name in self.final), (~every).sum(axis=0)
        views = {runs[name].model: runs[name].votes(epoch) for name in self.joint}
        if len(views) > 1:
            views["all"] = _together([*views.values()])
        chance = 1 / len(run.classes)
        rows = pd.concat(
            [easiness_view(name, one, wrong, num_final, chance) for name, one in views.items()],
            ignore_index=True,
        )
        at = list(rows.columns).index("trials") + 1
        for name, value in {"final_epoch": final_epoch, "final_models": num_final, "epoch": epoch}.items():
            rows.insert(at, name, value)
        return Validation(
            rows=rows,
            final={name: one.mean(axis=1) for name, one in right.items()},
            epoch=epoch,
            final_epoch=final_epoch,
            num_train=len(run.ids),
            num_validation=num,
            num_classes=len(run.classes),
            num_wrong=int(wrong.sum()),
        )


def plan(options: ValidationOptions) -> ValidationPlans:
    """Check every choice and plan the runs of `validate`; the final ones have the next seed."""
    final = options.models if options.final_models is None else options.final_models
    return plan_validation(
        given_data(options.data, options.loading),
        options.training,
        Trainings(tuple(map(model_name, options.models)), options.trials, options.epochs),
        Trainings(tuple(map(model_name, final)), options.final_trials, options.final_epochs),
    )


def validate(_: ValidationOptions, plans: ValidationPlans, runs: Mapping[str, Run]) -> Validation:
    """Section 7.1 and Figure 5 of the paper: the easiness of held-out examples, and who gets them right."""
    return plans.read(runs)


def plan_validation(data: Dataset, training: Training, joint: Trainings, final: Trainings) -> ValidationPlans:
    """Check every choice and plan the runs of `validate`; writes and trains nothing.

    ``training`` says how the networks of both kinds are trained; their names, number and length, and what
    either has for itself, are in ``joint`` and ``final``.
    """
    together = merge_splits(data)
    num = len(together) - len(data)
    if num < _FEWEST:
        raise BadInput(f"{data.name}: {num} validation examples are too few; hold out at least {_FEWEST}")

    def plans(kind: str, of: Trainings, data: Dataset, seed: int, recording: Recording) -> dict[str, Plan]:
        by_folder = {}
        for name in of.models:
            recipe = of.recipe or training.recipe
            if kind == "final":
                recipe = _to_the_end(recipe, of.epochs, name)
            own = replace(training, model=name, epochs=of.epochs, recipe=recipe, seed=seed)
            folder = f"{kind}-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
            by_folder[folder] = make_plan(data, own, of.trials, recording=recording)
        return by_folder

    on_all = Recording(observe=joint.observe, splits=("train",), keep_weights=False)
    held_out = Recording(observe=final.observe, splits=("held_out",))
    return ValidationPlans(
        plans("merged", joint, together, training.seed, on_all),
        plans("final", final, data, training.seed + 1, held_out),
    )


def _to_the_end(recipe: RecipeGiven, epochs: int, model: str) -> Recipe | dict[str, Any]:
    """The recipe with the length of the training as its cosine period."""
    period, recipe = {"period": float(epochs)}, recipe_of_run(recipe)
    if isinstance(recipe, Recipe):
        return recipe.model_copy(update=period)
    return {**recipe_settings(recipe, model=model), **period}


def _together(views: Sequence[Votes]) -> Votes:
    correct, p_label = (np.concatenate([getattr(one, of) for one in views]) for of in ("correct", "p_label"))
    return replace(views[0], correct=correct, p_label=p_label, trials=None, is_rounded=True)


def easiness_view(name: str, votes: Votes, wrong: Integers, num_final: int, chance: float) -> pd.DataFrame:
    """Rows on ``wrong`` [V], how many of ``num_final`` models are wrong, by the easiness that votes give.

    The last V of the merged examples are the validation examples.
    """
    num = len(wrong)
    every = votes.num_right.astype(np.int64)
    counts, p_label, keys = (one[-num:] for one in (every, votes.mean_p_label, votes.keys))
    share_right = 1 - wrong / num_final
    columns = ["part", "easiness_of", "trials", "trials_right", "easiness", "fraction", "examples", "value"]
    columns += ["low", "high", "chance", "expected", "most", "tie_mass"]
    rows: list[dict[str, Any]] = []
    for count in np.unique(counts).tolist():
        inside = share_right[counts == count]
        low, high = easiness_interval(min(inside.sum(), len(inside)), len(inside), len(inside))
        rows.append(
            {"part": _CURVE, "trials_right": count, "easiness": count / every.max(), "chance": chance}
        )
        rows[-1] |= {"examples": len(inside), "value": inside.mean(), "low": float(low), "high": float(high)}
    hardest = np.array([select(counts, f, "hard", "refine", p_label, keys) for f in HARDEST])
    total = float(wrong.sum()) or math.nan
    for fraction, members, ends in zip(HARDEST, hardest, _intervals(hardest * wrong, wrong), strict=True):
        k = num_selected(num, fraction)
        rows.append({"part": _HARDEST, "fraction": fraction, "examples": k, "chance": fraction})
        rows[-1] |= {
            "value": float(members @ wrong) / total,
            "low": ends[0],
            "high": ends[1],
            "expected": float(select(counts, fraction, "hard") @ wrong) / total,
            "most": float(np.sort(wrong)[::-1][:k].sum()) / total,
            "tie_mass": tie_mass(counts, fraction, "hard"),
        }
    return pd.DataFrame(rows).assign(easiness_of=name, trials=votes.num_trials)[columns]


def _intervals(parts: Floats, whole: Integers) -> list[tuple[float, float]]:
    """95 % bootstrap intervals of the sums of each of ``parts`` [F, V] over that of ``whole`` [V]."""
    rng = np.random.default_rng(0)
    num = len(whole)
    shares = []
    for _ in range(0, _REPLICATES, _AT_ONCE):
        draws = rng.multinomial(num, np.full(num, 1 / num), size=_AT_ONCE)
        sums = draws @ whole
        shares.append((draws @ parts.T)[sums > 0] / sums[sums > 0, None])
    every = np.concatenate(shares)
    if not len(every):
        return [(math.nan, math.nan)] * len(parts)
    return [(float(low), float(high)) for low, high in np.quantile(every, [0.025, 0.975], axis=0).T]
