"""The runs of a study: planned together, carried out one after the other, each resumed where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from easiness.errors import BadInput
from easiness.regular_file import read_regular
from easiness.runs.carrying_out import (
    carry_out,
    check_readable,
    missing_trials,
    naming_unreadable,
    ready_images,
)
from easiness.runs.cost import Cost, effort_text, estimate_cost, seconds_beside
from easiness.runs.execution import Workers, allowed, resolve_plan
from easiness.runs.making import cache_beside
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.show import counted, size_text
from easiness.spec import Execution, Resolved, RunSpec
from easiness.store import Run, check_output, is_run, read_document, sweep, write_whole
from easiness.training import resolve_device

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
    text = (
        f"{counted(len(plans), 'run')} with {counted(wanted, 'trial')}, {wanted - to_train} of them finished"
    )
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
    """What runs agree in that are trained in the same way, as the file of choices names it."""
    return plan.model, plan.signature.shape, plan.recipe.batch_size, plan.precision, ()


def _chosen(
    plans: Mapping[str, Plan],
    missing: Mapping[str, int],
    folder: Path,
    resolve: Callable[[Plan], Resolved],
    *,
    keep: bool,
) -> dict[Any, Resolved]:
    """What ``auto`` is for each kind of run: as in a run that exists, else as kept, else by rule.

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
    """What ``auto`` became before any run of its kind was begun: a killed study goes on with it."""

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
