"""Where trials run. One contract: on a CPU the same spec gives the same record in each."""

from easiness.errors import BadInput, nearest
from easiness.executors.outcome import Executor, Outcome, Tell
from easiness.executors.processes import ProcessesExecutor
from easiness.executors.serial import SerialExecutor
from easiness.spec import Jobs

EXECUTORS = ("auto", "serial", "processes")


def _no_jobs(given: object) -> BadInput:
    return BadInput(f"jobs {given}: give auto or a number of trials to train at a time, at least 1")


def check_executor(name: str, jobs: Jobs) -> None:
    """Make sure that there is such an executor and that it can do so many jobs.

    Raises:
        BadInput: it cannot.
    """
    if name not in EXECUTORS:
        raise BadInput(f"executor {name!r}: unknown{nearest(name, EXECUTORS)}; choose {', '.join(EXECUTORS)}")
    if jobs != "auto" and (not isinstance(jobs, int) or jobs < 1):
        raise _no_jobs(jobs)
    if name == "serial" and jobs not in ("auto", 1):
        raise BadInput(
            f"jobs {jobs}: the serial executor trains one trial at a time; choose processes or auto"
        )


def make_executor(name: str, jobs: int = 1) -> Executor:
    """The executor of this name; ``auto`` is ``serial`` for one job and ``processes`` for more.

    Raises:
        BadInput: there is none, or it cannot do so many jobs.
    """
    check_executor(name, jobs)
    if name == "serial" or (name == "auto" and jobs == 1):
        return SerialExecutor()
    return ProcessesExecutor(jobs)


__all__ = [
    "EXECUTORS",
    "Executor",
    "Outcome",
    "ProcessesExecutor",
    "SerialExecutor",
    "Tell",
    "check_executor",
    "make_executor",
]
