"""``verify``: what other labels are worth, by paired networks on those before and after."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import MIN_GROUP, Gain, paired_gain
from easiness.data import Dataset, new_labels, relabelled
from easiness.errors import BadInput
from easiness.heads import Deal, joined_with_near
from easiness.models import ModelGiven, model_name
from easiness.regular_file import at_home
from easiness.runs import (
    Plan,
    Progress,
    carry_out_all,
    check_rotates,
    describe,
    given_data,
    missing_by_run,
    on_features,
    plan_costs,
    plan_of,
    progress_of,
    with_recipe,
)
from easiness.spec import (
    ALL,
    LAST,
    SHARES,
    Execution,
    Featuring,
    Jobs,
    Loading,
    Precision,
    Recipe,
    Recording,
    Split,
    Training,
    from_arguments,
    recipe_settings,
)
from easiness.store import Row, Run
from easiness.studies.suspects import find_conflicts
from easiness.studies.verification.beside import Beside, accuracy_of, plans_beside, read_beside
from easiness.training import resolve_device

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
        gains = 100 * (self.after - self.before)
        figure, axes = show.new_axes(5.2, 1.6 + 0.12 * len(gains))
        axes.axvline(0, color=show.INK, linewidth=0.8, linestyle=":")
        axes.plot(gains, np.arange(len(gains)), "o", color=show.INK, markersize=4, label="trials")
        value = 100 * self.gain.value
        low, high = (np.nan_to_num(100 * end, nan=value) for end in self.gain.interval)
        axes.errorbar(
            [value],
            [-1.5],
            xerr=[[value - low], [high - value]],
            fmt="D",
            color=show.EASY,
            markersize=5,
            capsize=3,
            label="mean, with its 95 % interval" if len(gains) > 1 else "mean",
        )
        axes.set_yticks([])
        axes.set_ylim(-2.5, len(gains))
        axes.set(xlabel=f"gain in accuracy on {self._tested} (points)")
        show.legend_above(axes, 2)
        return figure

    def sections(self) -> list[show.Section]:
        """The accuracy with both labels, then that of each trial."""
        return [_accuracy(self), *([_ways(self)] if self.ways else []), _trials(self)]


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


def _accuracy(verified: Verification) -> show.Section:
    num = len(verified.before)
    few = f" Fewer than {MIN_GROUP} trials make it a rough one." if 1 < num < MIN_GROUP else ""
    left = show.count(verified.num_examples - verified.num_dropped + verified.num_taken_back)
    head = ["labels", "trained on", "accuracy", "± sd"]
    before = ["before", show.count(verified.num_examples), *_summary(verified.before)]
    after = ["after", left, *_summary(verified.after)]
    if verified.beside:
        head += ["over before", "after over it"]
        before += ["", ""]
        after += [_points(verified.gain), ""]
    arms = [
        [one.title, left, *_summary(one.accuracy), _points(one.over_before), _points(one.after_over)]
        for one in verified.beside
    ]
    changed = verified.num_relabelled + verified.num_dropped + verified.num_taken_back
    not_shown = _NOT_SHOWN.format(changed=show.count(changed), num=show.count(verified.num_examples))
    notices = ("" if verified.kept else _RULE, not_shown if verified.ways and not verified.gain.shown else "")
    return show.Section(
        f"Accuracy of {verified.model} on {verified._tested} {verified.row.at}",
        f"{show.capitalized(verified.text)}. {_over(num)}{few} Their labels are taken as they are."
        f"{' Each trial leaves a part out and is tested on it.' if verified.ways else ''}",
        [head, before, after, *arms],
        tuple(filter(None, notices)),
    )


def _ways(verified: Verification) -> show.Section:
    rows = [
        [name, show.count(one.num), f"{one.before:.3f}", f"{one.after:.3f}", _points(one.gain)]
        for name, one in zip(WAYS, verified.ways, strict=True)
    ]
    return show.Section(
        "What else it is tested on",
        "The first line counts: no decision changes what it is tested by. Wrong labels left among these make "
        "the gain look smaller. The second line tests by labels that were found wrong, the third by those "
        "decided.",
        [["tested on", "examples", "before", "after", "gain (points)"], *rows],
    )


def _points(gain: Gain) -> str:
    """A gain in points with its interval."""
    low, high = (100 * end for end in gain.interval)
    return f"{100 * gain.value:+.1f} ({show.interval_text(low, high, 1, signed=True)})"


def _over(num: int) -> str:
    if num == 1:
        return "From one pair of trials with the same seeds, which has no standard deviation and no interval."
    return (
        f"Mean ± standard deviation over {num} pairs of trials with the same seeds; the 95 % interval is for "
        "other trials and other tested examples."
    )


def _summary(accuracy: _Floats) -> list[str]:
    deviation = float(accuracy.std(ddof=1)) if len(accuracy) > 1 else None
    return [show.number(float(accuracy.mean()), 3), show.number(deviation, 3)]


def _trials(verified: Verification) -> show.Section:
    pairs = zip(verified.before, verified.after, strict=True)
    rows = [["trial", "before", "after", "gain"]]
    rows += [
        [str(trial), show.number(before, 3), show.number(after, 3), f"{after - before:+.3f}"]
        for trial, (before, after) in enumerate(pairs)
    ]
    return show.Section("By trial", "Accuracy of each trial with both labels.", rows)


BEFORE, AFTER = "before", "after"
"""Names of the runs."""

_FEWEST = 20  # examples that nobody decided, to test on


def verify(
    data: Any,
    *,
    labels: str | Path | None,
    before: str | Path | None = None,
    model: ModelGiven | None = None,
    trials: int = 10,
    epochs: int = 10,
    out: str | Path,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    holdout: float | None = None,
    columns: Mapping[str, str] | None = None,
    text: str | None = None,
    sound: str | None = None,
    inputs: Sequence[str] | None = None,
    without: Sequence[str] | None = None,
    label: str | None = None,
    id: str | None = None,
    encoding: str | None = None,
    rate: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    image_size: int | None = None,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    pretrained: bool = False,
    features: Any = None,
    shares: Sequence[float] | None = None,
    group: Any = None,
    beside: Sequence[str] = (),
    device: str = "auto",
    executor: str = "auto",
    ray_address: str | None = None,
    jobs: Jobs = "auto",
    precision: Precision = "auto",
    cache: bool = True,
    progress: Progress | bool = True,
) -> Verification:
    """Train on the labels before and on those of a file, and test both on examples that were not trained on.

    These are the held-out split. Without one examples are dealt to five folds, by class and copies together;
    each trial leaves one out and is tested on it, so that trials come in fives. What counts is the gain on
    examples that nobody decided, whose labels no decision changes; beside it stand those on all examples by
    the labels before and after. Decisions may be on any example. Where they take what heads suggest, right
    or wrong, the gain is too high, since heads have learned of all examples: then hold some out from the
    start.

    With ``features`` heads are fitted instead of networks trained, and tested at the largest share.

    With ``beside`` others are trained with as many steps as the new labels have.

    Trials of the same index share their seeds, have as many epochs, and are tested after the last on the same
    examples. The gain is the mean difference of their accuracies, with an interval over trials and tested
    examples (`paired_gain`): of other training examples it says nothing. The two runs are in the folders
    ``before`` and ``after`` below ``out``; what is there is kept, and more trials train the new ones alone.

    Args:
        data: a `Dataset` or what `load_dataset` takes, without the new labels.
        labels: the CSV file of the new labels, as `clean` writes it.
        before: the CSV file of the labels before; those of the source unless given. For labels that come from
            a run with a file of its own.
        trials: pairs of trainings, two at least for an interval.
        out: folder of the runs.
        holdout: hold out and test on this share of each class, instead of each example in turn; labels of
            examples held out are refused.
        limit, columns, text, sound, inputs, without, label, id, encoding, rate: as for `load_dataset`, and
            as for the run that the labels come from.
        skip_unreadable, data_root, download, allow_outside: as for `load_dataset`.
        recipe: as for `measure`; its cosine period is the number of epochs unless it says otherwise.
        features, shares, group: fit heads on features, as for `measure`.
        beside: what else to train with as many steps, where the new labels leave examples out: ``random``, as
            many at random, others in each trial, and ``rs2``, others in every epoch.
        model, epochs, seed, batch_size, image_size, pretrained: of the trainings, as for `measure`.
        device, executor, ray_address, jobs, precision, progress: as for `measure`.
        cache: keep photos at the working resolution in a file in ``out``.

    Raises:
        BadInput: something given cannot be used, next to all is decided and nothing held out, or both
            labels are the same; nothing was written.
        RunFailed: a trial failed or could not be stored; the finished ones are kept.
    """
    given, out = locals(), at_home(out)
    with progress_of(progress, verify, given) as tell:
        training = from_arguments(Training, {**given, "model": model and model_name(model)})
        loading, featuring = from_arguments(Loading, given), from_arguments(Featuring, given)
        plans = plan_verification(data, training, trials, loading, out, before, featuring, device)
        return carry_out_verification(plans.with_arms(beside), out, from_arguments(Execution, given), tell)


@dataclass(frozen=True, eq=False)
class VerificationPlans:
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
    def by_name(self) -> dict[str, Plan]:
        """All, by the name of their run."""
        return {BEFORE: self.before, AFTER: self.after, **self.beside}

    def with_arms(self, names: Sequence[str]) -> VerificationPlans:
        """The same with arms beside them, see `plans_beside`."""
        names = [one.strip() for one in names if one.strip()]
        everything, kept = (int((one >= 0).sum()) for one in self.labels)
        return replace(self, beside=plans_beside(names, self.before, everything, kept))

    def forecast(self, out: Path, execution: Execution) -> str:
        """The cost of carrying them out below ``out``, in a sentence; nothing is trained."""
        costs = plan_costs(self.by_name, out, resolve_device(execution.device), execution)
        text = describe(self.by_name, missing_by_run(self.by_name, out), costs)
        if self.decided is None:
            return f"{text}; all are tested on the held-out split"
        num = show.counted(int((~self.decided).sum()), "example")
        return f"{text}; each is tested on what it leaves out of {num} that nobody decided"

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


def plan_verification(
    source: Any,
    training: Training,
    trials: int,
    loading: Loading,
    out: Path,
    labels_before: str | Path | None = None,
    featuring: Featuring = Featuring(),
    device: str = "cpu",
) -> VerificationPlans:
    """Check every choice and plan the runs of `verify` below ``out``; writes and trains nothing.

    The labels ``before`` are those of the source unless a file has them. The ``device`` makes features.
    """
    if loading.labels is None:
        raise BadInput("--labels: give the CSV file of the labels to verify, as `easiness clean` writes it")
    data = given_data(source, replace(loading, labels=None), featuring.group)
    if data.held_out is not None and len(data.held_out) < 2:
        raise BadInput(f"{data.name}: one held-out example is too few to test on; hold out more")
    crossed = data.held_out is None
    read = partial(new_labels, data, splits=("train", "held_out") if crossed else ("train",))
    old, known = (data.labels, False) if labels_before is None else read(labels_before)
    new, found = read(loading.labels)
    if np.array_equal(old, new):
        raise BadInput(
            f"{loading.labels}: has the labels that {labels_before or data.name} has, of every example; "
            "there is nothing to verify"
        )
    asked = {"trials": trials, "loading": Loading(download=loading.download), "device": device}
    plan = partial(_planner(data, training, featuring, out), **asked)
    if not crossed:
        before = data if labels_before is None else relabelled(data, labels_before)
        return VerificationPlans(plan(before), plan(relabelled(data, loading.labels)), (old, new))
    check_rotates(trials, SHARES if featuring.shares is None else tuple(featuring.shares))
    decided = known | found | (old != new)
    if decided.sum() > len(data) - _FEWEST:
        raise BadInput(
            f"{loading.labels}: leaves {(~decided).sum()} examples that nobody decided, too few to test on; "
            "give data with a held-out split"
        )
    plans: list[Plan] = []
    for labels in (old, new):  # what is left out keeps its label and its fold, to be tested there
        given = np.where(labels < 0, data.labels, labels)
        source = data.source if np.array_equal(given, data.labels) else None
        own = plan(replace(data, source=source, labels=given, true_labels=given))
        plans.append(own.dealt(Deal(plans[0].data.labels if plans else given, never=labels < 0)))
    return VerificationPlans(plans[0], plans[1], (old, new), decided)


def _planner(data: Dataset, training: Training, featuring: Featuring, out: Path) -> Callable[..., Plan]:
    """How to plan trials on either labels: tested on what is held out, or else on what they leave out."""
    training, heads = with_recipe(training, out / BEFORE), on_features(featuring, training)
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
        featuring=replace(featuring, group=None),  # which the data have by now
        recording=Recording(observe=ALL if heads else LAST, keep_weights=False, splits=splits),
    )


def carry_out_verification(
    plans: VerificationPlans, out: Path, execution: Execution, progress: Progress | None = None
) -> Verification:
    """Carry out what is missing of the plans below ``out`` and read the result."""
    by_name = plans.by_name
    if plans.before.deal and not plans.before.features and any(missing_by_run(by_name, out).values()):
        groups = _in_one_fold(plans.before.data)
        by_name = {
            name: replace(one, deal=replace(one.deal, groups=groups))  # type: ignore[type-var]
            for name, one in by_name.items()
        }
    return plans.read(carry_out_all(by_name, out, execution, progress=progress))


def _in_one_fold(data: Dataset) -> npt.NDArray[np.int64]:
    """Numbers [K], the same for examples that networks see together or not at all: copies, and groups."""
    pairs = find_conflicts(data).table()
    at = {name: position for position, name in enumerate(data.ids.tolist())}
    a, b = (np.array([at[one] for one in pairs[side]], np.int64) for side in ("id_a", "id_b"))
    same = (pairs["distance"] == 0).to_numpy(bool)
    return joined_with_near(len(data), [(a[same], b[same])], (a, b), data.groups)
