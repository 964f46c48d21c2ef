"""What ``auto`` becomes for a run: measured on made-up images before it begins, once, and said."""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import torch

from easiness.data.memory import available_memory
from easiness.errors import BadInput
from easiness.executors import Jobs, ProcessesExecutor, check_executor
from easiness.spec import Resolved
from easiness.studies.plan import Plan
from easiness.training import resolve
from easiness.training.speed import Rehearsal, Workload, rehearsing, step_seconds
from easiness.training.together import can_train_together

Compile: TypeAlias = Literal["auto", "on", "off"]

_LOOK = 1.5  # seconds at each way of training
_WORTH = 0.95  # another way must take at most this share of the time
_HOPELESS = 1.2  # times the best, even if processes did not slow each other down
_WORTH_LOOKING = 20.0  # seconds of training below which no choice pays for being made
_WORTH_COMPILING = 1800.0  # likewise for compiling, which takes a minute
GROUPS = (5, 10)
"""Numbers of trials that are tried side by side in one process."""

_BYTES_OF_A_PROCESS = 700 * 2**20  # Python, torch and a small network's activations


@dataclass(frozen=True)
class _Way:
    """A way to train, and the seconds a step of one trial takes in effect."""

    settings: Resolved
    seconds: float


def _ignore(_: str) -> None:
    pass


def resolve_plan(
    plan: Plan,
    device: torch.device,
    *,
    executor: str = "auto",
    jobs: Jobs = "auto",
    compiling: Compile = "auto",
    may_group: bool = True,
    tell: Callable[[str], None] = _ignore,
) -> Resolved:
    """What ``auto`` becomes for this plan on this machine.

    First the precision by a few steps in each. Where the run takes long enough for it to matter, ways to
    train several trials at a time are measured against one trial with all cores: processes beside each
    other, as many cores for each, really working at the same time; side by side in one process, for
    networks without convolutions; and on a GPU with steps as CUDA graphs. Compiling is tried where the run
    takes half an hour and more. ``may_group`` is for trials side by side in one process, whose number must be
    known; ``tell`` is told what takes its time.

    Raises:
        BadInput: an option makes no sense, or the model cannot take a training step.
    """
    check_executor(executor, jobs)
    check_compile(compiling)
    if executor == "serial":
        jobs = 1
    cores = torch.get_num_threads()
    on_cpu = device.type == "cpu"
    threads = max(1, cores // jobs) if on_cpu and jobs != "auto" else cores
    first = resolve(
        plan.model,
        plan.recipe,
        plan.input_shape,
        plan.data.num_classes,
        plan.num_trained_on,
        device,
        plan.precision,
        threads,
    )
    if jobs != "auto" and jobs > 1:
        first = _changed(first, f"{jobs} trials at a time, as asked", jobs=jobs)
    workload = Workload(
        plan.model,
        plan.recipe,
        plan.input_shape,
        plan.data.num_classes,
        min(plan.recipe.batch_size, plan.num_trained_on),
        str(device),
    )
    num_steps = plan.epochs * plan.recipe.steps_per_epoch(plan.num_trained_on)
    search = _Search(workload, plan.trials, num_steps, cores, may_group and compiling != "on", tell)
    with rehearsing(workload.device):
        try:
            best = search.fastest(first, jobs)
        except torch.OutOfMemoryError:
            return first
        if compiling == "on":
            return _changed(best.settings, "compiled, as asked", compiled=True)
        if compiling == "auto" and best.seconds * num_steps * plan.trials > _WORTH_COMPILING:
            tell(f"{plan.model}: trying torch.compile, about a minute")
            best = _compiled(workload, best, num_steps)
    return best.settings


def check_compile(compiling: str) -> None:
    """Raise `BadInput` unless this is a choice."""
    if compiling not in ("auto", "on", "off"):
        raise BadInput(f"compile {compiling!r}: unknown; choose auto, on or off")


@dataclass(frozen=True)
class _Search:
    """Looks for the fastest way to train so many trials of so many steps on so many cores."""

    workload: Workload
    trials: int
    num_steps: int
    cores: int
    may_group: bool
    tell: Callable[[str], None]

    def fastest(self, first: Resolved, jobs: Jobs) -> _Way:
        """The fastest way, as measured; ``first`` where none is clearly faster."""
        best = self._ways([first], _LOOK / 3)[0]
        if best.seconds * self.num_steps * self.trials < _WORTH_LOOKING or self.trials == 1:
            return best
        if jobs == "auto":
            self.tell(f"{self.workload.model}: measuring how many trials at a time are fastest, some seconds")
        others = self._in_one_process(first)
        if others:
            usual, *rest = self._ways([first, *others], _LOOK * (1 + len(others)))
            best = _better(usual, rest)
        beside = self._processes(best) if jobs == "auto" else None
        if beside is None:
            return best
        # looked at again, since a shared machine is not what it was seconds ago
        again = self._ways([best.settings], _LOOK)[0]
        return _better(min(best, again, key=lambda way: way.seconds), [beside])

    def _ways(self, settings: Sequence[Resolved], seconds: float) -> list[_Way]:
        found = _measure(self.workload, settings, seconds)
        return [_Way(one, self._in_effect(one, step)) for one, step in zip(settings, found, strict=True)]

    def _in_effect(self, settings: Resolved, seconds: float) -> float:
        """Seconds per step and trial over the whole run, in whose last round some may have nothing to do."""
        rounds = -(-self.trials // (settings.jobs * settings.together))
        return seconds * settings.together * rounds / self.trials

    def _in_one_process(self, first: Resolved) -> list[Resolved]:
        """Other settings for one process: graphs on a GPU, trials side by side where that can pay."""
        graphs = [first]
        if self.workload.device.startswith("cuda"):
            graphs.append(first.model_copy(update={"graphed": True}))
        # groups are always trained whole, and networks with convolutions run channels-last
        sizes = [size for size in GROUPS if self.may_group and self.trials % size == 0]
        workload = self.workload
        if first.channels_last or not (
            sizes and can_train_together(workload.model, workload.shape, workload.num_classes)
        ):
            sizes = []
        grouped = [one.model_copy(update={"together": size}) for one in graphs for size in sizes]
        return graphs[1:] + grouped

    def _processes(self, best: _Way) -> _Way | None:
        """The fastest way with several processes, where one is likely enough to be faster than ``best``."""
        settings = best.settings
        on_gpu = self.workload.device.startswith("cuda")
        most = min(self.cores, -(-self.trials // settings.together), _num_fitting())
        found: _Way | None = None
        for jobs in [size for size in (4, 2) if size <= most] if on_gpu else _halvings(most):
            threads = settings.threads if on_gpu else max(1, self.cores // jobs)
            candidate = settings.model_copy(update={"threads": threads, "jobs": jobs})
            if not on_gpu and self._ways([candidate], _LOOK / 2)[0].seconds > _HOPELESS * best.seconds:
                continue
            way = _Way(candidate, self._in_effect(candidate, _beside(self.workload, candidate)))
            if found is not None and way.seconds > found.seconds:
                break
            found = way
        return found


def _changed(settings: Resolved, why: str, **changes: Any) -> Resolved:
    return settings.model_copy(update={**changes, "reason": f"{settings.reason}; {why}"})


def _halvings(most: int) -> list[int]:
    """``most`` and its halves down to 2."""
    sizes = []
    while most > 1:
        sizes.append(most)
        most //= 2
    return sizes


def _num_fitting() -> int:
    """How many processes like this one, which has taken such a step, fit into memory."""
    available = available_memory()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return 2**30 if available is None else available // max(own, _BYTES_OF_A_PROCESS)


def _beside(workload: Workload, settings: Resolved) -> float:
    """Seconds per step and trial of one of the processes while all of them work."""
    executor = ProcessesExecutor(settings.jobs)
    there: set[int | None] = set()
    try:
        # nobody begins before all have started, which takes each some seconds
        while len(there) < settings.jobs:
            outcomes = list(executor.run(_report_for_work, range(settings.jobs)))
            if any(outcome.error for outcome in outcomes):
                return math.inf
            there |= {outcome.value for outcome in outcomes}
        looks = list(executor.run(partial(_rehearse, workload), [settings] * settings.jobs))
    finally:
        executor.close()
    seconds = [look.value for look in looks if look.value is not None]
    return max(seconds) if len(seconds) == settings.jobs else math.inf  # too little memory, for instance


def _report_for_work(_: int) -> int:
    time.sleep(0.2)  # so that one that is quick does not answer for another
    return os.getpid()


def _rehearse(workload: Workload, settings: Resolved) -> float:
    with rehearsing(workload.device):
        return _measure(workload, [settings], _LOOK)[0]


def _measure(workload: Workload, ways: Sequence[Resolved], seconds: float) -> list[float]:
    """Seconds per step and trial of each; others than the first that do not work here take for ever."""
    rehearsals: dict[int, Rehearsal] = {}
    for at, settings in enumerate(ways):
        try:
            torch.set_num_threads(settings.threads)
            rehearsal = Rehearsal(workload, settings)
            rehearsal.warm_up()
        except Exception:
            if at == 0:
                raise
        else:
            rehearsals[at] = rehearsal
    found = step_seconds(list(rehearsals.values()), seconds)
    by_place = dict(zip(rehearsals, found, strict=True))
    return [by_place.get(at, math.inf) for at in range(len(ways))]


def _better(usual: _Way, others: Sequence[_Way]) -> _Way:
    """The fastest, the usual one unless that is clearly slower; its reason says what was compared."""
    fastest = min(others, key=lambda way: way.seconds)
    chosen = fastest if fastest.seconds < _WORTH * usual.seconds else usual
    shown = ", ".join(
        f"{_text(way.settings)} {1000 * way.seconds:.1f} ms"
        for way in (usual, *others)
        if way.seconds < math.inf
    )
    reason = f"{usual.settings.reason}; per step and trial: {shown}"
    return _Way(chosen.settings.model_copy(update={"reason": reason}), chosen.seconds)


def _text(settings: Resolved) -> str:
    threads = "1 thread" if settings.threads == 1 else f"{settings.threads} threads"
    parts = [f"{settings.jobs} processes" if settings.jobs > 1 else "1 process", f"of {threads}"]
    if settings.together > 1:
        parts.append(f"with {settings.together} trials in each")
    if settings.graphed:
        parts.append("as CUDA graphs")
    return " ".join(parts)


def _compiled(workload: Workload, best: _Way, num_steps: int) -> _Way:
    """The same way compiled, where a trial wins more by it than it takes to load what was compiled."""
    settings = best.settings
    if settings.together > 1:
        return best
    compiled = settings.model_copy(update={"compiled": True})
    torch.set_num_threads(settings.threads)
    try:
        _warm(workload, compiled)  # compiles, and leaves it on disk
        began = time.perf_counter()
        loaded = _warm(workload, compiled)
        loading = time.perf_counter() - began
        plain, faster = step_seconds([_warm(workload, settings), loaded], _LOOK)
    except Exception as error:
        return _Way(_changed(settings, f"cannot be compiled here ({type(error).__name__})"), best.seconds)
    pays = (plain - faster) * num_steps > 2 * loading
    shown = f"{1000 * faster:.1f} ms against {1000 * plain:.1f}, {loading:.0f} s to load in each trial"
    if not pays:
        return _Way(_changed(settings, f"not compiled: {shown}"), best.seconds)
    return _Way(_changed(settings, f"compiled: {shown}", compiled=True), best.seconds * faster / plain)


def _warm(workload: Workload, settings: Resolved) -> Rehearsal:
    rehearsal = Rehearsal(workload, settings)
    rehearsal.warm_up()
    return rehearsal
