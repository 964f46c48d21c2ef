"""How many trials at a time, and the executor for them, kept from one run of a study to the next."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

import torch

from easiness.errors import BadInput
from easiness.executors import Executor, check_executor, find_executor, make_executor
from easiness.models import is_given
from easiness.spec import Execution, Resolved


def allowed(execution: Execution, *, photos: bool, models: Iterable[str] = ()) -> Execution:
    """As asked, or with one job for what other processes cannot have: photos in no file, objects of Python.

    Raises:
        BadInput: there is no such executor, or it cannot do so many jobs, or not with such photos or models.
    """
    kind = check_executor(execution.executor, execution.jobs)
    given = next((model for model in models if is_given(model)), None)
    if given is None and (not photos or execution.cache):
        return execution
    elsewhere = execution.executor != "auto" and not kind.shares_memory
    if elsewhere or execution.jobs not in ("auto", 1):
        named = execution.executor if elsewhere else "processes"
        if given is not None:
            raise BadInput(
                f"model {given!r} is an object of this process, which others cannot import; use jobs=1 "
                f"without executor={named!r}, or define it in a module and give it from there"
            )
        raise BadInput(
            "photos without a cache are in the memory of one process, and others cannot share them; "
            f"leave out --cache off, or use --jobs 1 without --executor {named}"
        )
    return replace(execution, jobs=1)


def jobs_of(settings: Resolved, execution: Execution, device: torch.device) -> int:
    """How many trials at a time: as asked, else as the run was begun.

    On a CPU no more than there are cores for, since the threads of a run's trials stay what they are.
    """
    if find_executor(execution.executor).one_at_a_time:
        return 1
    if execution.jobs == "auto":
        return settings.jobs
    if device.type != "cpu" or settings.threads == 1:
        return execution.jobs
    return max(1, min(execution.jobs, (os.cpu_count() or 1) // settings.threads))


class Workers:
    """One executor after the other, each kept from run to run while it suits them."""

    def __init__(self, executor: str) -> None:
        self._name = executor
        self._executor: Executor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.close()

    def of(self, jobs: int, num_groups: int) -> Executor:
        """An executor of so many jobs, or of fewer where there are fewer groups."""
        needed = max(1, min(jobs, num_groups))
        if self._executor is None or not needed <= self._executor.jobs <= jobs:
            self._close()  # idle workers would hold memory
            self._executor = make_executor(self._name, needed)
        return self._executor
