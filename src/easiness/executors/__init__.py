"""Where trials run. One contract: the same spec gives the same record in each."""

from easiness.errors import BadInput, nearest
from easiness.executors.outcome import Executor, Outcome
from easiness.executors.serial import SerialExecutor

_EXECUTORS = {"serial": SerialExecutor}


def make_executor(name: str) -> Executor:
    """The executor of this name.

    Raises:
        BadInput: there is none.
    """
    if name not in _EXECUTORS:
        raise BadInput(
            f"executor {name!r}: unknown{nearest(name, _EXECUTORS)}; choose {', '.join(_EXECUTORS)}"
        )
    return _EXECUTORS[name]()


__all__ = ["Executor", "Outcome", "SerialExecutor", "make_executor"]
