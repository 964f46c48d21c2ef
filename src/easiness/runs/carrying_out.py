"""Carrying out a plan: decode its images, train what its run lacks, store each trial as it ends."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from easiness import inputs
from easiness.data import Dataset, same_values
from easiness.errors import BadInput, RunFailed
from easiness.features import ready_features
from easiness.gate import fits
from easiness.heads import Deal, bytes_of_moments, kept_together
from easiness.inputs import Unreadable
from easiness.lazy import Integers, Reals
from easiness.models import is_given
from easiness.runs.execution import (
    Cost,
    Workers,
    check_compile,
    effort_text,
    estimate_cost,
    jobs_of,
    resolve_plan,
    seconds_beside,
    settle_execution,
)
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.source import cache_beside, features_beside
from easiness.runs.trainer import Making, Task, Trainer, check_checkpoints, features_key
from easiness.show import quantity, size_text, trials_text
from easiness.spec import RIDGE, Execution, Heads, Resolved, content_hash
from easiness.store import (
    Form,
    Run,
    RunWriter,
    check_output,
    damaged_trials,
    is_run,
    keep_answer,
    kept_answer,
    open_run,
    read_document,
    tidy,
)
from easiness.training import resolve_device

_MANY = 5000  # examples, from which on looking for copies takes a noticeable time
_GROUPS: Mapping[str, Form] = {"groups": (np.int64, ("examples",))}

Groups = Integers


def examples_together(plan: Plan, features: Sequence[Reals], folder: Path) -> Groups:
    """Numbers [K], the same for examples of the plan that heads see together or not at all."""
    heads = plan.request.heads
    assert heads is not None
    many = len(plan.data) >= _MANY
    key = content_hash([one.identity for one in heads.features] + [plan.data.contents, heads.groups])
    answer = kept_answer(folder, key[:32], key, _GROUPS) if many else None
    if answer is None:
        answer = {"groups": kept_together(features, plan.data.groups, same_values(plan.data))}
        if many:
            with contextlib.suppress(OSError):  # it saves time alone
                folder.mkdir(parents=True, exist_ok=True)
            keep_answer(folder, key[:32], key, answer)
    groups = answer["groups"]
    num = len(np.unique(groups))
    if num < heads.folds:
        raise BadInput(
            f"features {heads.features[0].name!r}: {num} of {len(groups)} examples differ, and share "
            f"{heads.shares[-1]:g} rotates over {heads.folds} folds; give --shares whose largest is smaller, "
            "such as 0.5, or other features"
        )
    return groups


def check_memory(heads: Heads, num: int, classes: int, widths: Sequence[int]) -> None:
    num_shown, blocks = round(heads.shares[-1] * num), heads.folds * len(heads.shares)
    total = sum(bytes_of_moments(num_shown, width, classes, blocks) for width in widths)
    if not fits(total):
        longest = max(widths)
        raise BadInput(
            f"features {heads.features[widths.index(longest)].name!r}: vectors of {longest:,} values, whose "
            f"sums need about {size_text(total)} of memory; give shorter ones, or use --model linear"
        )


More = Callable[[Run], int | None]
"""Says how many trials a run that has all it was asked for is to have, or ``None`` if these are enough."""


@dataclass(frozen=True)
class Foreseen:
    """Say what would be trained, how, and which run goes on, if any."""

    execution: Execution
    task: Task
    run: Run | None


def carry_out(
    plan: Plan,
    out: Path,
    execution: Execution,
    *,
    retrain_damaged: bool = False,
    progress: Progress | None = None,
    resolved: Resolved | None = None,
    more: More | None = None,
    workers: Workers | None = None,
) -> Run:
    """Train and store what the run in ``out`` lacks of ``plan``; as `measure` otherwise.

    ``resolved`` is what ``auto`` becomes, where that is known, and ``workers`` are those of other runs.
    """
    execution = _checked_execution(plan, out, execution)
    is_checked = is_run(out) and not retrain_damaged
    if is_checked:
        run = _check(open_run(out, trust=True), plan)  # the plan names the same network, or this fails
        task = _task(plan, run, more)
        if not task.missing:
            tidy(run)
            return run
        plan = task.plan  # with as many trials as are wanted by now
    device, progress = resolve_device(execution.device), progress or Progress()
    cache = _cache(out, execution)
    failures: dict[int, str] = {}
    if is_given(plan.model):
        progress.note(f"{out}: only this process can resume the run: {plan.model} is defined in no module")
    with RunWriter(out) as writer, writer.events.note_end(), ExitStack() as stack:
        task, settings_of_run = _begin(writer, plan, more, retrain_damaged, is_checked)
        # before anything is trained: an unreadable image is said at once
        with naming_unreadable(plan.data):
            images, deal = _ready(plan, cache, out, progress) if task.missing else ({}, None)
        settings = settings_of_run or resolved or resolve_plan(plan, device, execution)
        spec = plan.spec(settings, plan.trials, plan.epochs)
        making = Making(
            writer=writer,
            trainer=Trainer(spec, plan.data, str(device), images, plan.ranking, plan.pretrained, deal=deal),
            device=device,
            jobs=_jobs(settings, execution, device, out, progress),
            workers=workers or stack.enter_context(closing(Workers(execution))),
            cache=cache,
            progress=progress,
            checkpoint_every=execution.checkpoint_every,
        )
        while task.missing and not failures:
            failures = making.train(task)
            task = task if failures else _task(task.plan, writer.read(), more)
        run = writer.read()
    if failures:
        raise RunFailed(_failure_text(out, failures, task.trials, len(run.trials)))
    return run


def foresee(
    plan: Plan, out: Path, execution: Execution, *, retrain_damaged: bool = False, more: More | None = None
) -> Foreseen:
    """Tell what `carry_out` would train of the plan, or why it would not; only reads."""
    execution = _checked_execution(plan, out, execution)
    if not is_run(out):
        return Foreseen(execution, _task(plan), None)
    damage = damaged_trials(out) if retrain_damaged else {}
    run = _check(Run(out, is_trusted=True, but=damage), plan)
    return Foreseen(execution, _task(plan, run, more, [*damage.values()]), run)


def _checked_execution(plan: Plan, out: Path, execution: Execution) -> Execution:
    check_output(out)
    check_compile(execution.compile)
    if plan.features and execution.compile == "on":
        raise BadInput("--compile on: is for networks that are trained; with --features leave it out")
    check_checkpoints(execution.checkpoint_every)
    photos = plan.recipe.crop > 0 and not plan.features
    return settle_execution(execution, photos=photos, models=[plan.model])


def _failure_text(out: Path, failures: dict[int, str], num_trials: int, num_finished: int) -> str:
    of_reason: dict[str, list[int]] = {}
    for index, reason in failures.items():
        of_reason.setdefault(reason, []).append(index)
    lines = "; ".join(f"{trials_text(indices)}: {reason}" for reason, indices in of_reason.items())
    ending = (
        "the 1 finished one is kept" if num_finished == 1 else f"the {num_finished} finished ones are kept"
    )
    return f"{out}: {len(failures)} of {quantity(num_trials, 'trial')} failed ({lines}); {ending}"


def _begin(
    writer: RunWriter, plan: Plan, more: More | None, retrain_damaged: bool, is_checked: bool
) -> tuple[Task, Resolved | None]:
    """List what a run lacks, damaged trials included, and what ``auto`` became for it where it exists."""
    if not is_run(writer.path):
        writer.note_work(())
        return _task(plan), None
    plan.check_continues(read_document(writer.path).spec, writer.path)  # before anything is removed
    indices = writer.remove_damaged() if retrain_damaged else []
    run = writer.read() if is_checked else _check(writer.read(), plan)
    task = _task(plan, run, more, indices)
    writer.note_work(())  # not before: a plan that is refused changes nothing
    assert run.spec.measured is not None
    return task, run.spec.measured.resolved


def _jobs(
    settings: Resolved, execution: Execution, device: torch.device, out: Path, progress: Progress
) -> int:
    jobs = jobs_of(settings, execution, device)
    if execution.jobs not in ("auto", jobs):
        progress.note(
            f"{out}: {jobs} at a time instead of {execution.jobs}, since the trials of this run take "
            f"{settings.threads} threads each"
        )
    return jobs


def _check(run: Run, plan: Plan) -> Run:
    plan.check_continues(run.spec, run.path)
    run.check()
    return run


def _task(plan: Plan, run: Run | None = None, more: More | None = None, retrain: Sequence[int] = ()) -> Task:
    """List what the run lacks of the plan; if nothing, of the plan with as many trials as ``more`` wants.

    A run is a rectangle and only grows. Trials ``retrain`` are trained again, also where the plan asks for
    fewer.
    """
    have = {} if run is None else {trial.index: trial.epochs for trial in run.trials}
    indices = {*range(plan.trials), *retrain}
    if run is not None and all(have.get(index, 0) >= plan.epochs for index in indices):
        trials = None if more is None else more(run)
        return Task(plan, [], len(have), run.epochs) if trials is None else _task(plan.of(trials), run)
    epochs = max([plan.epochs, *have.values()])
    missing = [index for index in range(max(indices | have.keys()) + 1) if have.get(index, 0) < epochs]
    return Task(plan, missing, max(indices | have.keys()) + 1, epochs)


def _ready(
    plan: Plan, cache: Path | None, out: Path, progress: Progress
) -> tuple[dict[str, inputs.Values], Deal | None]:
    if not plan.features:
        return ready_images(plan, cache, progress), plan.deal
    values: dict[str, inputs.Values] = {}
    of_train = []
    for at, source in enumerate(plan.features):
        vectors = ready_features(source, plan.data, features_beside(out), progress.preparation)
        values |= {features_key(name, at): inputs.Pack.of_array(own) for name, own in vectors.items()}
        of_train.append(vectors["train"])
    heads = plan.request.heads
    if heads is not None and plan.model == RIDGE:
        check_memory(heads, len(plan.data), plan.data.num_outputs, [one.shape[1] for one in of_train])
    groups = examples_together(plan, of_train, features_beside(out))
    return values, replace(plan.deal or Deal(plan.data.labels), groups=groups)


def ready_images(plan: Plan, cache: Path | None, progress: Progress) -> dict[str, inputs.Values]:
    """The images that a run takes, every one of them decoded once.

    Photos are put into the folder ``cache``, or held in memory without one. Photos that do not fit are only
    checked, unless that was done when the data were loaded (``skip_unreadable``).
    """
    images: dict[str, inputs.Values] = {}
    for name, split in plan.data.splits.items():
        tell = partial(progress.preparation, f"caching photos of {split.split}", total=len(split))
        images[name] = split.packed(plan.recipe, cache, tell)
        if isinstance(images[name], inputs.DecodedPhotos) and not plan.data.load_options.skip_unreadable:
            passes = inputs.track(split.stored.map(lambda _: None), "checking images", len(split))
            deque(passes, maxlen=0)
    return images


LOOKED_FOR = 20.0
"""Seconds for which a dry run looks at examples."""


@contextmanager
def naming_unreadable(data: Dataset) -> Iterator[None]:
    """Within the block an error of one unreadable example becomes one of all, which are then looked for."""
    try:
        yield
    except Unreadable as error:
        others = [name for split in data.splits.values() for name in _unreadable(split, error.name)]
        raise Unreadable(error.name, error.reason, others) from None


def check_readable(data: Dataset, seconds: float = LOOKED_FOR) -> str:
    """Read the examples for so many seconds, unless that was done when they were loaded.

    The answer says how many were not looked at; it is empty where none were not.
    """
    splits = [split for split in data.splits.values() if hasattr(split.stored, "unreadable")]
    if data.load_options.skip_unreadable or not splits:
        return ""
    end, num_read, total = time.monotonic() + seconds, 0, sum(map(len, splits))
    what = f"checking {data.kind.nouns}"
    with naming_unreadable(data):
        for split in splits:
            for _ in inputs.track(split.stored.map(lambda _: None), what, total, num_read):
                num_read += 1
                if num_read < total and time.monotonic() > end:
                    return (
                        f"{num_read:,} of {total:,} {data.kind.nouns} were looked at; whether the others can "
                        "be read is seen before the training begins"
                    )
    return ""


def _unreadable(split: Dataset, name_of_first: str) -> Iterator[str]:
    examples, by_path = split.stored, split.ids.dtype == object
    for at in examples.unreadable() if hasattr(examples, "unreadable") else ():
        if examples.name(at) != name_of_first:
            yield str(split.ids[at]) if by_path else examples.name(at)


_LOOKED_FOR = 5.0  # seconds, at pictures of which features will be made


def check_study_folder(folder: Path) -> None:
    if is_run(folder):
        raise BadInput(f"{folder}: is a run; give another folder for the runs of the study (--out)")


def carry_out_all(
    plans: Mapping[str, Plan],
    folder: Path,
    execution: Execution,
    *,
    progress: Progress | None = None,
    announce: bool = True,
) -> dict[str, Run]:
    """Carry out the plans by name, each in a folder of its own below ``folder``; what is there is kept.

    With ``announce`` the progress is told how much there is to do.
    """
    check_study_folder(folder)
    execution = settle_execution(
        execution,
        photos=any(plan.recipe.crop for plan in plans.values()),
        models=[plan.model for plan in plans.values()],
    )
    progress = progress or Progress()
    for name, plan in plans.items():
        check_output(folder / name)
        if is_run(folder / name):
            plan.check_continues(read_document(folder / name).spec, folder / name)
    missing = missing_by_run(plans, folder)
    _check_images([plan for name, plan in plans.items() if missing[name]], folder, execution, progress)
    if announce:
        costs = plan_costs(plans, folder, resolve_device(execution.device), execution)
        progress.study(
            describe(plans, missing, costs),
            sum(cost.num_images for cost in costs.values()),
            sum(cost.operations for cost in costs.values()),
        )
    settings = _settings(plans, folder, resolve_device(execution.device), execution)
    with closing(Workers(execution)) as workers:
        return {
            name: carry_out(
                plan, folder / name, execution, progress=progress, resolved=settings[name], workers=workers
            )
            for name, plan in plans.items()
        }


def _settings(
    plans: Mapping[str, Plan], folder: Path, device: torch.device, execution: Execution
) -> dict[str, Resolved]:
    """The settings of each run: alike ones are trained alike, as one that exists, else as the longest."""

    def comes_first(name: str) -> tuple[bool, int]:
        plan = plans[name]
        return not is_run(folder / name), -plan.trials * plan.epochs * plan.num_trained_on

    of_kind: dict[tuple[object, ...], Resolved] = {}
    settings = {}
    for name in sorted(plans, key=comes_first):
        plan, out = plans[name], folder / name
        run = read_document(out).spec.measured if is_run(out) else None
        kind = plan.model, plan.signature.shape, plan.recipe.batch_size, plan.precision
        if kind not in of_kind:
            of_kind[kind] = resolve_plan(plan, device, execution) if run is None else run.resolved
        settings[name] = of_kind[kind] if run is None else run.resolved
    return settings


def _check_images(plans: list[Plan], folder: Path, execution: Execution, progress: Progress) -> None:
    """Read the images before anything is measured: those that networks train on each once."""
    for plan in [one for one in plans if any(source.slow for source in one.features)][:1]:
        check_readable(plan.data, _LOOKED_FOR)  # the others have the same examples, or fewer
    contents_read = set()
    for plan in plans:
        same = (plan.data.fingerprint, plan.recipe.crop, plan.recipe.resize, plan.recipe.reduce)
        if same not in contents_read and not plan.features:
            contents_read.add(same)
            with naming_unreadable(plan.data):
                ready_images(plan, _cache(folder / "any", execution), progress)


def describe(plans: Mapping[str, Plan], missing: Mapping[str, int], costs: Mapping[str, Cost]) -> str:
    """One line: what there is, what is to be trained, what that takes."""
    num_trials = sum(plan.trials for plan in plans.values())
    to_train = sum(missing.values())
    runs, trials = quantity(len(plans), "run"), quantity(num_trials, "trial")
    text = f"{runs} with {trials}, {num_trials - to_train} of them finished"
    if not to_train:
        return text
    disk = size_text(sum(cost.run_bytes for cost in costs.values()))
    return f"{text}; the other {to_train} take {effort_text([*costs.values()])} and {disk} of disk"


def plan_costs(
    plans: Mapping[str, Plan], folder: Path, device: torch.device, execution: Execution
) -> dict[str, Cost]:
    """The cost of the trials that are missing below ``folder``, of runs that lack some, by name."""
    beside, costs = seconds_beside(folder / "any"), {}
    settings = _settings(plans, folder, device, execution)
    for name, missing in missing_by_run(plans, folder).items():
        if missing:
            plan, cache = plans[name], _cache(folder / name, execution)
            spec = plan.spec(settings[name], plan.trials, plan.epochs)
            costs[name] = estimate_cost(spec, plan.data, missing, device, cache, beside)
    return costs


def _cache(out: Path, execution: Execution) -> Path | None:
    return cache_beside(out) if execution.cache else None


def missing_by_run(plans: Mapping[str, Plan], folder: Path) -> dict[str, int]:
    """How many trials each run lacks of its plan; a damaged one shows when it is carried out."""
    runs = {name: open_run(folder / name) if is_run(folder / name) else None for name in plans}
    return {name: len(_task(plan, runs[name]).missing) for name, plan in plans.items()}
