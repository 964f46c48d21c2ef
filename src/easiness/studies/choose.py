"""What ``auto`` becomes for a run: measured on made-up images before it begins, once, and said."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

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
_TOGETHER = (5, 10)
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
    tell: Callable[[str], None] = _ignore,
) -> Resolved:
    """What ``auto`` becomes for this plan on this machine.

    First the precision by a few steps in each. Where the run takes long enough for it to matter, ways to
    train several trials at a time are measured against one trial with all cores: processes beside each
    other, as many cores for each, really working at the same time; side by side in one process, for
    networks without convolutions; and on a GPU with steps as CUDA graphs. Compiling is tried where the run
    takes half an hour and more. ``tell`` is told what takes its time.

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
        reason = f"{first.reason}; {jobs} trials at a time, as asked"
        first = first.model_copy(update={"jobs": jobs, "reason": reason})
    if compiling == "on":
        return first.model_copy(update={"compiled": True, "reason": f"{first.reason}; compiled, as asked"})
    workload = Workload(
        plan.model,
        plan.recipe,
        plan.input_shape,
        plan.data.num_classes,
        min(plan.recipe.batch_size, plan.num_trained_on),
        str(device),
    )
    num_steps = plan.epochs * plan.recipe.steps_per_epoch(plan.num_trained_on)
    with rehearsing(workload.device):
        try:
            best = _ways(workload, first, num_steps, plan.trials, jobs, tell)
        except torch.OutOfMemoryError:
            return first
        if compiling == "auto" and best.seconds * num_steps * plan.trials > _WORTH_COMPILING:
            tell(f"{plan.model}: trying torch.compile, about a minute")
            best = _compiled(workload, best, num_steps)
    return best.settings


def check_compile(compiling: str) -> None:
    """Raise `BadInput` unless this is a choice."""
    if compiling not in ("auto", "on", "off"):
        raise BadInput(f"compile {compiling!r}: unknown; choose auto, on or off")


def _ways(
    workload: Workload,
    first: Resolved,
    num_steps: int,
    trials: int,
    jobs: Jobs,
    tell: Callable[[str], None],
) -> _Way:
    """The fastest way to train so many trials, as measured."""
    (seconds,) = _measure(workload, [first], _LOOK / 3)
    best = _Way(first, seconds / first.jobs)
    if best.seconds * num_steps * trials < _WORTH_LOOKING or trials == 1:
        return best
    if jobs == "auto":
        tell(f"{workload.model}: measuring how many trials at a time are fastest, a few seconds")
    others = _in_one_process(workload, first, trials)
    if others:
        ways = [first, *others]
        found = _measure(workload, ways, _LOOK * len(ways))
        known = [_Way(s, t / s.jobs) for s, t in zip(ways, found, strict=True)]
        best = _better(known[0], known[1:])
    if jobs != "auto":
        return best
    beside = _processes(workload, best, trials)
    if beside is None:
        return best
    # looked at again, since a shared machine is not what it was seconds ago
    (seconds,) = _measure(workload, [best.settings], _LOOK)
    return _better(_Way(best.settings, min(seconds / best.settings.jobs, best.seconds)), [beside])


def _in_one_process(workload: Workload, first: Resolved, trials: int) -> list[Resolved]:
    """Other settings for one process: graphs on a GPU, trials side by side where that can pay."""
    graphs = [first]
    if workload.device.startswith("cuda"):
        graphs.append(first.model_copy(update={"graphed": True}))
    sizes = [size for size in _TOGETHER if size <= trials] if not first.channels_last else []
    if sizes and not can_train_together(workload.model, workload.shape, workload.num_classes):
        sizes = []
    found = graphs[1:]
    for settings in graphs:
        found += [settings.model_copy(update={"together": size}) for size in sizes]
    return found


def _processes(workload: Workload, best: _Way, trials: int) -> _Way | None:
    """The fastest way with several processes, where one is likely enough to be faster than ``best``."""
    settings = best.settings
    cores = torch.get_num_threads()
    on_gpu = workload.device.startswith("cuda")
    most = min(cores, -(-trials // settings.together), _num_fitting())
    sizes = [size for size in (4, 2) if size <= most] if on_gpu else _halvings(most)
    found: _Way | None = None
    for jobs in sizes:
        threads = settings.threads if on_gpu else max(1, cores // jobs)
        candidate = settings.model_copy(update={"threads": threads, "jobs": jobs})
        if not on_gpu:
            (alone,) = _measure(workload, [candidate], _LOOK / 2)
            if alone / jobs > _HOPELESS * best.seconds:
                continue
        way = _Way(candidate, _beside(workload, candidate, trials))
        if found is not None and way.seconds > found.seconds:
            break
        found = way
    return found


def _halvings(most: int) -> list[int]:
    """``most`` and its halves down to 2."""
    sizes = []
    while most > 1:
        sizes.append(most)
        most //= 2
    return sizes


def _num_fitting() -> int:
    available = available_memory()
    return 2**30 if available is None else available // _BYTES_OF_A_PROCESS


def _beside(workload: Workload, settings: Resolved, trials: int) -> float:
    """Seconds per step in effect of processes that work at the same time, a last round of few included."""
    executor = ProcessesExecutor(settings.jobs)
    try:
        outcomes = list(executor.run(partial(_rehearse, workload), [settings] * settings.jobs))
    finally:
        executor.close()
    seconds = [o.value for o in outcomes if o.value is not None]
    if len(seconds) < settings.jobs:  # too little memory, for instance
        return float("inf")
    rounds = -(-trials // (settings.jobs * settings.together))
    return max(seconds) * rounds * settings.together / trials


def _rehearse(workload: Workload, settings: Resolved) -> float:
    with rehearsing(workload.device):
        return _measure(workload, [settings], _LOOK)[0]


def _measure(workload: Workload, ways: Sequence[Resolved], seconds: float) -> list[float]:
    """Seconds per step and trial of each; others than the first that do not work here take for ever."""
    rehearsals: dict[int, Rehearsal] = {}
    for at, settings in enumerate(ways):
        try:
            torch.set_num_threads(settings.threads)
            rehearsals[at] = Rehearsal(workload, settings)
            rehearsals[at].step()
        except Exception:
            if at == 0:
                raise
            rehearsals.pop(at, None)
    found = step_seconds(list(rehearsals.values()), seconds)
    by_place = dict(zip(rehearsals, found, strict=True))
    return [by_place.get(at, float("inf")) for at in range(len(ways))]


def _better(usual: _Way, others: Sequence[_Way]) -> _Way:
    """The fastest, the usual one unless that is clearly slower; its reason says what was compared."""
    fastest = min(others, key=lambda way: way.seconds)
    chosen = fastest if fastest.seconds < _WORTH * usual.seconds else usual
    shown = ", ".join(
        f"{_text(way.settings)} {1000 * way.seconds:.1f} ms"
        for way in (usual, *others)
        if way.seconds < float("inf")
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
    settings = best.settings.model_copy(update={"compiled": True})
    if settings.together > 1:
        return best
    torch.set_num_threads(settings.threads)
    try:
        Rehearsal(workload, settings).step()  # compiles, and leaves it on disk
        loading, compiled = _timed(lambda: _first_step(workload, settings))
        plain, faster = step_seconds([Rehearsal(workload, best.settings), compiled], _LOOK)
    except Exception as error:
        reason = f"{best.settings.reason}; cannot be compiled here ({type(error).__name__})"
        return _Way(best.settings.model_copy(update={"reason": reason}), best.seconds)
    pays = (plain - faster) * num_steps > 2 * loading
    shown = f"{1000 * faster:.1f} ms against {1000 * plain:.1f}, {loading:.0f} s to load in each trial"
    reason = f"{best.settings.reason}; {'compiled' if pays else 'not compiled'}: {shown}"
    settings = (settings if pays else best.settings).model_copy(update={"reason": reason})
    return _Way(settings, best.seconds * faster / plain if pays else best.seconds)


def _first_step(workload: Workload, settings: Resolved) -> Rehearsal:
    rehearsal = Rehearsal(workload, settings)
    rehearsal.step()
    return rehearsal


def _timed(work: Callable[[], Rehearsal]) -> tuple[float, Rehearsal]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made
