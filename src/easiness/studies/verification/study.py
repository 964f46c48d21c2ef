"""``verify``: what other labels are worth, by paired networks on those before and after."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, Gain, paired_gain
from easiness.data import Dataset, new_labels, relabelled
from easiness.errors import BadInput
from easiness.heads import Deal, joined_with_near
from easiness.runs import (
    Plan,
    check_rotates,
    given_data,
    missing_by_run,
    on_features,
    plan_of,
    with_recipe,
)
from easiness.spec import (
    ALL,
    LAST,
    SHARES,
    Loading,
    Recipe,
    Recording,
    Split,
    recipe_settings,
)
from easiness.store import Row, Run
from easiness.studies.suspects import find_conflicts
from easiness.studies.verification.asking import Verified
from easiness.studies.verification.beside import Beside, accuracy_of, plans_beside, read_beside

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_Floats = npt.NDArray[np.float64]


WAYS = ("nobody decided", "all, by the labels before", "all, by the labels after")
"""Names of the examples and labels that a gain is tested by, where no split is held out."""


_RULE = (
    "No label was looked at and kept. If a rule made these labels, they follow what was learned of the very "
    "examples tested, and the gain is too high. Then hold some out from the start: measure --holdout 0.2, "
    "make the labels from that run, and verify --holdout 0.2."
)
_NOT_SHOWN = (
    "No difference here does not mean that the decisions are wrong: {changed} of {num} labels hardly move "
    "what is learned of the others. Whether labels are right is what `easiness audit` says."
)


@dataclass(frozen=True)
class Way:
    """Mean accuracies ``before`` and ``after`` on ``num`` examples, and the gain."""

    num: int
    before: float
    after: float
    gain: Gain

    @classmethod
    def of(cls, before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> Way:
        """Is each trial right about each example that it is tested on, [T, n]?"""
        return cls(before.shape[1], float(before.mean()), float(after.mean()), paired_gain(before, after))


@dataclass(frozen=True, eq=False)
class Verification(show.Result):
    """Accuracies [trials] of ``model`` after ``epochs`` epochs on the same ``num_held_out`` examples.

    Those ``before`` were trained on all ``num_examples`` with the labels of the source, or of a file, those
    ``after`` with ``num_relabelled`` other labels, without the ``num_dropped``, and with
    ``num_taken_back`` that the file before had dropped. Trials of the same index have the same
    seeds, and so have those ``beside``. ``gain`` is the mean difference, with an interval over trials and
    held-out examples. Of heads on features the ``share`` of the examples that they have seen says more than
    their epochs. Where no split is held out, tests are on examples that nobody decided, the first of
    the ``ways`` (`WAYS`). Nobody has ``kept`` a label where these may come from a rule.
    """

    model: str
    epochs: int
    num_examples: int
    num_relabelled: int
    num_dropped: int
    num_held_out: int
    before: _Floats
    after: _Floats
    gain: Gain
    num_taken_back: int = 0
    share: float | None = None
    beside: tuple[Beside, ...] = ()
    ways: tuple[Way, ...] = ()
    kept: bool = True

    @property
    def row(self) -> Row:
        """What the accuracies are of: the last epoch, or the largest share."""
        return Row(self.epochs, self.share)

    @property
    def text(self) -> str:
        """``relabelling 812 and dropping 301 of 10,000 gains 2.1 points (1.4 to 2.8)``."""
        numbers = {
            "relabelling": self.num_relabelled,
            "dropping": self.num_dropped,
            "taking back": self.num_taken_back,
        }
        *first, last = [f"{verb} {num:,}" for verb, num in numbers.items() if num]
        done = f"{', '.join(first)} and {last}" if first else last
        held = (f"beside {one.title} it {_effect(one.after_over)}" for one in self.beside)
        where = f" on {self._tested}" if self.ways else ""
        return "; ".join([f"{done} of {self.num_examples:,} {_effect(self.gain)}{where}", *held])

    @property
    def _tested(self) -> str:
        """The tested examples, in words."""
        return f"{self.num_held_out:,} {'examples that nobody decided' if self.ways else 'held-out examples'}"

    def table(self) -> pd.DataFrame:
        """A row a trial: its accuracies before and after, and its ``gain``, all in 0..1 or -1..1.

        ``gain_mean`` with ``gain_low`` and ``gain_high``, its 95 % interval, is over all trials, and so are
        those of the other `WAYS`, ``gain_by_before`` and ``gain_by_after``.
        """
        import pandas as pd

        low, high = self.gain.interval
        others = zip(("gain_by_before", "gain_by_after"), self.ways[1:], strict=False)
        return pd.DataFrame(
            {
                "trial": np.arange(len(self.before)),
                "accuracy_before": self.before,
                "accuracy_after": self.after,
                "gain": self.after - self.before,
                "gain_mean": self.gain.value,
                "gain_low": low,
                "gain_high": high,
                **{
                    f"{name}{end}": value
                    for name, way in others
                    for end, value in zip(
                        ("", "_low", "_high"), (way.gain.value, *way.gain.interval), strict=True
                    )
                },
                "model": self.model,
                **({"epochs": self.epochs} if self.share is None else {"share": self.share}),
                **{f"accuracy_{one.name}": one.accuracy for one in self.beside},
                "num_examples": self.num_examples,
                "num_relabelled": self.num_relabelled,
                "num_dropped": self.num_dropped,
                "num_taken_back": self.num_taken_back,
                "num_held_out": self.num_held_out,
            }
        )

    def figure(self) -> Figure:
        """The gain of each trial in points of accuracy, above their mean with its 95 % interval if any."""
        return show.dots_and_mean(
            100 * (self.after - self.before),
            (100 * self.gain.value, *(100 * end for end in self.gain.interval)),
            f"gain in accuracy on {self._tested} (points)",
        )

    @property
    def headline(self) -> str:
        """What was gained."""
        return self.text

    def frames(self) -> list[show.Frame]:
        """The accuracy with both labels and beside them, what else it is tested on, then each trial."""
        return [self._accuracies(), *([self._other_ways()] if self.ways else []), self._by_trial()]

    def _accuracies(self) -> show.Frame:
        import pandas as pd

        num = len(self.before)
        few = f" Fewer than {MIN_GROUP} trials make it a rough one." if 1 < num < MIN_GROUP else ""
        left = self.num_examples - self.num_dropped + self.num_taken_back
        arms = [
            ("before", self.num_examples, self.before, None, None),
            ("after", left, self.after, self.gain, None),
            *((one.title, left, one.accuracy, one.over_before, one.after_over) for one in self.beside),
        ]
        data = pd.DataFrame(
            {
                "labels": name,
                "trained on": trained_on,
                "accuracy": accuracy.mean(),
                "± sd": accuracy.std(ddof=1) if num > 1 else math.nan,
                **_gain("over before", over),
                **_gain("after over it", after_over),
            }
            for name, trained_on, accuracy, over, after_over in arms
        )
        changed = self.num_relabelled + self.num_dropped + self.num_taken_back
        not_shown = _NOT_SHOWN.format(changed=show.count(changed), num=show.count(self.num_examples))
        notices = ("" if self.kept else _RULE, not_shown if self.ways and not self.gain.shown else "")
        gains = {name: show.points(low=f"{name} low", high=f"{name} high") for name in _GAINS}
        return show.Frame(
            f"Accuracy of {self.model} on {self._tested} {self.row.at}",
            f"{show.capitalized(self.text)}. {_over(num)}{few} Their labels are taken as they are."
            f"{' Each trial leaves a part out and is tested on it.' if self.ways else ''}",
            data,
            {
                "labels": show.names(),
                "trained on": show.counts(),
                "accuracy": show.numbers(3),
                "± sd": show.numbers(3),
                **(gains if self.beside else {}),
            },
            tuple(filter(None, notices)),
        )

    def _other_ways(self) -> show.Frame:
        import pandas as pd

        data = pd.DataFrame(
            {
                "tested on": name,
                "examples": one.num,
                "before": one.before,
                "after": one.after,
                **_gain("gain", one.gain),
            }
            for name, one in zip(WAYS, self.ways, strict=True)
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
                "before": show.numbers(3),
                "after": show.numbers(3),
                "gain": show.points(title="gain (points)", low="gain low", high="gain high"),
            },
        )

    def _by_trial(self) -> show.Frame:
        return show.Frame(
            "By trial",
            "Accuracy of each trial with both labels.",
            self.table(),
            {
                "trial": show.counts(),
                "accuracy_before": show.numbers(3, title="before"),
                "accuracy_after": show.numbers(3, title="after"),
                "gain": show.numbers(3, signed=True),
            },
        )


_GAINS = ("over before", "after over it")


def _gain(name: str, gain: Gain | None) -> dict[str, float | None]:
    """The columns of a gain with the ends of its interval."""
    low, high = (None, None) if gain is None else gain.interval
    return {name: None if gain is None else gain.value, f"{name} low": low, f"{name} high": high}


def _effect(gain: Gain) -> str:
    low, high = (100 * end for end in gain.interval)
    value = 100 * gain.value
    if math.isnan(low):
        return f"changes accuracy by {value:+.1f} points in one trial, which shows nothing"
    if not gain.shown:
        return f"shows no difference: {value:+.1f} points ({show.interval_text(low, high, 1, signed=True)})"
    if value > 0:
        return f"gains {value:.1f} points ({_near_end(low)} to {high:.1f})"
    return f"loses {-value:.1f} points ({_near_end(-high)} to {-low:.1f})"


def _near_end(value: float) -> str:
    """The end of an interval towards 0, which it leaves out."""
    text = f"{value:.1f}"
    return "just over 0" if float(text) == 0 else text


def _over(num: int) -> str:
    if num == 1:
        return "From one pair of trials with the same seeds, which has no standard deviation and no interval."
    return (
        f"Mean ± standard deviation over {num} pairs of trials with the same seeds; the 95 % interval is for "
        "other trials and other tested examples."
    )


BEFORE, AFTER = "before", "after"
"""Names of the runs."""

_FEWEST = 20  # examples that nobody decided, to test on


@dataclass(frozen=True, eq=False)
class Verifications:
    """The plans of the runs on the labels ``before`` and ``after``, and of those ``beside`` them by name.

    ``labels`` are both [K], -1 where an example is left out. ``decided`` [K] is there where no split is held
    out, so that each trial is tested on the fold that it leaves out.
    """

    before: Plan
    after: Plan
    labels: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    decided: npt.NDArray[np.bool_] | None = None
    beside: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def runs(self) -> dict[str, Plan]:
        """All, by the name of their run."""
        return {BEFORE: self.before, AFTER: self.after, **self.beside}

    @property
    def note(self) -> str:
        """What they are tested on."""
        if self.decided is None:
            return "all are tested on the held-out split"
        num = show.counted(int((~self.decided).sum()), "example")
        return f"each is tested on what it leaves out of {num} that nobody decided"

    def read(self, runs: Mapping[str, Run]) -> Verification:
        """The result, from the finished runs by name; trials beyond the plan are left out."""
        heads, (old, new) = self.before.asked.heads, self.labels
        right, *others = self._right({name: run.first(self.before.trials) for name, run in runs.items()})
        ways = [Way.of(one[BEFORE], one[AFTER]) for one in (right, *others)]
        return Verification(
            model=self.before.model,
            epochs=self.before.epochs,
            num_examples=int((old >= 0).sum()),
            num_relabelled=int(((old != new) & (old >= 0) & (new >= 0)).sum()),
            num_dropped=int(((old >= 0) & (new < 0)).sum()),
            num_taken_back=int(((old < 0) & (new >= 0)).sum()),
            num_held_out=right[BEFORE].shape[1],
            before=accuracy_of(right[BEFORE]),
            after=accuracy_of(right[AFTER]),
            gain=ways[0].gain,
            share=None if heads is None else heads.shares[-1],
            beside=read_beside(right, BEFORE, AFTER),
            ways=tuple(ways) if others else (),
            kept=self.decided is None or bool((self.decided & (old == new)).any()),
        )

    def _right(self, runs: Mapping[str, Run]) -> Sequence[Mapping[str, npt.NDArray[np.bool_]]]:
        """Who is right about what is held out; or else about the undecided, and by both labels, masked."""
        epoch = self.before.epochs
        if self.decided is None:
            return [{name: run.votes(epoch, split="held_out").correct for name, run in runs.items()}]
        seen = {
            name: [trial.columns(epoch, ["prediction", "trained_on"]) for trial in run.trials]
            for name, run in runs.items()
        }
        before, after = (np.array([one["trained_on"] for one in seen[name]]) for name in (BEFORE, AFTER))
        trained_on: npt.NDArray[np.bool_] = before | after
        old, new = self.labels
        return [
            {
                name: np.ma.array(
                    [one["prediction"][rows] == labels[rows] for one in own], mask=trained_on[:, rows]
                )
                for name, own in seen.items()
            }
            for labels, rows in ((new, ~self.decided), (old, old >= 0), (new, new >= 0))
        ]


def plan(asked: Verified) -> Verifications:
    """Check every choice and plan the runs of `verify`; the labels ``before`` are the source's by default."""
    if asked.labels is None:
        raise BadInput("--labels: give the CSV file of the labels to verify, as `easiness labels` writes it")
    data = given_data(asked.data, asked.loading, asked.featuring.group)
    if data.held_out is not None and len(data.held_out) < 2:
        raise BadInput(f"{data.name}: one held-out example is too few to test on; hold out more")
    crossed = data.held_out is None
    read = partial(new_labels, data, splits=("train", "held_out") if crossed else ("train",))
    old, known = (data.labels, False) if asked.before is None else read(asked.before)
    new, found = read(asked.labels)
    if np.array_equal(old, new):
        raise BadInput(
            f"{asked.labels}: has the labels that {asked.before or data.name} has, of every example; "
            "there is nothing to verify"
        )
    plan = _planner(data, asked)
    if not crossed:
        before = data if asked.before is None else relabelled(data, asked.before)
        return _with_arms(
            Verifications(plan(before), plan(relabelled(data, asked.labels)), (old, new)), asked
        )
    check_rotates(asked.trials, SHARES if asked.featuring.shares is None else tuple(asked.featuring.shares))
    decided = known | found | (old != new)
    if decided.sum() > len(data) - _FEWEST:
        raise BadInput(
            f"{asked.labels}: leaves {(~decided).sum()} examples that nobody decided, too few to test on; "
            "give data with a held-out split"
        )
    plans: list[Plan] = []
    for labels in (old, new):  # what is left out keeps its label and its fold, to be tested there
        given = np.where(labels < 0, data.labels, labels)
        source = data.source if np.array_equal(given, data.labels) else None
        own = plan(replace(data, source=source, labels=given, true_labels=given))
        plans.append(own.dealt(Deal(plans[0].data.labels if plans else given, never=labels < 0)))
    if not plans[0].features and any(missing_by_run({BEFORE: plans[0], AFTER: plans[1]}, asked.out).values()):
        groups = _in_one_fold(data)
        plans = [one.dealt(replace(one.deal, groups=groups)) for one in plans if one.deal is not None]
    return _with_arms(Verifications(plans[0], plans[1], (old, new), decided), asked)


def _with_arms(planned: Verifications, asked: Verified) -> Verifications:
    """The same with arms beside them, see `plans_beside`."""
    everything, kept = (int((one >= 0).sum()) for one in planned.labels)
    return replace(planned, beside=plans_beside(asked.beside, planned.before, everything, kept))


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


def verify(asked: Verified, planned: Verifications, runs: Mapping[str, Run]) -> Verification:  # noqa: ARG001
    """What the new labels gain, from the finished runs."""
    return planned.read(runs)


def _in_one_fold(data: Dataset) -> npt.NDArray[np.int64]:
    """Numbers [K], the same for examples that networks see together or not at all: copies, and groups."""
    pairs = find_conflicts(data).pairs
    at = {name: position for position, name in enumerate(data.ids.tolist())}
    a, b = (np.array([at[one] for one in pairs[side]], np.int64) for side in ("id_a", "id_b"))
    same = (pairs["distance"] == 0).to_numpy(bool)
    return joined_with_near(len(data), [(a[same], b[same])], (a, b), data.groups)
