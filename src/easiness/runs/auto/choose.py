"""What ``auto`` becomes for a run: measured once, on made-up images before it begins, and reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from easiness.errors import BadInput
from easiness.executors import check_executor
from easiness.runs.auto.budget import Budget
from easiness.runs.auto.looks import Looks
from easiness.runs.auto.search import Search, changed
from easiness.runs.plan import Plan
from easiness.runs.work import work_of
from easiness.spec import Execution, Resolved
from easiness.training import by_rule, rehearsing


def resolve_plan(
    plan: Plan,
    device: torch.device,
    execution: Execution,
    *,
    may_group: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> Resolved:
    """What ``auto`` becomes for this plan on this machine, in at most 5 % of its time: 1 to 10 seconds.

    First the precision by a few steps in each, where the processor leaves a choice. Where the run takes
    long enough for it to matter, ways to train several trials at a time are compared with one trial on all
    cores: side by side in one process, for networks without convolutions, and processes beside each other,
    really working at the same time where there are seconds to start them. On a GPU, steps as CUDA graphs
    too. What was measured before, in whatever run, is not measured again, unless it is to be chosen again.
    Compiling takes a minute, so that it has to be asked for. ``may_group`` is for trials side by side
    in one process, whose number must be known; ``tell`` is told what takes time.

    Raises:
        BadInput: an option makes no sense, or the model cannot take a training step.
    """
    looks = _looks(plan, device, execution)
    found = _found(plan, device, execution, looks, Budget(), may_group, tell)
    looks.save()
    return found


@dataclass(frozen=True)
class Glance:
    """What ``auto`` would be by what is known, and for want of that by the least that tells a speed.

    ``rough`` where something was not known: `resolve_plan` then looks for longer, compares more, and may
    choose another way.
    """

    resolved: Resolved
    looks: Looks
    rough: bool


def glance(plan: Plan, device: torch.device, execution: Execution, *, may_group: bool = True) -> Glance:
    """As `resolve_plan`, at once: nothing is compared that is not known, and nothing kept for later runs."""
    looks = _looks(plan, device, execution)
    found = _found(plan, device, execution, looks, Budget(most=0.0), may_group, lambda _: None)
    return Glance(found, looks, looks.has_news)


def _looks(plan: Plan, device: torch.device, execution: Execution) -> Looks:
    return Looks(work_of(plan.asked, plan.data, str(device)).workload, anew=execution.choose_again)


def _found(
    plan: Plan,
    device: torch.device,
    execution: Execution,
    looks: Looks,
    budget: Budget,
    may_group: bool,
    tell: Callable[[str], None],
) -> Resolved:
    """What is found within the budget, and by what the looks know."""
    kind = check_executor(execution.executor, execution.jobs)
    check_compile(execution.compile)
    jobs = 1 if kind.one_at_a_time else execution.jobs
    compiling = execution.compile == "on"
    cores = torch.get_num_threads()
    threads = max(1, cores // jobs) if device.type == "cpu" and jobs != "auto" else cores
    if kind.elsewhere and jobs == "auto" and device.type == "cpu":
        threads = 1  # a trial on each core of the cluster, whose number may change
    work = work_of(plan.asked, plan.data, str(device))
    candidates = by_rule(looks.facts(), work.workload.batch, device, plan.precision, threads)
    search = Search(work, plan.trials, cores, looks, budget, may_group and not compiling, tell)
    with rehearsing(str(device)):
        best = search.fastest(candidates, jobs)
    return changed(best.settings, "compiled, as asked", compiled=True) if compiling else best.settings


def check_compile(choice: str) -> None:
    """Raise `BadInput` unless this is a choice."""
    if choice not in ("auto", "on", "off"):
        raise BadInput(f"compile {choice!r}: unknown; choose auto, on or off")
