"""``verify``: what other labels are worth, by paired networks on those before and after."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import POLICIES, Gain, paired_gain
from easiness.data import Dataset, apply_labels, new_labels
from easiness.errors import BadInput
from easiness.heads import Deal, join_with_near
from easiness.lazy import Figure, Integers, Mask, pd
from easiness.runs import Plan, check_rotates, given_data, missing_by_run, on_features, plan_of, with_recipe
from easiness.spec import ALL, LAST, SHARES, Draw, Loading, Recipe, Recording, Split, recipe_settings
from easiness.store import Row, Run
from easiness.studies.suspects import find_conflicts
from easiness.studies.verification.options import VerifyOptions

Right = Mapping[str, Mask]
"""Is each trial right about each test example [trials, n], by run; masked where it has seen it."""

BEFORE, AFTER = "before", "after"
BESIDE = {"random": "as many at random", "rs2": "others in every epoch (RS2)"}
"""Names of the runs; of those beside both with a title."""

_VERBS = ("relabelling", "dropping", "taking back")
_FEWEST = 20  # examples that nobody decided, to test on
_RULE = (
    "No label was looked at and kept. If a rule made these labels, they follow what was learned of the very "
    "examples tested, and the gain is too high. Then hold some out from the start: measure --holdout 0.2, "
    "make the labels from that run, and verify --holdout 0.2."
)
_NOT_SHOWN = (
    "No difference here does not mean that the decisions are wrong: {changed} of {num} labels hardly move "
    "what is learned of the others. Whether labels are right is what `easiness audit` says."
)


@dataclass(frozen=True, eq=False)
class Verification(show.Result):
    """Which trials of ``model`` are right about which test examples, on labels before and after.

    Trials before saw all ``num_examples`` with the labels of the source, or of a file; trials after the
    ``changes``: numbers of labels ``relabelled``, ``dropped``, and ``taken_back`` that the file before had
    dropped. Trials of one index have the same seeds. All are read at ``row``. Without a split ``held_out``,
    ``right`` is about examples that nobody decided. Nobody ``has_kept`` a label where these may come from a
    rule.
    """

    model: str
    row: Row
    num_examples: int
    changes: Mapping[str, int]
    right: Right = field(repr=False)
    held_out: bool = True
    has_kept: bool = True

    @cached_property
    def accuracies(self) -> pd.DataFrame:
        """Accuracy of each trial (row) in each run (column); NaN for one that is tested on nothing."""
        means = {name: one.mean(axis=1) for name, one in self.right.items()}
        return pd.DataFrame({name: np.ma.filled(one, np.nan) for name, one in means.items()})

    @cached_property
    def gain(self) -> Gain:
        """The mean difference, with an interval over trials and held-out examples."""
        return paired_gain(self.right[BEFORE], self.right[AFTER])

    @property
    def num_held_out(self) -> int:
        """The number of the examples tested."""
        return int(self.right[BEFORE].shape[1])

    @cached_property
    def headline(self) -> str:
        """``relabelling 812 and dropping 301 of 10,000 gains 2.1 points (1.4 to 2.8)``."""
        numbers = zip(_VERBS, self.changes.values(), strict=True)
        changes = show.enumeration([f"{verb} {num:,}" for verb, num in numbers if num])
        where = "" if self.held_out else f" on {self._test_text}"
        beside = "".join(
            f"; beside {BESIDE[name]} it {effect_text(paired_gain(own, self.right[AFTER]))}"
            for name, own in self.right.items()
            if name in BESIDE
        )
        return f"{changes} of {self.num_examples:,} {effect_text(self.gain)}{where}{beside}"

    @property
    def _test_text(self) -> str:
        of = "held-out examples" if self.held_out else "examples that nobody decided"
        return f"{self.num_held_out:,} {of}"

    def table(self) -> pd.DataFrame:
        """A row a trial: its accuracies before and after, and its ``gain``, all in 0..1 or -1..1.

        ``gain_mean`` with ``gain_low`` and ``gain_high``, its 95 % interval, is over all trials.
        """
        low, high = self.gain.interval
        row = {"epochs" if self.row.share is None else "share": self.row.value}
        constants: dict[str, Any] = {"gain_mean": self.gain.value, "gain_low": low, "gain_high": high}
        constants |= {"model": self.model, **row}
        constants |= {f"num_{name}": num for name, num in self.changes.items()}
        constants |= {name: getattr(self, name) for name in ("num_examples", "num_held_out")}
        by_trial = self.accuracies.add_prefix("accuracy_")
        by_trial.insert(0, "trial", by_trial.index)
        return by_trial.assign(gain=self.accuracies[AFTER] - self.accuracies[BEFORE], **constants)

    def figure(self) -> Figure:
        """The gain of each trial in points of accuracy, above their mean with its 95 % interval if any."""
        return show.dots_and_mean(
            100 * self.table()["gain"].to_numpy(),
            (100 * self.gain.value, *(100 * end for end in self.gain.interval)),
            f"gain in accuracy on {self._test_text} (points)",
        )

    def frames(self) -> list[show.Frame]:
        columns = {
            "trial": show.counts(),
            "accuracy_before": show.numbers(title="before"),
            "accuracy_after": show.numbers(title="after"),
            "gain": show.numbers(with_sign=True),
        }
        trials = show.Frame("By trial", "Accuracy of each trial with both labels.", self.table(), columns)
        return [self._accuracies(), trials]

    def _accuracies(self) -> show.Frame:
        changes, names = self.changes, list(self.right)
        left = self.num_examples - changes["dropped"] + changes["taken_back"]
        data = pd.DataFrame({"accuracy": self.accuracies.mean(), "± sd": self.accuracies.std()})
        data["labels"] = [BESIDE.get(name, name) for name in names]
        data["trained on"] = [self.num_examples if name == BEFORE else left for name in names]
        not_shown = _NOT_SHOWN.format(
            changed=show.count(sum(changes.values())), num=show.count(self.num_examples)
        )
        notices = (
            "" if self.has_kept else _RULE,
            "" if self.held_out or self.gain.excludes_zero else not_shown,
        )
        columns = {"labels": show.names(), "trained on": show.counts()}
        columns |= {name: show.numbers() for name in ("accuracy", "± sd")}
        if len(self.right) > 2:
            gains = [paired_gain(self.right[BEFORE], self.right[name]) for name in names[1:]]
            ends = [(math.nan,) * 3, *((gain.value, *gain.interval) for gain in gains)]
            data[["over before", "low", "high"]] = ends
            columns["over before"] = show.points(low="low", high="high")
        return show.Frame(
            f"Accuracy of {self.model} on {self._test_text} {self.row.at}",
            f"{show.sentence_case(self.headline)}. Mean ± standard deviation over pairs of trials with the "
            "same seeds; the 95 % interval is for other trials and other tested examples. Their labels are "
            "taken as they "
            f"are.{'' if self.held_out else ' Each trial leaves a part out and is tested on it.'}",
            data,
            columns,
            tuple(filter(None, notices)),
        )


def effect_text(gain: Gain) -> str:
    """``gains 2.1 points (1.4 to 2.8)``."""
    low, high = (100 * end for end in gain.interval)
    value = 100 * gain.value
    if math.isnan(low):
        return f"changes accuracy by {value:+.1f} points in one trial, which shows nothing"
    if not gain.excludes_zero:
        return (
            f"shows no difference: {value:+.1f} points ({show.interval_text(low, high, 1, with_sign=True)})"
        )
    verb, (near, far) = ("gains", (low, high)) if value > 0 else ("loses", (-high, -low))
    end = f"{near:.1f}"
    return f"{verb} {abs(value):.1f} points ({'just over 0' if float(end) == 0 else end} to {far:.1f})"


@dataclass(frozen=True, eq=False)
class Verifications:
    """The plans of the ``runs`` by name, on the ``labels`` before and after [K], -1 where one is left out.

    Where no split is held out, trials are tested on what they leave out, but for those that ``has_decision``
    [K].
    """

    runs: Mapping[str, Plan]
    labels: tuple[Integers, Integers]
    has_decision: Mask | None = None

    @property
    def note(self) -> str:
        """The examples that all are tested on."""
        if self.has_decision is None:
            return "all are tested on the held-out split"
        num = show.quantity(int((~self.has_decision).sum()), "example")
        return f"each is tested on what it leaves out of {num} that nobody decided"


def verify(options: VerifyOptions, plans: Verifications, runs: Mapping[str, Run]) -> Verification:  # noqa: ARG001
    """The gain of the new labels, from the finished runs by name; trials beyond the plan are left out."""
    first, (old, new), has_decision = plans.runs[BEFORE], plans.labels, plans.has_decision
    heads = first.request.heads
    return Verification(
        model=first.model,
        row=Row(first.epochs, None if heads is None else heads.shares[-1]),
        num_examples=int((old >= 0).sum()),
        changes={
            "relabelled": int(((old != new) & (old >= 0) & (new >= 0)).sum()),
            "dropped": int(((old >= 0) & (new < 0)).sum()),
            "taken_back": int(((old < 0) & (new >= 0)).sum()),
        },
        right=_right({name: run.first(first.trials) for name, run in runs.items()}, plans),
        held_out=has_decision is None,
        has_kept=has_decision is None or bool((has_decision & (old == new)).any()),
    )


def _right(runs: Mapping[str, Run], plans: Verifications) -> Right:
    """Which trials are right about held-out examples, or undecided ones, masked where a trial saw them."""
    epoch, has_decision = plans.runs[BEFORE].epochs, plans.has_decision
    if has_decision is None:
        return {name: run.votes(epoch, split="held_out").correct for name, run in runs.items()}
    columns = {
        name: [trial.columns(epoch, ["prediction", "trained_on"]) for trial in run.trials]
        for name, run in runs.items()
    }
    before, after = (np.array([one["trained_on"] for one in columns[name]]) for name in (BEFORE, AFTER))
    labels, mask = plans.labels[1], (before | after)[:, ~has_decision]
    return {
        name: np.ma.array([(one["prediction"] == labels)[~has_decision] for one in own], mask=mask)
        for name, own in columns.items()
    }


def plan(options: VerifyOptions) -> Verifications:
    """Check every choice and plan the runs of `verify`; the labels ``before`` are the source's by default."""
    if options.labels is None:
        raise BadInput("--labels: give the CSV file of the labels to verify, as `easiness labels` writes it")
    data = given_data(options.data, options.loading, options.featuring.group)
    if data.held_out is not None and len(data.held_out) < 2:
        raise BadInput(f"{data.name}: one held-out example is too few to test on; hold out more")
    rotates, has_decision = data.held_out is None, None
    read = partial(new_labels, data, splits=("train", "held_out") if rotates else ("train",))
    old, has_old = (data.questions.labels, False) if options.before is None else read(options.before)
    new, has_new = read(options.labels)
    if np.array_equal(old, new):
        raise BadInput(
            f"{options.labels}: has the labels that {options.before or data.name} has, of every example; "
            "there is nothing to verify"
        )
    if rotates:
        if data.tags is not None:
            raise BadInput(
                f"{data.name}: has tags, and no examples to test on; hold some out (--holdout 0.2), in the "
                "run that the labels are of too"
            )
        has_decision = has_old | has_new | (old != new)
        runs = _rotation(data, options, (old, new), has_decision)
    else:
        make_plan = _planner(data, options)
        before = data if options.before is None else apply_labels(data, options.before)
        runs = {BEFORE: make_plan(before), AFTER: make_plan(apply_labels(data, options.labels))}
    everything, num_left = (int((one >= 0).sum()) for one in (old, new))
    runs |= _beside(options.beside, runs[BEFORE], everything, num_left)
    return Verifications(runs, (old, new), has_decision)


def _rotation(
    data: Dataset, options: VerifyOptions, labels: tuple[Integers, Integers], has_decision: Mask
) -> dict[str, Plan]:
    """The runs of trials which are tested on what they leave out."""
    check_rotates(
        options.trials, SHARES if options.featuring.shares is None else tuple(options.featuring.shares)
    )
    if has_decision.sum() > len(data) - _FEWEST:
        raise BadInput(
            f"{options.labels}: leaves {(~has_decision).sum()} examples that nobody decided, too few to "
            "test on; give data with a held-out split"
        )
    make_plan, plans = _planner(data, options), dict[str, Plan]()
    for name, one in zip((BEFORE, AFTER), labels, strict=True):
        # what is left out keeps its label and its fold, to be tested there
        own_labels = np.where(one < 0, data.labels, one)
        source = data.source if np.array_equal(own_labels, data.labels) else None
        own = make_plan(replace(data, source=source, labels=own_labels, true_labels=own_labels))
        folds = plans[BEFORE].data.labels if plans else own_labels
        plans[name] = own.with_deal(Deal(folds, never=one < 0))
    if not plans[BEFORE].features and any(missing_by_run(plans, options.out).values()):
        groups = _in_one_fold(data)
        for name, run in plans.items():
            assert run.deal is not None
            plans[name] = run.with_deal(replace(run.deal, groups=groups))
    return plans


def _planner(data: Dataset, options: VerifyOptions) -> Callable[[Dataset], Plan]:
    """Plans of trials on given labels, tested on the held-out split or on what they leave out."""
    training, featuring = with_recipe(options.training, options.out / BEFORE), options.featuring
    heads = on_features(featuring, training)
    if not heads and not isinstance(training.recipe, Recipe):
        settings = recipe_settings(training.recipe, model=data.kind.network(training.model))
        training = replace(training, recipe={"period": "epochs", **settings})
    splits: tuple[Split, ...] = ("train",) if data.held_out is None else ("held_out",)
    if data.held_out is None:
        if heads:
            featuring = replace(featuring, shares=[*(featuring.shares or SHARES)][-1:])
        else:
            training = replace(training, train_share=SHARES[-1])
    return partial(
        plan_of,
        training=training,
        trials=options.trials,
        loading=Loading(download=options.loading.download),
        device=options.execution.device,
        featuring=replace(featuring, group=None),  # which the data have by now
        recording=Recording(observe=ALL if heads else LAST, keep_weights=False, splits=splits),
    )


def _beside(names: Sequence[str], before: Plan, everything: int, num_left: int) -> dict[str, Plan]:
    """Plans of runs on the labels before, each with as many steps as the new labels have.

    Trainings at random leave as many out, in each trial others. Repeated random subsets (RS2, Okanovic et al.
    2023) are passes over all examples, cut into epochs of as many steps as the part that is kept has.
    """
    plans = {}
    for name in names:
        if name not in BESIDE:
            raise BadInput(f"--beside {name}: unknown; choose of {', '.join(BESIDE)}")
        if before.request.heads is not None:
            raise BadInput(
                f"--beside {name}: is for trainings; `easiness keep` has heads of as many at random"
            )
        if num_left >= everything:
            raise BadInput(f"--beside {name}: the new labels leave no example out; leave it out")
        changes: dict[str, Any] = {"steps_of": round(num_left * before.request.train_share)}
        ranking = before.ranking
        if name == "random":
            ranking = np.zeros(len(before.data))
            digest = hashlib.sha256(ranking.astype("<f8").tobytes()).hexdigest()
            beta = POLICIES["random"]
            changes = {"draw": Draw(effect="drop", rate=1 - num_left / everything, beta=beta, ranking=digest)}
        plans[name] = replace(before, request=before.request.model_copy(update=changes), ranking=ranking)
    return plans


def _in_one_fold(data: Dataset) -> Integers:
    """Numbers [K], the same for examples that networks see together or not at all: copies, and groups."""
    pairs = find_conflicts(data).pairs
    at = {name: position for position, name in enumerate(data.ids.tolist())}
    a, b = (np.array([at[one] for one in pairs[side]], np.int64) for side in ("id_a", "id_b"))
    same = (pairs["distance"] == 0).to_numpy(bool)
    return join_with_near(len(data), [(a[same], b[same])], (a, b), data.groups)
