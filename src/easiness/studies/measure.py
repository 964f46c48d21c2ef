"""``measure``: plan the trials of a run, train what is missing, store each as it ends."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch

from easiness.data import Dataset, WorkingImages, working_images
from easiness.errors import RunFailed, TrialFailed
from easiness.executors import make_executor
from easiness.record import TrialRecord
from easiness.spec import Recipe, Resolved, RunSpec, TrialSpec
from easiness.store import Run, RunWriter, check_output, is_run, open_run, tidy
from easiness.store.run import read_document
from easiness.studies.cost import Cost, estimate_cost
from easiness.studies.plan import Plan, make_plan
from easiness.training import EpochReport, Precision, resolve, resolve_device
from easiness.trial import run_trial


class Progress(Protocol):
    """What a front end may show while a run goes on."""

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None:
        """Trials ``missing`` of the run are about to be trained."""

    def cached(self, split: str, done: int, total: int) -> None:
        """``done`` of the photos of a split are in the file that is being built."""

    def images(self, num: int) -> None:
        """``num`` more images went through a network, in training or observation."""

    def epoch(self, report: EpochReport) -> None:
        """A trial has finished an epoch."""

    def stored(self, index: int) -> None:
        """A trial is whole on disk."""

    def failed(self, index: int, reason: str) -> None:
        """A trial could not be finished; the others go on."""


class _Silent:
    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None: ...
    def cached(self, split: str, done: int, total: int) -> None: ...
    def images(self, num: int) -> None: ...
    def epoch(self, report: EpochReport) -> None: ...
    def stored(self, index: int) -> None: ...
    def failed(self, index: int, reason: str) -> None: ...


def measure(
    data: Any,
    *,
    model: str = "wrn_16_4",
    trials: int = 10,
    epochs: int = 10,
    out: str | Path,
    seed: int = 0,
    limit: int | None = None,
    skip_unreadable: bool = False,
    data_root: str | Path | None = None,
    download: bool = False,
    allow_outside: bool = False,
    cache: bool = True,
    pretrained: bool = False,
    batch_size: int | None = None,
    train_share: float = 1.0,
    device: str = "auto",
    precision: Precision = "auto",
    executor: str = "serial",
    keep_logits: bool = False,
    keep_weights: bool = True,
    recipe: Recipe | dict[str, Any] | str | Path | None = None,
    retrain_damaged: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train ``model`` ``trials`` times for ``epochs`` epochs and record every example after each.

    The run in the folder ``out`` only grows: what it has is read, what is missing is trained. More
    trials train the new ones alone; more epochs train every trial again at the new length, and each
    old one is kept until its replacement is whole.

    Args:
        data: a `Dataset`, or anything that `load_dataset` takes.
        model: name of a network of ours, of torchvision or (``timm:NAME``) of timm, or
            ``package.module:callable``.
        trials: number of independent trainings, N.
        epochs: epochs of each training, M; scores can be read at any epoch up to it.
        out: folder of the run.
        seed: of the run; the trials draw theirs from it and their index.
        limit: train on this many examples, class-balanced.
        skip_unreadable: leave out images that cannot be read, and count them.
        data_root: folder of a torchvision data set.
        download: let torchvision or the hub download what is not on disk.
        allow_outside: let a CSV manifest name files outside of its folder.
        cache: keep photos at the working resolution in a file in the folder ``easiness-cache`` beside
            ``out``, for this run and others.
        pretrained: start from the published weights of a torchvision or timm network, where they are on
            disk, instead of from scratch.
        batch_size: examples per step, instead of the recipe's.
        train_share: share of the examples that each trial trains on; all are observed.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``auto`` measures which is faster, once per run.
        executor: where trials run: ``serial``.
        keep_logits: keep all logits.
        keep_weights: keep the weights of each trial.
        recipe: a `Recipe`, changes to the default as a dict, or a TOML file of them.
        retrain_damaged: train trials with a damaged file again, instead of refusing.
        progress: what to call as the run goes on.

    Raises:
        BadInput: something given cannot be used; nothing was written.
        RunFailed: some trials failed or could not be stored; the finished ones are kept.
    """
    out = Path(out)
    check_output(out)
    plan = make_plan(
        data,
        model=model,
        trials=trials,
        epochs=epochs,
        seed=seed,
        limit=limit,
        skip_unreadable=skip_unreadable,
        data_root=data_root,
        download=download,
        allow_outside=allow_outside,
        pretrained=pretrained,
        batch_size=batch_size,
        train_share=train_share,
        precision=precision,
        keep_logits=keep_logits,
        keep_weights=keep_weights,
        recipe=recipe,
    )
    return carry_out(
        plan,
        out,
        device=device,
        executor=executor,
        cache=cache,
        retrain_damaged=retrain_damaged,
        progress=progress,
    )


def carry_out(
    plan: Plan,
    out: Path,
    *,
    device: str = "auto",
    executor: str = "serial",
    cache: bool = True,
    retrain_damaged: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train and store what the run in ``out`` lacks of ``plan``; as `measure` otherwise."""
    check_output(out)
    runner = make_executor(executor)
    if is_run(out) and not retrain_damaged:
        run = _checked(open_run(out), plan)
        if not _missing(run, plan, [])[0]:
            tidy(run)
            return run
    target = resolve_device(device)
    cache_folder = cache_beside(out) if cache else None
    progress = progress or _Silent()
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
            spec = plan.spec(resolve_plan(plan, target), plan.trials, plan.epochs)
            missing = list(range(plan.trials))
        progress.begin(spec, missing, out, estimate_cost(spec, plan.data, len(missing), target, cache_folder))
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


def cache_beside(out: Path) -> Path:
    """The folder of cached photos of a run; runs that lie beside each other share it."""
    return out.absolute().parent / "easiness-cache"


def _images(plan: Plan, cache: Path | None, progress: Progress) -> dict[str, WorkingImages]:
    splits = (
        {"train": plan.data}
        if plan.data.held_out is None
        else {"train": plan.data, "held_out": plan.data.held_out}
    )
    return {
        name: working_images(
            split, plan.recipe, cache, partial(progress.cached, split.split, total=len(split))
        )
        for name, split in splits.items()
    }


def _checked(run: Run, plan: Plan) -> Run:
    """The run, if the plan continues it and no file of it is damaged."""
    plan.check_continues(run.spec, run.path)
    run.check()
    return run


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
