"""How the trials of a run are executed: what ``auto`` becomes, how many train at a time, and the executor.

``auto`` goes by rule, from the network, the run and the machine, never by a clock.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.executors import Executor, Needs, check_execution, find_executor, make_executor, room
from easiness.gate import available_memory
from easiness.models import is_given
from easiness.runs.plan import Plan, num_trained_on
from easiness.show import duration_text, quantity, size_text
from easiness.spec import RIDGE, TRAIN, Execution, Resolved, RunSpec, examples_of_epoch
from easiness.store import is_run, open_run
from easiness.training import NetworkFacts, Workload, choose_precision, network_facts, num_gpus

_BYTES_OF_A_PROCESS = 700 * 2**20  # Python, torch and the activations of a small network
_BYTES_PER_OBSERVATION = 17
"""Four statistics that hardly compress and a prediction, as measured on stored runs."""
_MOST_BESIDE = 50  # folders beside a run that are asked how long their trials took


@dataclass(frozen=True)
class Work:
    """A trial has ``num_steps`` training steps, and ``num_observed`` images in passes of their own."""

    workload: Workload
    num_steps: int
    num_observed: int


def work_of(run: RunSpec, data: Dataset, device: str) -> Work:
    trained_on = num_trained_on(len(data), run.train_share, run.draw)
    batch = min(run.recipe.batch_size, trained_on)
    # what training computes anyway is no pass of its own
    probes = [probe for probe in run.probes if probe.observe != TRAIN]
    return Work(
        Workload(run.model, run.recipe, data.signature(run.recipe), data.num_outputs, batch, device),
        run.epochs * run.recipe.steps_per_epoch(examples_of_epoch(run, len(data), trained_on)),
        sum(len(probe.observed(run.epochs)) * len(data.splits[probe.name]) for probe in probes),
    )


def bytes_of_trial(facts: NetworkFacts, batch: int) -> int:
    return _BYTES_OF_A_PROCESS + 16 * facts.num_weights + facts.kept_bytes * batch


@dataclass(frozen=True)
class Cost:
    """Cost of the trials that are still to be trained.

    A trial observes ``num_observed`` images over all its epochs, beside the ``num_trained_on`` of each epoch.
    ``flops`` are the floating-point operations of a training step per example; an observation takes a third.
    ``memory`` is of all trials at work at a time, ``cache_bytes`` are of photos that are not cached yet.
    ``seconds`` are known where such trials have trained here.
    """

    num_examples: int
    num_held_out: int
    num_trained_on: int
    num_observed: int
    num_trials: int
    epochs: int
    steps_per_epoch: int
    run_bytes: int
    cache_bytes: int = 0
    flops: float = 0.0
    memory: int = 0
    seconds: float | None = None

    @property
    def num_images(self) -> int:
        return self.num_trials * (self.epochs * self.num_trained_on + self.num_observed)

    @property
    def operations(self) -> float:
        return self.num_trials * self.flops * (self.epochs * self.num_trained_on + self.num_observed / 3)

    def __str__(self) -> str:
        held_out = f" and {self.num_held_out:,} held out" if self.num_held_out else ""
        cache = f" and {size_text(self.cache_bytes)} of cached photos" if self.cache_bytes else ""
        steps = ""
        if self.steps_per_epoch:
            steps = (
                f"; {self.num_trials * self.epochs * self.steps_per_epoch:,} steps "
                f"({quantity(self.num_trials, 'trial')} x {quantity(self.epochs, 'epoch')} x "
                f"{self.steps_per_epoch}): {effort_text([self])}; about {size_text(self.memory)} of memory"
            )
        disk = f"about {size_text(self.run_bytes)} of disk{cache}"
        return f"{self.num_examples:,} examples{held_out}{steps}; {disk}"


def effort_text(costs: Sequence[Cost]) -> str:
    """The operations of all, and how long they take where that is known: ``1.2e+15 FLOP, about 40 min``."""
    seconds = [cost.seconds for cost in costs if cost.seconds is not None]
    took = f", about {duration_text(sum(seconds))}" if seconds and len(seconds) == len(costs) else ""
    return f"{sum(cost.operations for cost in costs):.1e} FLOP{took}"


def estimate_cost(
    spec: RunSpec,
    data: Dataset,
    missing: int,
    device: torch.device,
    cache: Path | None,
    beside: Iterable[tuple[RunSpec, float]] = (),
) -> Cost:
    """The cost of ``missing`` trials of the run.

    ``cache`` is the folder that photos are cached in, ``None`` where they are not; ``beside`` are runs that
    there are, with the `seconds_beside` of their trials.
    """
    splits = data.splits
    rows = {probe.name: len(probe.observed(spec.epochs)) * len(splits[probe.name]) for probe in spec.probes}
    share = spec.heads.shares[-1] if spec.heads else spec.train_share
    logits = sum(
        4 * data.num_outputs * rows[probe.name] * (1 - share if probe.keep_logits == "left_out" else 1)
        for probe in spec.probes
        if probe.keep_logits != "none"
    )
    num_bytes = sum(rows.values()) * _BYTES_PER_OBSERVATION + int(logits)
    held_out = 0 if data.held_out is None else len(data.held_out)
    if spec.heads is not None:
        return Cost(len(data), held_out, 0, sum(rows.values()), missing, spec.epochs, 0, missing * num_bytes)
    trained_on = num_trained_on(len(data), spec.train_share, spec.draw)
    work = work_of(spec, data, str(device))
    facts = network_facts(work.workload)
    return Cost(
        num_examples=len(data),
        num_held_out=held_out,
        num_trained_on=examples_of_epoch(spec, len(data), trained_on),
        num_observed=work.num_observed,
        num_trials=missing,
        epochs=spec.epochs,
        steps_per_epoch=work.num_steps // spec.epochs,
        run_bytes=missing * (num_bytes + (4 * facts.num_weights if spec.keep_weights else 0)),
        cache_bytes=sum(
            split.kind.cached_bytes(split, spec.recipe, cache)
            for split in splits.values()
            if cache is not None
        ),
        flops=facts.flops,
        memory=min(spec.resolved.jobs, missing) * bytes_of_trial(facts, work.workload.batch),
        seconds=_seconds(spec, missing, beside),
    )


def seconds_beside(out: Path) -> list[tuple[RunSpec, float]]:
    """The runs in ``out`` and beside it, with the median seconds that a trial of each has taken."""
    try:
        beside = sorted(path for path in out.absolute().parent.iterdir() if is_run(path))
    except OSError:
        return []
    runs = []
    for path in beside[:_MOST_BESIDE]:
        try:
            run = open_run(path)
        except BadInput:
            continue
        took = [trial.document.seconds for trial in run.trials if trial.document.seconds is not None]
        if run.spec.measured is not None and took:
            runs.append((run.spec.measured, statistics.median(took)))
    return runs


def _seconds(spec: RunSpec, missing: int, beside: Iterable[tuple[RunSpec, float]]) -> float | None:
    words = {"reason", "together", "graphed", "folded"}
    for run, seconds in beside:
        alike = (run.model, run.recipe, run.probes, run.data.train.num_examples, run.data.classes) == (
            *(spec.model, spec.recipe, spec.probes, spec.data.train.num_examples, spec.data.classes),
        )
        ours, theirs = (one.resolved.model_dump(exclude=words) for one in (spec, run))
        if alike and ours == theirs:
            length = spec.epochs * spec.train_share / (run.epochs * run.train_share)
            return -(-missing // spec.resolved.jobs) * seconds * length
    return None


_SMALL_STEP = 3e9  # FLOP on a CPU, below which threads mostly wait for each other
_SMALL_ON_GPU = 5e10  # FLOP, below which a GPU waits for the launches of its kernels
_MOST_ON_A_GPU = 5  # processes
_GAIN = 0.7  # n threads make a step n ** _GAIN times as fast

# what a trial takes on one core, roughly: only whether processes pay for their start depends on it
_FLOPS_A_SECOND = 5e10
_SECONDS_A_STEP = 2e-3
_STARTING = 4.0  # seconds until processes train


def resolve_plan(plan: Plan, device: torch.device, execution: Execution) -> Resolved:
    """Choose what ``auto`` becomes for this plan on this machine.

    The precision is bfloat16 where the device multiplies such numbers, else float32, as on a processor for
    networks of depthwise convolutions. As many trials train at a time as are over soonest on the cores and in
    the memory there is, when n threads are n ** 0.7 times as fast as one and starting processes takes 4
    seconds. Small steps run on one thread. On a GPU one process for each, five where steps are small.
    """
    kind = check_execution(execution)
    check_compile(execution.compile)
    cores, on_cpu = torch.get_num_threads(), device.type == "cpu"
    jobs = 1 if kind.one_at_a_time else execution.jobs
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last = one_thread = False
    if plan.features:  # heads share the moments of their examples, so that one process fits them soonest
        reason = "features"
        jobs = 1 if jobs == "auto" else jobs
        one_thread = plan.model != RIDGE  # steps are small, and the same whatever is asked for
        threads = max(1, cores // jobs)
    else:
        work = work_of(plan.request, plan.data, str(device))
        facts = network_facts(work.workload)
        if facts.sparse and execution.compile == "on":
            raise BadInput(
                f"compile on: {plan.model} has sparse gradients, which cannot be compiled; leave it out"
            )
        precision, reason = choose_precision(plan.precision, device, facts.depthwise)
        channels_last = facts.convolutions and device.type != "mps"
        one_thread = on_cpu and facts.flops * work.workload.batch < _SMALL_STEP
        if jobs == "auto" and on_cpu:
            jobs = _jobs_on_cpu(work, facts, plan.trials, cores, threads=1 if one_thread else None)
        elif jobs == "auto":
            jobs = _jobs_on_gpu(work, facts, plan.trials, cores, device)
        # elsewhere: a trial on each core of the cluster, whose number may change
        one_thread |= kind.elsewhere and execution.jobs == "auto" and on_cpu
        threads = max(1, cores // jobs) if on_cpu else cores
    threads = 1 if one_thread else threads
    as_asked = "" if execution.jobs == "auto" else ", as asked,"
    return Resolved(
        precision=precision,
        channels_last=channels_last,
        threads=threads,
        jobs=jobs,
        compiled=execution.compile == "on" and not plan.features,
        folded=device.type != "mps" and not plan.features,
        reason=f"{reason}; {quantity(jobs, 'trial')} at a time{as_asked}"
        f" on {quantity(threads, 'thread')} each",
    )


def check_compile(choice: str) -> None:
    if choice not in ("auto", "on", "off"):
        raise BadInput(f"compile {choice!r}: unknown; choose auto, on or off")


def _jobs_on_cpu(work: Work, facts: NetworkFacts, trials: int, cores: int, *, threads: int | None) -> int:
    """The fewest processes that are over soonest, each of ``threads`` or of its share of the ``cores``."""
    available = available_memory()
    fitting = cores if available is None else available // bytes_of_trial(facts, work.workload.batch)
    flops = facts.flops * (work.num_steps * work.workload.batch + work.num_observed / 3)
    one_trial = work.num_steps * _SECONDS_A_STEP + flops / _FLOPS_A_SECOND

    def seconds(jobs: int) -> float:
        speedup = float((threads or cores // jobs) ** _GAIN)
        return math.ceil(trials / jobs) * one_trial / speedup + (_STARTING if jobs > 1 else 0.0)

    return min(range(1, max(1, min(cores, trials, fitting)) + 1), key=seconds)


def _jobs_on_gpu(work: Work, facts: NetworkFacts, trials: int, cores: int, device: torch.device) -> int:
    if device.type != "cuda":
        return 1  # Apple's GPU runs what several processes give it one after the other
    gpus = num_gpus(device)
    small = facts.flops * work.workload.batch < _SMALL_ON_GPU
    fitting = torch.cuda.mem_get_info(device)[0] // bytes_of_trial(facts, work.workload.batch)
    on_each = min(_MOST_ON_A_GPU, fitting) if small else 1
    most = max(1, min(cores, trials, gpus * max(1, on_each)))
    return math.ceil(trials / math.ceil(trials / most))


def settle_execution(execution: Execution, *, photos: bool, models: Iterable[str] = ()) -> Execution:
    """How to execute: as asked, or with one job for what no other process has, as objects of Python."""
    kind = check_execution(execution)
    own_model = next((model for model in models if is_given(model)), None)
    if own_model is None and (not photos or execution.cache):
        return execution
    elsewhere = execution.executor != "auto" and not kind.shares_memory
    if elsewhere or execution.jobs not in ("auto", 1):
        place = execution.executor if elsewhere else "processes"
        if own_model is not None:
            raise BadInput(
                f"model {own_model!r}: is an object of this process, which others cannot import; use jobs=1 "
                f"without executor={place!r}, or define it in a module and give it from there"
            )
        raise BadInput(
            "photos without a cache: are in the memory of one process, and others cannot share them; "
            f"leave out --cache off, or use --jobs 1 without --executor {place}"
        )
    return replace(execution, jobs=1)


def jobs_of(settings: Resolved, execution: Execution, device: torch.device) -> int:
    """How many trials at a time: as asked, else as the run was begun.

    On a CPU no more than there are cores for, since the threads of a run's trials stay what they are.
    """
    kind = find_executor(execution.executor)
    if kind.one_at_a_time:
        return 1
    if kind.machines is not None:
        if execution.jobs != "auto":
            return execution.jobs
        needs = needs_of(settings, execution, device)
        return max(1, room(kind.machines(execution.ray_address), needs))
    if execution.jobs == "auto":
        return settings.jobs
    if device.type != "cpu" or settings.threads == 1:
        return execution.jobs
    return max(1, min(execution.jobs, (os.cpu_count() or 1) // settings.threads))


def needs_of(settings: Resolved, execution: Execution, device: torch.device) -> Needs:
    """Needs of a trial on a machine of a cluster.

    As many share a GPU as do on this machine, or as have to where a number of jobs is given.
    """
    kind = find_executor(execution.executor)
    if kind.machines is None:
        return Needs()
    if device.type != "cuda":
        return Needs(settings.threads, _BYTES_OF_A_PROCESS)
    sharers = math.ceil(settings.jobs / num_gpus(device))
    if execution.jobs != "auto":
        gpus = sum(machine.gpus for machine in kind.machines(execution.ray_address))
        sharers = math.ceil(execution.jobs / max(1, gpus))
    return Needs(1, _BYTES_OF_A_PROCESS, max(1, sharers))


class Workers:
    """One executor after the other, each kept from run to run while it suits them."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._kind = find_executor(execution.executor, execution.jobs)
        self._executor: Executor | None = None
        self._needs = Needs()

    @property
    def elsewhere(self) -> bool:
        return self._kind.elsewhere

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()

    def needs(self, settings: Resolved, device: torch.device) -> Needs:
        return needs_of(settings, self._execution, device)

    def of(self, jobs: int, num_trials: int, needs: Needs = Needs()) -> Executor:
        """An executor of so many jobs, or of fewer where there are fewer trials.

        On a cluster it goes by what each needs, and by the machines there are where no number is asked for.
        """
        execution = self._execution
        num: int | None = max(1, min(jobs, num_trials))
        if self._kind.elsewhere:
            num = None if execution.jobs == "auto" else execution.jobs
            suits = needs == self._needs
        else:
            suits = self._executor is not None and min(jobs, num_trials) <= self._executor.jobs <= jobs
        if self._executor is None or not suits:
            self.close()  # idle workers would hold memory
            self._executor = make_executor(execution.executor, num, needs, execution.ray_address)
            self._needs = needs
        return self._executor
