"""``verify``: what other labels are worth, by paired networks on those before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from easiness.analysis import paired_gain
from easiness.data import Dataset, part_of
from easiness.errors import BadInput
from easiness.models import ModelGiven, model_name
from easiness.regular_file import at_home
from easiness.runs import (
    Plan,
    Progress,
    carry_out_all,
    given_data,
    on_features,
    plan_of,
    progress_of,
    with_recipe,
)
from easiness.spec import (
    ALL,
    LAST,
    Execution,
    Featuring,
    Jobs,
    Loading,
    Precision,
    Recipe,
    Recording,
    Training,
    from_arguments,
    recipe_settings,
)
from easiness.store import Run
from easiness.studies.verification.beside import plans_beside, read_beside
from easiness.studies.verification.verification import Verification

BEFORE, AFTER = "before", "after"
"""Names of the runs."""

_NONE = -1


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
    label: str | None = None,
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
    """Train on the labels before and on those of a file, and test both on the held-out split.

    With ``features`` heads are fitted instead of networks trained, and tested at the largest share.

    With ``beside`` others are trained with as many steps as the new labels have.

    Trials of the same index share their seeds, have as many epochs, and are tested after the last on the same
    examples, whose labels stay as they are. The gain is the mean difference of their accuracies, with an
    interval over trials and held-out examples (`paired_gain`). The two runs are in the folders ``before`` and
    ``after`` below ``out``; what is there is kept, and more trials train the new ones alone.

    Args:
        data: a `Dataset` or what `load_dataset` takes, without the new labels.
        labels: the CSV file of the new labels, as `clean` writes it.
        before: the CSV file of the labels before; those of the source unless given. For labels that come from
            a run with a file of its own.
        model: the network to train; as for `measure`.
        trials: pairs of trainings, two at least for an interval.
        epochs: of each training.
        out: folder of the runs.
        limit: train on this many examples, class-balanced; as for the run that the labels come from.
        skip_unreadable: leave out images that cannot be read, and name them; a `Dataset` has to be loaded
            that way.
        data_root: folder of a torchvision data set.
        download: let torchvision or the hub download what is not on disk.
        allow_outside: let a CSV manifest name files outside of its folder.
        holdout: hold out and test on this share of each class, where there is no held-out split; as for the
            run that the labels come from.
        columns: names that a CSV manifest has for ``path``, ``label`` and ``split``, where they are others.
        text, sound: column of a table that holds the texts, or the recordings; see `load_dataset`.
        inputs: columns of a table that are the input: numbers, categories, or lists of numbers.
        label: column of a table that holds the labels.
        encoding: of a CSV and of ``.txt`` files, where they are not UTF-8.
        rate: samples a second of recordings that are given as arrays.
        seed: of the runs.
        batch_size: examples per step, instead of the recipe's.
        image_size: side in pixels that photos are cropped to, instead of the recipe's.
        recipe: as for `measure`; its cosine period is the number of epochs unless it says otherwise.
        pretrained: start from the published weights of a torchvision or timm network, where they are on
            disk, instead of from scratch.
        features, shares, group: fit heads on features, as for `measure`.
        beside: what else to train with as many steps, where the new labels leave examples out: ``random``, as
            many at random, others in each trial, and ``rs2``, others in every epoch.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        executor: where trials run: ``serial``, ``processes``, ``ray``, ``package.module:name`` for one of
            your own, or ``auto``: processes where several jobs are.
        ray_address: for ``ray``: where the cluster is; one is started on this machine unless given.
        jobs: how many trials at a time; ``auto`` is as many as cores, memory and trials allow.
        precision: ``auto`` is bfloat16 where the device multiplies such numbers, else float32.
        cache: keep photos at the working resolution in a file in ``out``.
        progress: whether to show it: a bar on a terminal, a line in a notebook, lines on standard error
            elsewhere; or a `Progress` of your own to call.

    Raises:
        BadInput: something given cannot be used, there is no held-out split, or both labels are the
            same; nothing was written.
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
    """The plans of the runs on the labels ``before`` and ``after``, and of those ``beside`` them by name."""

    before: Plan
    after: Plan
    beside: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def by_name(self) -> dict[str, Plan]:
        """All, by the name of their run."""
        return {BEFORE: self.before, AFTER: self.after, **self.beside}

    def with_arms(self, names: Sequence[str]) -> VerificationPlans:
        """The same with arms beside them, see `plans_beside`."""
        return replace(self, beside=plans_beside(names, self.before, self.after))

    def read(self, runs: Mapping[str, Run]) -> Verification:
        """The result, from the finished runs by name; trials beyond the plan are left out."""
        num, epochs, heads = self.before.trials, self.before.epochs, self.before.asked.heads
        right = {name: runs[name].first(num).votes(epochs, split="held_out").correct for name in runs}
        data, kept = self.before.data, self.after.data
        own = dict(zip(data.ids.tolist(), data.labels.tolist(), strict=True))
        labels = np.array([own.get(name, _NONE) for name in kept.ids.tolist()], np.int64)
        shared = labels != _NONE
        return Verification(
            model=self.before.model,
            epochs=epochs,
            num_examples=len(data),
            num_relabelled=int((labels != kept.labels)[shared].sum()),
            num_dropped=len(data) - int(shared.sum()),
            num_taken_back=int((~shared).sum()),
            num_held_out=right[BEFORE].shape[1],
            before=right[BEFORE].mean(axis=1),
            after=right[AFTER].mean(axis=1),
            gain=paired_gain(right[BEFORE], right[AFTER]),
            share=None if heads is None else heads.shares[-1],
            beside=read_beside(right, BEFORE, AFTER),
        )


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

    Raises:
        BadInput: something given cannot be used (names it).
    """
    if loading.labels is None:
        raise BadInput("--labels: give the CSV file of the labels to verify, as `easiness clean` writes it")
    data = given_data(source, replace(loading, labels=None), featuring.group)
    if data.held_out is None:
        raise BadInput(
            f"{data.name}: has no held-out split to test on; hold a part out (--holdout 0.2), as in the run "
            "that the labels were decided with"
        )
    if len(data.held_out) < 2:
        raise BadInput(f"{data.name}: one held-out example is too few to test on; hold out more")
    before = data if labels_before is None else part_of(data, Loading(labels=str(labels_before)))
    after = part_of(data, Loading(labels=loading.labels))
    if _same(before, after):
        raise BadInput(
            f"{loading.labels}: has the labels that {labels_before or data.name} has, of every example; "
            "there is nothing to verify"
        )
    training, heads = with_recipe(training, out / BEFORE), on_features(featuring, training)
    if not heads and not isinstance(training.recipe, Recipe):
        settings = recipe_settings(training.recipe, model=data.kind.network(training.model))
        training = replace(training, recipe={"period": "epochs", **settings})
    recording = Recording(observe=ALL if heads else LAST, keep_weights=False, splits=("held_out",))
    plan = partial(
        plan_of,
        training=training,
        trials=trials,
        featuring=replace(featuring, group=None),  # which the data have by now
        loading=Loading(download=loading.download),
        recording=recording,
        device=device,
    )
    return VerificationPlans(plan(before), plan(after))


def _same(before: Dataset, after: Dataset) -> bool:
    return np.array_equal(before.ids, after.ids) and np.array_equal(before.labels, after.labels)


def carry_out_verification(
    plans: VerificationPlans, out: Path, execution: Execution, progress: Progress | None = None
) -> Verification:
    """Carry out what is missing of the plans below ``out`` and read the result.

    Raises:
        BadInput: ``out`` is itself a run, or a folder below it holds something else.
        RunFailed: a trial failed or could not be stored; the finished ones are kept.
    """
    return plans.read(carry_out_all(plans.by_name, out, execution, progress=progress))
