"""Carrying out a plan: train what its run lacks, store each trial as it ends."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import torch

from easiness.data import Dataset, WorkingImages, working_images
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.executors import make_executor
from easiness.record import TrialRecord
from easiness.spec import Resolved, RunSpec, TrialSpec
from easiness.store import Run, RunWriter, check_output, is_run, open_run, tidy
from easiness.store.run import read_document
from easiness.studies.cost import Cost, estimate_cost, size_text
from easiness.studies.plan import Plan
from easiness.studies.progress import Progress
from easiness.training import resolve, resolve_device
from easiness.trial import run_trial


def carry_out(
    plan: Plan,
    out: Path,
    *,
    device: str = "auto",
    executor: str = "serial",
    cache: bool = True,
    retrain_damaged: bool = False,
    progress: Progress | None = None,
    resolved: Resolved | None = None,
) -> Run:
    """Train and store what the run in ``out`` lacks of ``plan``; as `measure` otherwise.

    ``resolved`` is what ``auto`` has become for runs like this one, where that is known.
    """
    check_output(out)
    runner = make_executor(executor)
    if is_run(out) and not retrain_damaged:
        run = _checked(open_run(out), plan)
        if not _missing(run, plan, [])[0]:
            tidy(run)
            return run
    target = resolve_device(device)
    cache_folder = cache_beside(out) if cache else None
    progress = progress or Progress()
    with RunWriter(out) as writer:
        stored = None
        if is_run(out):
            stored = read_document(out).spec
            plan.check_continues(stored, out)
            removed = writer.remove_damaged() if retrain_damaged else []
            run = _checked(writer.read(), plan)
            missing, num_trials, num_epochs = _missing(run, plan, removed)
            if not missing:
                return run
            assert isinstance(stored, RunSpec)
            spec = plan.spec(stored.resolved, num_trials, num_epochs)
        else:
            spec = plan.spec(resolved or resolve_plan(plan, target), plan.trials, plan.epochs)
            missing = list(range(plan.trials))
        cost = estimate_cost(spec, plan.data, len(missing), target, cache_folder)
        check_room(cost, out)
        progress.begin(spec, missing, out, cost)
        # an image that cannot be decoded shows before the run is made
        images = _images(plan, cache_folder, progress)
        if stored is None:
            writer.create(spec, plan.data.ids, plan.data.labels)
        elif spec != stored:
            writer.describe(spec)

        def train(trial: TrialSpec) -> TrialRecord:
            return run_trial(
                trial,
                plan.data,
                target,
                images=images,
                ranking=plan.ranking,
                on_epoch=progress.epoch,
                on_images=progress.images,
                pretrained=plan.pretrained,
            )

        failures = {}
        for outcome in runner.run(train, [spec.trial(index) for index in missing]):
            trial = outcome.item
            if outcome.value is None:
                failures[trial.index] = reason = _reason(outcome.error)
                writer.note_failure(trial.index, reason)
                progress.failed(trial.index, reason)
            else:
                _store(writer, plan.data, trial, outcome.value, spec.keep_weights)
                progress.stored(trial.index)
        run = writer.read()
    if failures:
        lines = "; ".join(f"trial {index}: {reason}" for index, reason in failures.items())
        raise RunFailed(
            f"{out}: {len(failures)} of {spec.trials} trials failed ({lines}); "
            f"the {len(run.trials)} finished ones are kept"
        )
    return run


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


def resolve_plan(plan: Plan, device: torch.device) -> Resolved:
    """What ``auto`` becomes for this plan on this machine, by a short measurement."""
    return resolve(
        plan.model,
        plan.recipe,
        plan.input_shape,
        plan.data.num_classes,
        plan.num_trained_on,
        device,
        plan.precision,
    )


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
