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
from easiness.analysis import MIN_GROUP, POLICIES, Gain, paired_gain
from easiness.data import Dataset, new_labels, relabelled
from easiness.errors import BadInput
from easiness.heads import Deal, joined_with_near
from easiness.lazy import Figure, Floats, Integers, Mask, pd
from easiness.runs import (
    Plan,
    check_rotates,
    given_data,
    missing_by_run,
    on_features,
    plan_of,
    with_recipe,
)
from easiness.spec import ALL, LAST, SHARES, Draw, Loading, Recipe, Recording, Split, recipe_settings
from easiness.store import Row, Run
from easiness.studies.suspects import find_conflicts
from easiness.studies.verification.asking import Verified

Right = Mapping[str, Mask]
"""Is each trial right about each test example [trials, n], by run; masked where it has seen it."""

BEFORE, AFTER = "before", "after"
BESIDE = {"random": "as many at random", "rs2": "others in every epoch (RS2)"}
"""Names of the runs; of those beside both with a title."""

WAYS = ("nobody decided", "all, by the labels before", "all, by the labels after")
"""Names of the examples and labels that a gain is tested by, where no split is held out."""

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

    Those before were trained on all ``num_examples`` with the labels of the source, or of a file, those
    after with ``num_relabelled`` other labels, without the ``num_dropped``, and with ``num_taken_back`` that
    the file before had dropped. Trials of the same index have the same seeds, and so have those beside. All
    are read at ``row``. Where no split is held out, ``right`` is about examples that nobody decided, and
    ``others`` about those of the other `WAYS`. Nobody has ``kept`` a label where these may come from a rule.
    """

    model: str
    row: Row
    num_examples: int
    num_relabelled: int
    num_dropped: int
    num_taken_back: int
    right: Right = field(repr=False)
    others: tuple[Right, ...] = field(default=(), repr=False)
    kept: bool = True

    @property
    def before(self) -> Floats:
        """Accuracy of each trial [trials] on the labels before."""
        return accuracy_of(self.right[BEFORE])

    @property
    def after(self) -> Floats:
        """Accuracy of each trial [trials] on the labels after."""
        return accuracy_of(self.right[AFTER])

    @cached_property
    def gain(self) -> Gain:
        """The mean difference, with an interval over trials and held-out examples."""
        return self.gains[0]

    @cached_property
    def gains(self) -> tuple[Gain, ...]:
        """The gain on the examples tested, then in the other `WAYS`."""
        return tuple(paired_gain(one[BEFORE], one[AFTER]) for one in (self.right, *self.others))

    @property
    def num_held_out(self) -> int:
        """The number of the examples tested."""
        return int(self.right[BEFORE].shape[1])

    @property
    def text(self) -> str:
        """``relabelling 812 and dropping 301 of 10,000 gains 2.1 points (1.4 to 2.8)``."""
        numbers = {
            "relabelling": self.num_relabelled,
            "dropping": self.num_dropped,
            "taking back": self.num_taken_back,
        }
        done = show.listed([f"{verb} {num:,}" for verb, num in numbers.items() if num])
        where = f" on {self._tested}" if self.others else ""
        held = [
            f"beside {BESIDE[name]} it {effect_text(paired_gain(own, self.right[AFTER]))}"
            for name, own in self.right.items()
            if name in BESIDE
        ]
        return "; ".join([f"{done} of {self.num_examples:,} {effect_text(self.gain)}{where}", *held])

    @property
    def _tested(self) -> str:
        return (
            f"{self.num_held_out:,} {'examples that nobody decided' if self.others else 'held-out examples'}"
        )

    def table(self) -> pd.DataFrame:
        """A row a trial: its accuracies before and after, and its ``gain``, all in 0..1 or -1..1.

        ``gain_mean`` with ``gain_low`` and ``gain_high``, its 95 % interval, is over all trials, and so are
        those of the other `WAYS`, ``gain_by_before`` and ``gain_by_after``.
        """
        found: dict[str, Any] = _ends(self.gain, "gain_mean", "gain_low", "gain_high")
        for name, gain in zip(("gain_by_before", "gain_by_after"), self.gains[1:], strict=False):
            found |= _ends(gain, name, f"{name}_low", f"{name}_high")
        found |= {"model": self.model}
        found |= {"epochs": self.row.number} if self.row.share is None else {"share": self.row.share}
        found |= {f"accuracy_{name}": accuracy_of(one) for name, one in self.right.items() if name in BESIDE}
        counts = ("num_examples", "num_relabelled", "num_dropped", "num_taken_back", "num_held_out")
        by_trial = {
            "trial": np.arange(len(self.before)),
            "accuracy_before": self.before,
            "accuracy_after": self.after,
            "gain": self.after - self.before,
        }
        return pd.DataFrame(by_trial | found | {name: getattr(self, name) for name in counts})

    def figure(self) -> Figure:
        """The gain of each trial in points of accuracy, above their mean with its 95 % interval if any."""
        return show.dots_and_mean(
            100 * (self.after - self.before),
            (100 * self.gain.value, *(100 * end for end in self.gain.interval)),
            f"gain in accuracy on {self._tested} (points)",
        )

    @property
    def headline(self) -> str:
        """The gain, in a sentence."""
        return self.text

    def frames(self) -> list[show.Frame]:
        columns = {
            "trial": show.counts(),
            "accuracy_before": show.numbers(title="before"),
            "accuracy_after": show.numbers(title="after"),
            "gain": show.numbers(signed=True),
        }
        trials = show.Frame("By trial", "Accuracy of each trial with both labels.", self.table(), columns)
        return [self._accuracies(), *([self._other_ways()] if self.others else []), trials]

    def _accuracies(self) -> show.Frame:
        num = len(self.before)
        few = f" Fewer than {MIN_GROUP} trials make it a rough one." if 1 < num < MIN_GROUP else ""
        left = self.num_examples - self.num_dropped + self.num_taken_back
        rows = []
        for name, own in self.right.items():
            accuracy = accuracy_of(own)
            over = None if name == BEFORE else paired_gain(self.right[BEFORE], own)
            after_over = paired_gain(own, self.right[AFTER]) if name in BESIDE else None
            rows.append(
                {
                    "labels": BESIDE.get(name, name),
                    "trained on": self.num_examples if name == BEFORE else left,
                    "accuracy": accuracy.mean(),
                    "± sd": accuracy.std(ddof=1) if num > 1 else math.nan,
                    **_ends(over, "over before", "low", "high"),
                    **_ends(after_over, "after over it", "least", "most"),
                }
            )
        gains = {
            "over before": show.points(low="low", high="high"),
            "after over it": show.points(low="least", high="most"),
        }
        changed = self.num_relabelled + self.num_dropped + self.num_taken_back
        not_shown = _NOT_SHOWN.format(changed=show.count(changed), num=show.count(self.num_examples))
        notices = ("" if self.kept else _RULE, not_shown if self.others and not self.gain.shown else "")
        return show.Frame(
            f"Accuracy of {self.model} on {self._tested} {self.row.at}",
            f"{show.capitalized(self.text)}. {_over(num)}{few} Their labels are taken as they are."
            f"{' Each trial leaves a part out and is tested on it.' if self.others else ''}",
            pd.DataFrame(rows),
            {
                "labels": show.names(),
                "trained on": show.counts(),
                "accuracy": show.numbers(),
                "± sd": show.numbers(),
                **(gains if len(self.right) > 2 else {}),
            },
            tuple(filter(None, notices)),
        )

    def _other_ways(self) -> show.Frame:
        data = pd.DataFrame(
            {
                "tested on": name,
                "examples": one[BEFORE].shape[1],
                "before": one[BEFORE].mean(),
                "after": one[AFTER].mean(),
                **_ends(gain, "gain", "low", "high"),
            }
            for name, one, gain in zip(WAYS, (self.right, *self.others), self.gains, strict=True)
        )
        return show.Frame(
            "What else it is tested on",
            "The first line counts: no decision changes what it is tested by. Wrong labels left among these "
            "make the gain look smaller. The second line tests by labels that were found wrong, the third by "
            "those decided.",
            data,
            {
                "tested on": show.names(),
                "examples": show.counts(),
                "before": show.numbers(),
                "after": show.numbers(),
                "gain": show.points(title="gain (points)", low="low", high="high"),
            },
        )


def accuracy_of(right: Mask) -> Floats:
    """The accuracy of each trial [T], NaN where it is tested on nothing."""
    return np.asarray(np.ma.filled(right.mean(axis=1), np.nan))


def _ends(gain: Gain | None, *names: str) -> dict[str, float | None]:
    """A gain and the ends of its interval, in columns of these names."""
    return dict(zip(names, (None, None, None) if gain is None else (gain.value, *gain.interval), strict=True))


def effect_text(gain: Gain) -> str:
    """``gains 2.1 points (1.4 to 2.8)``."""
    low, high = (100 * end for end in gain.interval)
    value = 100 * gain.value
    if math.isnan(low):
        return f"changes accuracy by {value:+.1f} points in one trial, which shows nothing"
    if not gain.shown:
        return f"shows no difference: {value:+.1f} points ({show.interval_text(low, high, 1, signed=True)})"
    verb, (near, far) = ("gains", (low, high)) if value > 0 else ("loses", (-high, -low))
    end = f"{near:.1f}"
    return f"{verb} {abs(value):.1f} points ({'just over 0' if float(end) == 0 else end} to {far:.1f})"


def _over(num: int) -> str:
    if num == 1:
        return "From one pair of trials with the same seeds, which has no standard deviation and no interval."
    return (
        f"Mean ± standard deviation over {num} pairs of trials with the same seeds; the 95 % interval is for "
        "other trials and other tested examples."
    )


@dataclass(frozen=True, eq=False)
class Verifications:
    """The plans of the ``runs`` by name, on the ``labels`` before and after [K], -1 where one is left out.

    ``decided`` [K] is there where no split is held out, so that each trial is tested on the fold that it
    leaves out.
    """

    runs: Mapping[str, Plan]
    labels: tuple[Integers, Integers]
    decided: Mask | None = None

    @property
    def note(self) -> str:
        """The examples that all are tested on."""
        if self.decided is None:
            return "all are tested on the held-out split"
        num = show.counted(int((~self.decided).sum()), "example")
        return f"each is tested on what it leaves out of {num} that nobody decided"


def verify(asked: Verified, planned: Verifications, runs: Mapping[str, Run]) -> Verification:  # noqa: ARG001
    """The gain of the new labels, from the finished runs by name; trials beyond the plan are left out."""
    first, (old, new), decided = planned.runs[BEFORE], planned.labels, planned.decided
    right, *others = _right({name: run.first(first.trials) for name, run in runs.items()}, planned)
    heads = first.request.heads
    return Verification(
        model=first.model,
        row=Row(first.epochs, None if heads is None else heads.shares[-1]),
        num_examples=int((old >= 0).sum()),
        num_relabelled=int(((old != new) & (old >= 0) & (new >= 0)).sum()),
        num_dropped=int(((old >= 0) & (new < 0)).sum()),
        num_taken_back=int(((old < 0) & (new >= 0)).sum()),
        right=right,
        others=tuple(others),
        kept=decided is None or bool((decided & (old == new)).any()),
    )


def _right(runs: Mapping[str, Run], planned: Verifications) -> Sequence[Right]:
    """Who is right about what is held out; or else about the undecided, and by both labels, masked."""
    epoch, (old, new), decided = planned.runs[BEFORE].epochs, planned.labels, planned.decided
    if decided is None:
        return [{name: run.votes(epoch, split="held_out").correct for name, run in runs.items()}]
    seen = {
        name: [trial.columns(epoch, ["prediction", "trained_on"]) for trial in run.trials]
        for name, run in runs.items()
    }
    before, after = (np.array([one["trained_on"] for one in seen[name]]) for name in (BEFORE, AFTER))
    trained_on: Mask = before | after
    return [
        {
            name: np.ma.array(
                [one["prediction"][rows] == labels[rows] for one in own], mask=trained_on[:, rows]
            )
            for name, own in seen.items()
        }
        for labels, rows in ((new, ~decided), (old, old >= 0), (new, new >= 0))
    ]


def plan(asked: Verified) -> Verifications:
    """Check every choice and plan the runs of `verify`; the labels ``before`` are the source's by default."""
    if asked.labels is None:
        raise BadInput("--labels: give the CSV file of the labels to verify, as `easiness labels` writes it")
    data = given_data(asked.data, asked.loading, asked.featuring.group)
    if data.held_out is not None and len(data.held_out) < 2:
        raise BadInput(f"{data.name}: one held-out example is too few to test on; hold out more")
    crossed, decided = data.held_out is None, None
    read = partial(new_labels, data, splits=("train", "held_out") if crossed else ("train",))
    old, known = (data.labels, False) if asked.before is None else read(asked.before)
    new, found = read(asked.labels)
    if np.array_equal(old, new):
        raise BadInput(
            f"{asked.labels}: has the labels that {asked.before or data.name} has, of every example; "
            "there is nothing to verify"
        )
    if crossed:
        decided = known | found | (old != new)
        runs = _crossed(data, asked, (old, new), decided)
    else:
        planned = _planner(data, asked)
        before = data if asked.before is None else relabelled(data, asked.before)
        runs = {BEFORE: planned(before), AFTER: planned(relabelled(data, asked.labels))}
    everything, kept = (int((one >= 0).sum()) for one in (old, new))
    runs |= _beside(asked.beside, runs[BEFORE], everything, kept)
    return Verifications(runs, (old, new), decided)


def _crossed(
    data: Dataset, asked: Verified, labels: tuple[Integers, Integers], decided: Mask
) -> dict[str, Plan]:
    """The runs of trials which are tested on what they leave out."""
    check_rotates(asked.trials, SHARES if asked.featuring.shares is None else tuple(asked.featuring.shares))
    if decided.sum() > len(data) - _FEWEST:
        raise BadInput(
            f"{asked.labels}: leaves {(~decided).sum()} examples that nobody decided, too few to test on; "
            "give data with a held-out split"
        )
    planned, plans = _planner(data, asked), dict[str, Plan]()
    for name, one in zip((BEFORE, AFTER), labels, strict=True):
        # what is left out keeps its label and its fold, to be tested there
        given = np.where(one < 0, data.labels, one)
        source = data.source if np.array_equal(given, data.labels) else None
        own = planned(replace(data, source=source, labels=given, true_labels=given))
        folds = plans[BEFORE].data.labels if plans else given
        plans[name] = own.with_deal(Deal(folds, never=one < 0))
    if not plans[BEFORE].features and any(missing_by_run(plans, asked.out).values()):
        groups = _in_one_fold(data)
        for name, run in plans.items():
            assert run.deal is not None
            plans[name] = run.with_deal(replace(run.deal, groups=groups))
    return plans


def _planner(data: Dataset, asked: Verified) -> Callable[[Dataset], Plan]:
    """How to plan trials on either labels: tested on what is held out, or else on what they leave out."""
    training, featuring = with_recipe(asked.training, asked.out / BEFORE), asked.featuring
    heads = on_features(featuring, training)
    if not heads and not isinstance(training.recipe, Recipe):
        settings = recipe_settings(training.recipe, model=data.kind.network(training.model))
        training = replace(training, recipe={"period": "epochs", **settings})
    splits: tuple[Split, ...] = ("held_out",)
    if data.held_out is None:
        splits = ("train",)
        if heads:
            featuring = replace(featuring, shares=[*(featuring.shares or SHARES)][-1:])
        else:
            training = replace(training, train_share=SHARES[-1])
    return partial(
        plan_of,
        training=training,
        trials=asked.trials,
        loading=Loading(download=asked.loading.download),
        device=asked.execution.device,
        featuring=replace(featuring, group=None),  # which the data have by now
        recording=Recording(observe=ALL if heads else LAST, keep_weights=False, splits=splits),
    )


def _beside(names: Sequence[str], before: Plan, everything: int, kept: int) -> dict[str, Plan]:
    """The plans of runs on the labels before, each with as many steps as the new labels have.

    Those at random leave as many out as the new labels do, in each trial others. Repeated random subsets
    without replacement (RS2, Okanovic et al. 2023) are passes over all examples, cut into epochs of as many
    steps as the part that is kept has.
    """
    plans = {}
    for name in names:
        if name not in BESIDE:
            raise BadInput(f"--beside {name}: unknown; choose of {', '.join(BESIDE)}")
        if before.request.heads is not None:
            raise BadInput(
                f"--beside {name}: is for trainings; `easiness keep` has heads of as many at random"
            )
        if kept >= everything:
            raise BadInput(f"--beside {name}: the new labels leave no example out; leave it out")
        changes: dict[str, Any] = {"steps_of": round(kept * before.request.train_share)}
        ranking = before.ranking
        if name == "random":
            ranking = np.zeros(len(before.data))
            digest = hashlib.sha256(ranking.astype("<f8").tobytes()).hexdigest()
            draw = Draw(effect="drop", rate=1 - kept / everything, beta=POLICIES["random"], ranking=digest)
            changes = {"draw": draw}
        plans[name] = replace(before, request=before.request.model_copy(update=changes), ranking=ranking)
    return plans


def _in_one_fold(data: Dataset) -> Integers:
    """Numbers [K], the same for examples that networks see together or not at all: copies, and groups."""
    pairs = find_conflicts(data).pairs
    at = {name: position for position, name in enumerate(data.ids.tolist())}
    a, b = (np.array([at[one] for one in pairs[side]], np.int64) for side in ("id_a", "id_b"))
    same = (pairs["distance"] == 0).to_numpy(bool)
    return joined_with_near(len(data), [(a[same], b[same])], (a, b), data.groups)
