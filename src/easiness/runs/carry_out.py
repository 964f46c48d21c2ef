"""Carrying out a plan: train what its run lacks, store each trial as it ends."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from easiness.data import Dataset, WorkingImages, working_images
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.executors import Executor, Jobs, SerialExecutor
from easiness.record import TrialRecord
from easiness.runs.auto.choose import Compile, check_compile, resolve_plan
from easiness.runs.cost import Cost, estimate_cost
from easiness.runs.pace import Pace
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.trainer import Group, Trainer, groups_of
from easiness.runs.work import work_of
from easiness.runs.workers import Workers, allowed_jobs, jobs_of
from easiness.show.amounts import size_text
from easiness.spec import Resolved, RunSpec, TrialSpec
from easiness.store import Run, RunWriter, check_output, is_run, open_run, tidy
from easiness.store.files import ASIDE
from easiness.store.run import read_document
from easiness.training import EpochReport, resolve_device
from easiness.wait_policy import warn_of_spinning


def carry_out(
    plan: Plan,
    out: Path,
    *,
    device: str = "auto",
    executor: str = "auto",
    jobs: Jobs = "auto",
    compiling: Compile = "auto",
    choose_again: bool = False,
    cache: bool = True,
    retrain_damaged: bool = False,
    progress: Progress | None = None,
    resolved: Resolved | None = None,
    more: Callable[[Run], int | None] | None = None,
    workers: Workers | None = None,
) -> Run:
    """Train and store what the run in ``out`` lacks of ``plan``; as `measure` otherwise.

    ``resolved`` is what ``auto`` has become for runs like this one, where that is known, and ``workers``
    are those of other runs. ``more`` is asked when all trials are there, and says how many trials the run
    is to have then, or ``None`` where these are enough.
    """
    check_output(out)
    check_compile(compiling)
    jobs = allowed_jobs(executor, jobs, photos_in_memory=plan.recipe.crop > 0 and not cache)
    if is_run(out) and not retrain_damaged:
        run = _checked(open_run(out), plan)
        if not _missing(run, plan, [])[0]:
            enough = None if more is None else more(run)
            if enough is None:
                tidy(run)
                return run
            plan = replace(plan, trials=enough)
    target = resolve_device(device)
    cache_folder = cache_beside(out) if cache else None
    progress = progress or Progress()
    with RunWriter(out) as writer, ExitStack() as stack:
        stored = None
        removed: list[int] = []
        if is_run(out):
            stored = read_document(out).spec
            plan.check_continues(stored, out)
            assert isinstance(stored, RunSpec)
            removed = writer.remove_damaged() if retrain_damaged else []
            missing, num_trials, num_epochs = _missing(_checked(writer.read(), plan), plan, removed)
            wanted = None if missing or more is None else more(writer.read())
            if wanted is not None:
                plan = replace(plan, trials=wanted)
                missing, num_trials, num_epochs = _missing(writer.read(), plan, [])
            settings = stored.resolved
        else:
            missing, num_trials, num_epochs = list(range(plan.trials)), plan.trials, plan.epochs
            settings = resolved or resolve_plan(
                plan,
                target,
                executor=executor,
                jobs=jobs,
                compiling=compiling,
                may_group=more is None,
                choose_again=choose_again,
                tell=progress.note,
            )
        spec = plan.spec(settings, num_trials, num_epochs)
        num_jobs = jobs_of(settings, executor, jobs, target)
        if jobs not in ("auto", num_jobs):
            progress.note(
                f"{out}: {num_jobs} at a time instead of {jobs}, since the trials of this run take "
                f"{settings.threads} threads each"
            )
        workers = workers or stack.enter_context(Workers(executor))
        images: dict[str, WorkingImages] = {}
        failures: dict[int, str] = {}
        while missing:
            here = spec.model_copy(update={"resolved": settings.model_copy(update={"jobs": num_jobs})})
            groups = groups_of(missing, settings.together)
            num_trained = sum(map(len, groups))
            cost = estimate_cost(here, plan.data, num_trained, target, cache_folder)
            check_room(cost, out)
            progress.begin(here, missing, out, cost)
            # an image that cannot be decoded shows before the run is made
            images = images or _images(plan, cache_folder, progress)
            if stored is None:
                writer.create(spec, plan.data.ids, plan.data.labels)
            elif spec != stored:
                writer.describe(spec)
            stored = spec
            trainer = Trainer(spec, plan.data, str(target), images, plan.ranking, plan.pretrained)
            progress.images(0)  # it has begun, though processes may have to start first
            pace = Pace(spec.epochs, spec.resolved.together)
            failures = _train(
                trainer, groups, missing, workers.of(num_jobs, len(groups)), writer, progress, pace
            )
            if len(groups) >= num_jobs:  # or the processes were fewer than this is about
                pace.learn(work_of(here, plan.data, str(target)), here.resolved)
            wanted = None if failures or more is None else more(writer.read())
            if wanted is None:
                break
            plan = replace(plan, trials=wanted)
            missing, num_trials, num_epochs = _missing(writer.read(), plan, [])
            spec = plan.spec(settings, num_trials, num_epochs)
        run = writer.read()
    if failures:
        lines = "; ".join(f"trial {index}: {reason}" for index, reason in failures.items())
        raise RunFailed(
            f"{out}: {len(failures)} of {spec.trials} trials failed ({lines}); "
            f"the {len(run.trials)} finished ones are kept"
        )
    return run


def _train(
    trainer: Trainer,
    groups: list[Group],
    missing: list[int],
    executor: Executor,
    writer: RunWriter,
    progress: Progress,
    pace: Pace,
) -> dict[int, str]:
    """Train groups and store their missing trials; returns why some failed, by index."""

    def hear(told: int | EpochReport) -> None:
        if isinstance(told, EpochReport):
            progress.epoch(told)
            pace.note(told)
        else:
            progress.images(told)

    def note(index: int, reason: str) -> None:
        failures[index] = reason
        writer.note_failure(index, reason)
        progress.failed(index, reason)

    failures: dict[int, str] = {}
    serial = isinstance(executor, SerialExecutor)
    if serial and trainer.device == "cpu" and trainer.spec.resolved.threads > 1:
        warn_of_spinning()
    prefix = f"{ASIDE}{uuid.uuid4().hex}-"
    with nullcontext(trainer) if serial else trainer.shared(writer.path, prefix) as sent:
        for outcome in executor.run_telling(sent, groups, hear):
            results: Sequence[TrialRecord | Exception | None]
            results = outcome.value or [outcome.error] * len(outcome.item)
            for index, result in zip(outcome.item, results, strict=True):
                if index not in missing:
                    continue  # trained again for the sake of those beside it
                if isinstance(result, TrialRecord):
                    _store(writer, trainer.data, trainer.spec.trial(index), result, trainer.spec.keep_weights)
                    progress.stored(index)
                else:
                    note(index, _reason(result))
    return failures


def check_room(cost: Cost, out: Path) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        BadInput: the photos to be cached need more than is free.
    """
    place = next(folder for folder in out.absolute().parents if folder.exists())
    free = shutil.disk_usage(place).free
    if cost.cache_bytes > free:
        raise BadInput(
            f"{out}: the cached photos need about {size_text(cost.cache_bytes)} and {size_text(free)} are "
            "free; make room, use --limit, or --cache off"
        )


def cache_beside(out: Path) -> Path:
    """The folder of cached photos of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-cache"


def _images(plan: Plan, cache: Path | None, progress: Progress) -> dict[str, WorkingImages]:
    return {
        name: working_images(
            split, plan.recipe, cache, partial(progress.cached, split.split, total=len(split))
        )
        for name, split in plan.data.splits.items()
    }


def _checked(run: Run, plan: Plan) -> Run:
    """The run, if the plan continues it and no file of it is damaged."""
    plan.check_continues(run.spec, run.path)
    run.check()
    return run


def missing_trials(plan: Plan, out: Path) -> int:
    """How many trials the run in ``out`` lacks of ``plan``; a damaged one shows when it is carried out."""
    if not is_run(out):
        return plan.trials
    return len(_missing(open_run(out), plan, [])[0])


def _missing(run: Run, plan: Plan, removed: list[int]) -> tuple[list[int], int, int]:
    """Indices to train, and the size the run then has. A run is a rectangle and only grows.

    ``removed`` are trials to train again, also where the plan asks for fewer.
    """
    have = {trial.index: trial.epochs for trial in run.trials}
    wanted = {*range(plan.trials), *removed}
    if all(have.get(index, 0) >= plan.epochs for index in wanted):
        return [], len(have), run.epochs
    trials = max(wanted | have.keys()) + 1
    epochs = max([plan.epochs, *have.values()])
    return [i for i in range(trials) if have.get(i, 0) < epochs], trials, epochs


def _reason(error: Exception | None) -> str:
    if isinstance(error, TrialFailed):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _store(
    writer: RunWriter, data: Dataset, trial: TrialSpec, record: TrialRecord, keep_weights: bool
) -> None:
    ids = {"train": data.ids}
    if data.held_out is not None:
        ids["held_out"] = data.held_out.ids
    try:
        writer.add(
            record,
            ids,
            index=trial.index,
            seed=trial.seed,
            identity=trial.hash,
            spec=trial,
            keep_weights=keep_weights,
        )
    except OSError as error:
        raise RunFailed(
            f"{writer.path}: trial {trial.index} cannot be stored ({error.strerror or error}); "
            f"the {len(writer.read().trials)} finished ones are kept; make room and run it again"
        ) from error
