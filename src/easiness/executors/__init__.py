"""Where trials run. One contract: on a CPU the same spec gives the same record in each."""

from easiness.errors import BadInput
from easiness.executors.needs import Machine, Needs, room
from easiness.executors.outcome import Executor, Outcome, Tell
from easiness.executors.processes import ProcessesExecutor
from easiness.executors.registry import EXECUTORS, ExecutorKind, executor_names, find_executor
from easiness.executors.serial import SerialExecutor
from easiness.spec import Jobs


def check_executor(name: str, jobs: Jobs) -> ExecutorKind:
    """The executor of this name, once it is sure that it can do so many jobs.

    Raises:
        BadInput: there is no such executor, or it cannot.
    """
    kind = find_executor(name, jobs)
    kind.check_installed()
    if jobs != "auto" and (not isinstance(jobs, int) or jobs < 1):
        raise BadInput(f"jobs {jobs}: give auto or a number of trials to train at a time, at least 1")
    if kind.one_at_a_time and jobs not in ("auto", 1):
        raise BadInput(
            f"jobs {jobs}: the {kind.name} executor trains one trial at a time; choose processes or auto"
        )
    return kind


def make_executor(
    name: str, jobs: int | None = 1, needs: Needs = Needs(), address: str | None = None
) -> Executor:
    """The executor of this name; ``auto`` is ``serial`` for one job and ``processes`` for more.

    ``needs`` of an item and the ``address`` of a cluster are for executors that go by them; ``jobs`` is
    ``None``, for as many as there is room for, only with them.

    Raises:
        BadInput: there is none, or it cannot do so many jobs.
    """
    kind = check_executor(name, "auto" if jobs is None else jobs)
    if kind.make_for is not None:
        return kind.make_for(jobs, needs, address)
    assert jobs is not None
    return kind.make(jobs)


__all__ = [
    "EXECUTORS",
    "Executor",
    "ExecutorKind",
    "Machine",
    "Needs",
    "Outcome",
    "ProcessesExecutor",
    "SerialExecutor",
    "Tell",
    "check_executor",
    "executor_names",
    "find_executor",
    "make_executor",
    "room",
]
