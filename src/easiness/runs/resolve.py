"""What ``auto`` becomes for a run: by rule, from the network, the run and the machine, never by a clock."""

from __future__ import annotations

import math

import torch

from easiness.errors import BadInput
from easiness.executors import check_executor
from easiness.inputs import available_memory
from easiness.runs.forecast import Forecast, Work, work_of
from easiness.runs.plan import Plan
from easiness.show import counted
from easiness.spec import Execution, Resolved
from easiness.training import NetworkFacts, can_be_graphed, choose_precision, num_gpus

BYTES_OF_A_PROCESS = 700 * 2**20
"""What Python, torch and a small network take of memory."""

_SMALL_STEP = 3e9  # FLOP on a CPU, below which threads mostly wait for each other
_SMALL_ON_GPU = 5e10  # FLOP, below which a GPU waits for the launches of its kernels
_MOST_ON_A_GPU = 5  # processes
_GAIN = 0.7  # n threads make a step n ** _GAIN times as fast

# what a trial takes on one core, roughly: only whether processes pay for their start depends on it
_FLOPS_A_SECOND = 5e10
_SECONDS_A_STEP = 2e-3
_STARTING = 4.0  # seconds until processes train


def resolve_plan(
    plan: Plan, device: torch.device, execution: Execution, forecast: Forecast | None = None
) -> Resolved:
    """What ``auto`` becomes for this plan on this machine.

    The precision is bfloat16 where the device multiplies such numbers, else float32. As many trials train
    at a time as cores, memory and trials allow, the threads shared out among them: as many as are over
    soonest, when n threads are n ** 0.7 times as fast as one and starting processes takes 4 seconds. Small
    steps run on one thread. On a GPU one process for each, five where steps are small, and steps are CUDA
    graphs where they can be. Nothing is compiled unless asked.

    Raises:
        BadInput: an option makes no sense, or the model cannot take a training step.
    """
    kind = check_executor(execution.executor, execution.jobs)
    check_compile(execution.compile)
    work = work_of(plan.asked, plan.data, str(device))
    facts = (forecast or Forecast(work.workload)).facts()
    precision, reason = choose_precision(plan.precision, device)
    cores = torch.get_num_threads()
    asked = 1 if kind.one_at_a_time else execution.jobs
    threads_of_small = device.type == "cpu" and facts.flops * work.workload.batch < _SMALL_STEP
    if asked != "auto":
        jobs = asked
    elif device.type == "cpu":
        jobs = _jobs_on_cpu(work, facts, plan.trials, cores, threads=1 if threads_of_small else None)
    else:
        jobs = _jobs_on_gpu(work, facts, plan.trials, cores, device)
    threads = max(1, cores // jobs) if device.type == "cpu" else cores
    if threads_of_small or (kind.elsewhere and execution.jobs == "auto" and device.type == "cpu"):
        threads = 1  # elsewhere: a trial on each core of the cluster, whose number may change
    at_a_time = f"{counted(jobs, 'trial')} at a time{', as asked,' if execution.jobs != 'auto' else ''}"
    resolved = Resolved(
        precision=precision,
        channels_last=facts.convolutions and device.type != "mps",
        threads=threads,
        jobs=jobs,
        compiled=execution.compile == "on",
        folded=device.type != "mps",
        reason=f"{reason}; {at_a_time} on {counted(threads, 'thread')} each",
    )
    if device.type == "cuda" and not resolved.compiled and can_be_graphed(work.workload, resolved):
        return resolved.model_copy(update={"graphed": True, "reason": f"{resolved.reason}; CUDA graphs"})
    return resolved


def check_compile(choice: str) -> None:
    """Raise `BadInput` unless this is a choice."""
    if choice not in ("auto", "on", "off"):
        raise BadInput(f"compile {choice!r}: unknown; choose auto, on or off")


def _jobs_on_cpu(work: Work, facts: NetworkFacts, trials: int, cores: int, *, threads: int | None) -> int:
    """The fewest processes that are over soonest, each of ``threads`` or of its share of the ``cores``."""
    available = available_memory()
    fitting = cores if available is None else available // _bytes(work, facts)
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
    on_each = min(_MOST_ON_A_GPU, torch.cuda.mem_get_info(device)[0] // _bytes(work, facts)) if small else 1
    most = max(1, min(cores, trials, gpus * max(1, on_each)))
    return math.ceil(trials / math.ceil(trials / most))


def _bytes(work: Work, facts: NetworkFacts) -> int:
    """What a process takes: weights with gradients and moments, and what a step keeps for its gradients."""
    return BYTES_OF_A_PROCESS + 16 * facts.num_weights + facts.kept_bytes * work.workload.batch
