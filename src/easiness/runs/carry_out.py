"""Carrying out a plan: train what its run lacks, store each trial as it ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch

from easiness.errors import RunFailed
from easiness.runs.auto.choose import check_compile, resolve_plan
from easiness.runs.making import Lack, Making, cache_beside
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.workers import Workers, allowed, jobs_of
from easiness.spec import Execution, Resolved, RunSpec
from easiness.store import Run, RunWriter, check_output, is_run, open_run, tidy
from easiness.store.run import read_document
from easiness.training import resolve_device

More = Callable[[Run], int | None]
"""Says how many trials a run that has all it was asked for is to have, or ``None`` if these are enough."""


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
    check_output(out)
    check_compile(execution.compiling)
    execution = allowed(execution, photos=plan.recipe.crop > 0)
    if is_run(out) and not retrain_damaged:
        run = _checked(open_run(out), plan)
        plan, lack = _lack(run, plan, more)
        if not lack.missing:
            tidy(run)
            return run
    device, progress = resolve_device(execution.device), progress or Progress()
    failures: dict[int, str] = {}
    with RunWriter(out) as writer, ExitStack() as stack:
        if is_run(out):
            plan, lack = _continued(writer, plan, more, retrain_damaged)
            settings = _stored(out).resolved
        else:
            lack = Lack(list(range(plan.trials)), plan.trials, plan.epochs)
            settings = resolved or resolve_plan(
                plan, device, execution, may_group=more is None, tell=progress.note
            )
        making = Making(
            writer=writer,
            settings=settings,
            device=device,
            jobs=_jobs(settings, execution, device, out, progress),
            workers=workers or stack.enter_context(Workers(execution.executor)),
            cache=cache_beside(out) if execution.cache else None,
            progress=progress,
        )
        while lack.missing and not failures:
            failures = making.train(plan, lack)
            if not failures:
                plan, lack = _lack(writer.read(), plan, more)
        run = writer.read()
    if failures:
        lines = "; ".join(f"trial {index}: {reason}" for index, reason in failures.items())
        raise RunFailed(
            f"{out}: {len(failures)} of {lack.trials} trials failed ({lines}); "
            f"the {len(run.trials)} finished ones are kept"
        )
    return run


def _continued(writer: RunWriter, plan: Plan, more: More | None, retrain_damaged: bool) -> tuple[Plan, Lack]:
    """What an existing run lacks, damaged trials included where they are to be trained again."""
    plan.check_continues(_stored(writer.path), writer.path)
    removed = writer.remove_damaged() if retrain_damaged else []
    return _lack(_checked(writer.read(), plan), plan, more, removed)


def _stored(out: Path) -> RunSpec:
    spec = read_document(out).spec
    assert isinstance(spec, RunSpec)
    return spec


def _jobs(
    settings: Resolved, execution: Execution, device: torch.device, out: Path, progress: Progress
) -> int:
    """How many trials at a time; says where they are fewer than asked."""
    jobs = jobs_of(settings, execution, device)
    if execution.jobs not in ("auto", jobs):
        progress.note(
            f"{out}: {jobs} at a time instead of {execution.jobs}, since the trials of this run take "
            f"{settings.threads} threads each"
        )
    return jobs


def _checked(run: Run, plan: Plan) -> Run:
    """The run, if the plan continues it and no file of it is damaged."""
    plan.check_continues(run.spec, run.path)
    run.check()
    return run


def missing_trials(plan: Plan, out: Path) -> int:
    """How many trials the run in ``out`` lacks of ``plan``; a damaged one shows when it is carried out."""
    if not is_run(out):
        return plan.trials
    return len(_lack(open_run(out), plan)[1].missing)


def _lack(
    run: Run, plan: Plan, more: More | None = None, removed: list[int] | None = None
) -> tuple[Plan, Lack]:
    """What the run lacks of the plan; if nothing, what it lacks with as many trials as ``more`` asks for.

    ``removed`` are trials to train again, also where the plan asks for fewer.
    """
    lack = _lacking(run, plan, removed or [])
    wanted = None if lack.missing or more is None else more(run)
    if wanted is None:
        return plan, lack
    plan = plan.of(wanted)
    return plan, _lacking(run, plan, [])


def _lacking(run: Run, plan: Plan, removed: list[int]) -> Lack:
    """A run is a rectangle and only grows."""
    have = {trial.index: trial.epochs for trial in run.trials}
    wanted = {*range(plan.trials), *removed}
    if all(have.get(index, 0) >= plan.epochs for index in wanted):
        return Lack([], len(have), run.epochs)
    trials = max(wanted | have.keys()) + 1
    epochs = max([plan.epochs, *have.values()])
    return Lack([i for i in range(trials) if have.get(i, 0) < epochs], trials, epochs)
