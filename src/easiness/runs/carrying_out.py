"""Carrying out a plan: decode its images, train what its run lacks, store each trial as it ends."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from pydantic import TypeAdapter

from easiness import inputs
from easiness.data import Dataset, same_values
from easiness.errors import BadInput, RunFailed
from easiness.features import ready_features
from easiness.gate import fits
from easiness.heads import Deal, bytes_of_moments, kept_together
from easiness.inputs import Unreadable
from easiness.models import is_given
from easiness.regular_file import read_regular
from easiness.runs.execution import (
    Cost,
    Workers,
    allowed,
    cached_bytes,
    check_compile,
    effort_text,
    estimate_cost,
    jobs_of,
    resolve_plan,
    seconds_beside,
)
from easiness.runs.making import Making, Task, cache_beside
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.source import features_beside
from easiness.runs.trainer import check_checkpoints, features_key
from easiness.show import quantity, size_text, trials_text
from easiness.spec import RIDGE, Execution, Heads, Resolved, RunSpec, content_hash
from easiness.store import (
    Run,
    RunWriter,
    StoredTrial,
    WholeTrials,
    check_output,
    is_run,
    open_run,
    read_document,
    sweep,
    tidy,
    write_whole,
)
from easiness.training import resolve_device

_MANY = 5000  # examples, from which on looking for copies takes a noticeable time
_VERSION = 1
_STORED = "<i8"  # of the groups, behind which their checksum stands

Groups = npt.NDArray[np.int64]


def examples_together(plan: Plan, features: Sequence[npt.NDArray[np.floating]], folder: Path) -> Groups:
    """Numbers [K], the same for examples of the plan that heads see together or not at all."""
    heads = plan.asked.heads
    assert heads is not None
    path = None
    if len(plan.data) >= _MANY:
        identities = [one.identity for one in heads.features]
        key = content_hash([_VERSION, identities, plan.data.contents, heads.groups])
        path = folder / f"{key[:32]}.together"
    groups = None if path is None else _read(path, len(plan.data))
    if groups is None:
        groups = kept_together(features, plan.data.groups, same_values(plan.data))
        if path is not None:
            with contextlib.suppress(OSError):  # it saves time alone
                path.parent.mkdir(parents=True, exist_ok=True)
                write_whole(path, np.append(groups, _checksum(groups)).astype(_STORED).tobytes())
    num = len(np.unique(groups))
    if num < heads.folds:
        raise BadInput(
            f"features {heads.features[0].name!r}: {num} of {len(groups)} examples differ, and share "
            f"{heads.shares[-1]:g} rotates over {heads.folds} folds; give --shares whose largest is smaller, "
            "such as 0.5, or other features"
        )
    return groups


def _read(path: Path, num: int) -> Groups | None:
    """Read what the file at ``path`` has for ``num`` examples, where it is as it was written."""
    most = (num + 1) * np.dtype(_STORED).itemsize
    try:
        content = read_regular(path, most)
    except OSError:
        return None
    values = np.frombuffer(content, _STORED) if len(content) == most else None
    if values is None or values[-1] != _checksum(values[:-1]):
        return None
    return values[:-1].astype(np.int64)


def _checksum(groups: Groups) -> int:
    return zlib.crc32(groups.astype(_STORED).tobytes())


def check_memory(heads: Heads, num: int, classes: int, widths: Sequence[int]) -> None:
    """Make sure that the sums fit into memory that heads in closed form are made of."""
    seen, blocks = round(heads.shares[-1] * num), heads.folds * len(heads.shares)
    total = sum(bytes_of_moments(seen, width, classes, blocks) for width in widths)
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

    ``resolved`` is what ``auto`` has become for runs like this one, where that is known, and ``workers``
    are those of other runs.
    """
    execution = _checked_execution(plan, out, execution)
    before: Sequence[StoredTrial] = ()
    if is_run(out) and not retrain_damaged:
        run = _checked(open_run(out, trust=True), plan)  # the plan names the same network, or this fails
        before = run.trials  # not read again once the lock is held, unless they have changed
        task = _task(run, plan, more)
        if not task.missing:
            tidy(run)
            return run
        plan = task.plan  # with as many trials as are wanted by now
    device, progress = resolve_device(execution.device), progress or Progress()
    cache = cache_beside(out) if execution.cache else None
    failures: dict[int, str] = {}
    if is_given(plan.model):
        progress.note(f"{out}: only this process can resume the run: {plan.model} is defined in no module")
    with RunWriter(out) as writer, writer.events.ended(), ExitStack() as stack:
        task, stored = _begun(writer, plan, more, retrain_damaged, before)
        # before anything is measured: an unreadable image is said at once
        with naming_unreadable(plan.data):
            images, deal = _ready(plan, cache, out, progress) if task.missing else ({}, None)
        settings = stored or resolved or resolve_plan(plan, device, execution)
        making = Making(
            writer=writer,
            settings=settings,
            device=device,
            jobs=_jobs(settings, execution, device, out, progress),
            workers=workers or stack.enter_context(Workers(execution)),
            images=images,
            cache=cache,
            progress=progress,
            checkpoint_every=execution.checkpoint_every,
            deal=deal,
        )
        while task.missing and not failures:
            failures = making.train(task)
            task = task if failures else _task(writer.read(), task.plan, more)
        run = writer.read()
    if failures:
        raise RunFailed(_failed(out, failures, task.trials, len(run.trials)))
    return run


def foresee(
    plan: Plan,
    out: Path,
    execution: Execution,
    *,
    retrain_damaged: bool = False,
    more: More | None = None,
) -> Foreseen:
    """Tell what `carry_out` would train of the plan, or why it would not; only reads."""
    execution = _checked_execution(plan, out, execution)
    if not is_run(out):
        return Foreseen(execution, Task(plan, list(range(plan.trials)), plan.trials, plan.epochs), None)
    run = WholeTrials(out) if retrain_damaged else open_run(out, trust=True)
    removed = run.removed if isinstance(run, WholeTrials) else []
    return Foreseen(execution, _task(_checked(run, plan), plan, more, removed), run)


def _checked_execution(plan: Plan, out: Path, execution: Execution) -> Execution:
    check_output(out)
    check_compile(execution.compile)
    if plan.features and execution.compile == "on":
        raise BadInput("--compile on: is for networks that are trained; with --features leave it out")
    check_checkpoints(execution.checkpoint_every)
    photos = plan.recipe.crop > 0 and not plan.features
    return allowed(execution, photos=photos, models=[plan.model])


def _failed(out: Path, failures: dict[int, str], wanted: int, finished: int) -> str:
    of_reason: dict[str, list[int]] = {}
    for index, reason in failures.items():
        of_reason.setdefault(reason, []).append(index)
    lines = "; ".join(f"{trials_text(indices)}: {reason}" for reason, indices in of_reason.items())
    kept = "the 1 finished one is kept" if finished == 1 else f"the {finished} finished ones are kept"
    return f"{out}: {len(failures)} of {quantity(wanted, 'trial')} failed ({lines}); {kept}"


def _begun(
    writer: RunWriter, plan: Plan, more: More | None, retrain_damaged: bool, before: Sequence[StoredTrial]
) -> tuple[Task, Resolved | None]:
    """List what a run lacks, damaged trials included, and what ``auto`` became for it where it exists."""
    if not is_run(writer.path):
        writer.note_work(())
        return Task(plan, list(range(plan.trials)), plan.trials, plan.epochs), None
    plan.check_continues(read_document(writer.path).spec, writer.path)  # before anything is removed
    removed = writer.remove_damaged() if retrain_damaged else []
    run = _checked(writer.read(before), plan)
    task = _task(run, plan, more, removed)
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


def _checked(run: Run, plan: Plan) -> Run:
    plan.check_continues(run.spec, run.path)
    run.check()
    return run


def missing_trials(plan: Plan, out: Path) -> int:
    """How many trials the run in ``out`` lacks of ``plan``; a damaged one shows when it is carried out."""
    if not is_run(out):
        return plan.trials
    return len(_task(open_run(out), plan).missing)


def _task(run: Run, plan: Plan, more: More | None = None, removed: list[int] | None = None) -> Task:
    """List what the run lacks of the plan; if nothing, of the plan with as many trials as ``more`` wants.

    ``removed`` are trials to train again, also where the plan asks for fewer.
    """
    task = _lacking(run, plan, removed or [])
    wanted = None if task.missing or more is None else more(run)
    return task if wanted is None else _lacking(run, plan.of(wanted), [])


def _lacking(run: Run, plan: Plan, removed: list[int]) -> Task:
    """A run is a rectangle and only grows."""
    have = {trial.index: trial.epochs for trial in run.trials}
    wanted = {*range(plan.trials), *removed}
    if all(have.get(index, 0) >= plan.epochs for index in wanted):
        return Task(plan, [], len(have), run.epochs)
    trials = max(wanted | have.keys()) + 1
    epochs = max([plan.epochs, *have.values()])
    return Task(plan, [i for i in range(trials) if have.get(i, 0) < epochs], trials, epochs)


def _ready(
    plan: Plan, cache: Path | None, out: Path, progress: Progress
) -> tuple[dict[str, inputs.Values], Deal | None]:
    """The images or the features that a run takes, and what folds are dealt by where it has some."""
    if not plan.features:
        return ready_images(plan, cache, out, progress), plan.deal
    values: dict[str, inputs.Values] = {}
    of_train = []
    for at, source in enumerate(plan.features):
        vectors = ready_features(source, plan.data, features_beside(out), progress.features)
        values |= {features_key(name, at): inputs.Pack.of_array(own) for name, own in vectors.items()}
        of_train.append(vectors["train"])
    heads = plan.asked.heads
    if heads is not None and plan.model == RIDGE:
        check_memory(heads, len(plan.data), plan.data.num_classes, [one.shape[1] for one in of_train])
    groups = examples_together(plan, of_train, features_beside(out))
    return values, replace(plan.deal or Deal(plan.data.labels), groups=groups)


def ready_images(plan: Plan, cache: Path | None, out: Path, progress: Progress) -> dict[str, inputs.Values]:
    """The images that a run in ``out`` takes, every one of them decoded once.

    Photos are put into the folder ``cache``, or held in memory without one. Those that do not fit are only
    checked, unless that was done when the data were loaded (``skip_unreadable``).
    """
    check_room(plan, cache, out)
    images: dict[str, inputs.Values] = {}
    for name, split in plan.data.splits.items():
        tell = partial(progress.cached, split.split, total=len(split))
        images[name] = split.packed(plan.recipe, cache, tell)
        if isinstance(images[name], inputs.DecodedPhotos) and not plan.data.load_options.skip_unreadable:
            decoded = inputs.track(split.stored.map(lambda _: None), "checking images", len(split))
            deque(decoded, maxlen=0)
    return images


def check_room(plan: Plan, cache: Path | None, out: Path) -> None:
    needed = cached_bytes(plan.data, plan.recipe, cache)
    place = next(folder for folder in out.absolute().parents if folder.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise BadInput(
            f"{out}: the cached photos need about {size_text(needed)} and {size_text(free)} are "
            "free; make room, use --limit, or --cache off"
        )


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
    end, looked, total = time.monotonic() + seconds, 0, sum(map(len, splits))
    what = f"checking {data.kind.nouns}"
    with naming_unreadable(data):
        for split in splits:
            for _ in inputs.track(split.stored.map(lambda _: None), what, total, looked):
                looked += 1
                if looked < total and time.monotonic() > end:
                    return (
                        f"{looked:,} of {total:,} {data.kind.nouns} were looked at; whether the others can "
                        "be read is seen before the training begins"
                    )
    return ""


def _unreadable(split: Dataset, known: str) -> Iterator[str]:
    """Names of the examples of a split that cannot be read, but for the one that is ``known``."""
    stored, by_path = split.stored, split.ids.dtype == object
    for at in stored.unreadable() if hasattr(stored, "unreadable") else ():
        if stored.name(at) != known:
            yield str(split.ids[at]) if by_path else stored.name(at)


_RESOLVED = "resolved.json"
_LOOKED_FOR = 5.0  # seconds, at pictures of which features will be made
_MOST_BYTES = 2**24  # of it, far more than it comes to
_KEPT = TypeAdapter(dict[str, Resolved])


def check_study_folder(folder: Path) -> None:
    """Refuse a folder for the runs of a study that is itself a run."""
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

    Runs of the same network on images of the same shape share what ``auto`` becomes. With ``announce``
    the progress is told how much there is to do.
    """
    check_study_folder(folder)
    execution = allowed(
        execution,
        photos=any(plan.recipe.crop for plan in plans.values()),
        models=[plan.model for plan in plans.values()],
    )
    progress = progress or Progress()
    device = resolve_device(execution.device)
    for name, plan in plans.items():
        check_output(folder / name)
        if is_run(folder / name):
            plan.check_continues(read_document(folder / name).spec, folder / name)
    missing = missing_by_run(plans, folder)
    if any(missing.values()):
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
    _check_images([plan for name, plan in plans.items() if missing[name]], folder, execution, progress)
    resolve = partial(resolve_plan, device=device, execution=execution)
    chosen = _chosen(plans, missing, folder, resolve, keep=True)
    if announce:
        costs = _costs(plans, missing, chosen, device, _cache(folder, execution))
        progress.study(
            describe(plans, missing, costs),
            sum(cost.num_images for cost in costs.values()),
            sum(cost.operations for cost in costs.values()),
        )
    with Workers(execution) as workers:
        return {
            name: carry_out(
                plan,
                folder / name,
                execution,
                progress=progress,
                resolved=chosen.get(_alike(plan)),
                workers=workers,
            )
            for name, plan in plans.items()
        }


def _check_images(plans: list[Plan], folder: Path, execution: Execution, progress: Progress) -> None:
    """Read the images before anything is measured: those that networks train on each once."""
    for plan in [one for one in plans if any(source.slow for source in one.features)][:1]:
        check_readable(plan.data, _LOOKED_FOR)  # the others have the same examples, or fewer
    seen = set()
    for plan in plans:
        same = (plan.data.fingerprint, plan.recipe.crop, plan.recipe.resize, plan.recipe.reduce)
        if same not in seen and not plan.features:
            seen.add(same)
            with naming_unreadable(plan.data):
                ready_images(plan, _cache(folder, execution), folder / "any", progress)


def describe(plans: Mapping[str, Plan], missing: Mapping[str, int], costs: Mapping[str, Cost]) -> str:
    """One line: what there is, what is to be trained, what that takes."""
    wanted = sum(plan.trials for plan in plans.values())
    to_train = sum(missing.values())
    size = f"{quantity(len(plans), 'run')} with {quantity(wanted, 'trial')}"
    text = f"{size}, {wanted - to_train} of them finished"
    if not to_train:
        return text
    disk = size_text(sum(cost.run_bytes for cost in costs.values()))
    return f"{text}; the other {to_train} take {effort_text([*costs.values()])} and {disk} of disk"


def plan_costs(
    plans: Mapping[str, Plan],
    folder: Path,
    device: torch.device,
    execution: Execution,
) -> dict[str, Cost]:
    missing = missing_by_run(plans, folder)
    resolve = partial(resolve_plan, device=device, execution=execution)
    chosen = _chosen(plans, missing, folder, resolve, keep=False)
    return _costs(plans, missing, chosen, device, _cache(folder, execution), seconds_beside(folder / "any"))


def _cache(folder: Path, execution: Execution) -> Path | None:
    return cache_beside(folder / "any") if execution.cache else None


def missing_by_run(plans: Mapping[str, Plan], folder: Path) -> dict[str, int]:
    return {name: missing_trials(plan, folder / name) for name, plan in plans.items()}


def _alike(plan: Plan) -> Any:
    """Name of the way in which runs are trained, for the file of choices."""
    return plan.model, plan.signature.shape, plan.recipe.batch_size, plan.precision, ()


def _chosen(
    plans: Mapping[str, Plan],
    missing: Mapping[str, int],
    folder: Path,
    resolve: Callable[[Plan], Resolved],
    *,
    keep: bool,
) -> dict[Any, Resolved]:
    """Choose ``auto`` for each kind of run: as in a run that exists, else as kept, else by rule.

    The rule goes by the longest run of a kind.
    """
    chosen: dict[Any, Resolved] = {}
    for name, plan in plans.items():
        if is_run(folder / name):
            spec = read_document(folder / name).spec.measured
            assert spec is not None
            chosen.setdefault(_alike(plan), spec.resolved)
    kept = _Kept(folder / _RESOLVED)
    to_train = [name for name, num in missing.items() if num]
    for name in sorted(to_train, key=lambda name: -_work(plans[name])):
        kind = _alike(plans[name])
        if kind not in chosen:
            chosen[kind] = kept.get(kind) or resolve(plans[name])
            if keep:
                kept.add(kind, chosen[kind])
    return chosen


def _work(plan: Plan) -> int:
    return plan.trials * plan.epochs * plan.num_trained_on


class _Kept:
    """Keep what ``auto`` became before any run of its kind was begun: a killed study goes on with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known = _KEPT.validate_json(read_regular(path, _MOST_BYTES))
        except (OSError, ValueError):  # then the rule says it anew
            self._known = {}

    def get(self, kind: Any) -> Resolved | None:
        return self._known.get(json.dumps(kind))

    def add(self, kind: Any, resolved: Resolved) -> None:
        self._known[json.dumps(kind)] = resolved
        write_whole(self._path, _KEPT.dump_json(self._known, indent=1) + b"\n")


def _costs(
    plans: Mapping[str, Plan],
    missing: Mapping[str, int],
    chosen: Mapping[Any, Resolved],
    device: torch.device,
    cache: Path | None,
    taken: Sequence[tuple[RunSpec, float]] = (),
) -> dict[str, Cost]:
    def cost(name: str, plan: Plan) -> Cost:
        spec = plan.spec(chosen[_alike(plan)], plan.trials, plan.epochs)
        return estimate_cost(spec, plan.data, missing[name], device, cache, taken)

    return {name: cost(name, plan) for name, plan in plans.items() if missing[name]}
