"""Every executor by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from easiness.errors import BadInput, nearest
from easiness.executors.executor import Executor, Machine, Needs, ProcessesExecutor, SerialExecutor
from easiness.executors.ray import RayExecutor, machines
from easiness.named_import import current_folder_importable, describe, find_attribute, split_name
from easiness.spec import Execution, Jobs

AUTO = "auto"


@dataclass(frozen=True)
class ExecutorKind:
    """An executor, declared.

    ``make`` gives one for a number of jobs, or for as many as there is room for, told what each item needs
    and where the cluster is. ``shares_memory`` is that of `Executor`: do items stay in this process?
    ``one_at_a_time`` ones do no more than one job. ``machines`` says what those of the cluster at an address
    have, for an executor whose items do not stay on this one and may not see its files. ``extra`` is the
    module, and our extra of that name, that it takes.
    """

    name: str
    make: Callable[[int | None, Needs, str | None], Executor]
    shares_memory: bool
    one_at_a_time: bool = False
    machines: Callable[[str | None], tuple[Machine, ...]] | None = None
    extra: str | None = None

    @property
    def elsewhere(self) -> bool:
        return self.machines is not None


SERIAL = ExecutorKind("serial", lambda *_: SerialExecutor(), shares_memory=True, one_at_a_time=True)
PROCESSES = ExecutorKind("processes", lambda jobs, *_: ProcessesExecutor(jobs), shares_memory=False)
RAY = ExecutorKind("ray", RayExecutor, shares_memory=False, machines=machines, extra="ray")

EXECUTORS: tuple[ExecutorKind, ...] = (SERIAL, PROCESSES, RAY)


def executor_names() -> tuple[str, ...]:
    """The names to choose from; ``auto`` is one of the others, by the number of jobs."""
    return (AUTO, *(kind.name for kind in EXECUTORS))


def find_executor(name: str, jobs: Jobs = "auto") -> ExecutorKind:
    """The executor of this name, or of ``package.module:name``; ``auto`` goes by the number of jobs."""
    if name == AUTO:
        return SERIAL if jobs == 1 else PROCESSES
    if ":" in name:
        return _users_own(name)
    kind = next((kind for kind in EXECUTORS if kind.name == name), None)
    if kind is None:
        names = executor_names()
        raise BadInput(f"executor {name!r}: unknown{nearest(name, names)}; choose {', '.join(names)}")
    return kind


def _users_own(name: str) -> ExecutorKind:
    what = f"executor {name!r}"
    parts = split_name(name)
    if parts is None:
        raise BadInput(f"{what}: write package.module:name, with a module's dotted name (not a file)")
    with current_folder_importable():
        factory = find_attribute(what, *parts)

    def make(jobs: int | None, *_: object) -> Executor:
        try:
            result: Any = factory(jobs)
        except Exception as error:
            raise BadInput(f"{what}: {parts[1]}({jobs}) raised {describe(error)}") from error
        if not isinstance(result, Executor):
            raise BadInput(f"{what}: gives {type(result).__name__}; give an easiness.executors.Executor")
        return result

    return ExecutorKind(name, make, bool(getattr(factory, "shares_memory", False)))


def check_execution(execution: Execution) -> ExecutorKind:
    """The executor that is asked for, as `check_executor`, which goes to the cluster if there is one."""
    kind, address = check_executor(execution.executor, execution.jobs), execution.ray_address
    if address is not None and not kind.elsewhere:
        raise BadInput(
            f"ray address {address}: the {kind.name} executor stays on this machine; use it with "
            "--executor ray"
        )
    return kind


def check_executor(name: str, jobs: Jobs) -> ExecutorKind:
    kind = find_executor(name, jobs)
    if kind.extra is not None and find_spec(kind.extra) is None:
        raise BadInput(f"executor {name}: is not installed; pip install 'easiness[{kind.extra}]'")
    if jobs != "auto" and (not isinstance(jobs, int) or jobs < 1):
        raise BadInput(f"--jobs {jobs}: give auto or a number of trials to train at a time, at least 1")
    if kind.one_at_a_time and jobs not in ("auto", 1):
        raise BadInput(
            f"--jobs {jobs}: the {kind.name} executor trains one trial at a time; choose processes or auto"
        )
    return kind


def make_executor(
    name: str, jobs: int | None = 1, needs: Needs = Needs(), address: str | None = None
) -> Executor:
    """The executor of this name; ``auto`` is ``serial`` for one job and ``processes`` for more.

    ``needs`` of an item and the ``address`` of a cluster are for executors that go by them; ``jobs`` is
    ``None``, for as many as there is room for, only with them.
    """
    return check_executor(name, "auto" if jobs is None else jobs).make(jobs, needs, address)
