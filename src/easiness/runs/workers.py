"""How many trials at a time, and the executor for them, kept from one run of a study to the next."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

import torch

from easiness.errors import BadInput
from easiness.executors import Executor, Needs, check_executor, find_executor, make_executor, room
from easiness.models import is_given
from easiness.spec import Execution, Resolved
from easiness.training import num_gpus

_BYTES_OF_A_TRIAL = 700 * 2**20  # Python, torch and a small network's activations


def allowed(execution: Execution, *, photos: bool, models: Iterable[str] = ()) -> Execution:
    """How to execute: as asked, or with one job for what no other process has, as objects of Python.

    Raises:
        BadInput: there is no such executor, or it cannot do so many jobs, or not with such photos or models,
            or goes to no cluster.
    """
    kind = check_executor(execution.executor, execution.jobs)
    if execution.ray_address is not None and not kind.elsewhere:
        raise BadInput(
            f"ray address {execution.ray_address}: the {kind.name} executor stays on this machine; "
            "use it with --executor ray"
        )
    given = next((model for model in models if is_given(model)), None)
    if given is None and (not photos or execution.cache):
        return execution
    elsewhere = execution.executor != "auto" and not kind.shares_memory
    if elsewhere or execution.jobs not in ("auto", 1):
        named = execution.executor if elsewhere else "processes"
        if given is not None:
            raise BadInput(
                f"model {given!r}: is an object of this process, which others cannot import; use jobs=1 "
                f"without executor={named!r}, or define it in a module and give it from there"
            )
        raise BadInput(
            "photos without a cache: are in the memory of one process, and others cannot share them; "
            f"leave out --cache off, or use --jobs 1 without --executor {named}"
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
    """What a trial takes of a machine of a cluster.

    As many share a GPU as do on this machine, or as have to where a number of jobs is given.
    """
    kind = find_executor(execution.executor)
    if kind.machines is None:
        return Needs()
    if device.type != "cuda":
        return Needs(settings.threads, _BYTES_OF_A_TRIAL)
    sharers = math.ceil(settings.jobs / num_gpus(device))
    if execution.jobs != "auto":
        gpus = sum(machine.gpus for machine in kind.machines(execution.ray_address))
        sharers = math.ceil(execution.jobs / max(1, gpus))
    return Needs(1, _BYTES_OF_A_TRIAL, max(1, sharers))


class Workers:
    """One executor after the other, each kept from run to run while it suits them."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._kind = find_executor(execution.executor, execution.jobs)
        self._executor: Executor | None = None
        self._needs = Needs()

    @property
    def elsewhere(self) -> bool:
        """May trials run on machines that do not see the files of this one?"""
        return self._kind.elsewhere

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.close()

    def needs(self, settings: Resolved, device: torch.device) -> Needs:
        """What a trial with these settings needs."""
        return needs_of(settings, self._execution, device)

    def of(self, jobs: int, num_groups: int, needs: Needs = Needs()) -> Executor:
        """An executor of so many jobs, or of fewer where there are fewer groups.

        That of a cluster goes by what each needs; where no number was asked for it takes machines into use
        that come later.
        """
        if self._kind.elsewhere:
            if self._executor is None or needs != self._needs:
                self._close()
                asked = None if self._execution.jobs == "auto" else self._execution.jobs
                address = self._execution.ray_address
                self._executor = make_executor(self._execution.executor, asked, needs, address)
                self._needs = needs
            return self._executor
        needed = max(1, min(jobs, num_groups))
        if self._executor is None or not needed <= self._executor.jobs <= jobs:
            self._close()  # idle workers would hold memory
            self._executor = make_executor(self._execution.executor, needed)
        return self._executor
