"""Where trials run. One contract: on a CPU the same spec gives the same record in each."""

from easiness.executors.executor import Executor, Machine, Needs, Outcome, SerialExecutor, Tell, room
from easiness.executors.processes import ProcessesExecutor
from easiness.executors.registry import (
    EXECUTORS,
    ExecutorKind,
    check_execution,
    check_executor,
    executor_names,
    find_executor,
    make_executor,
)

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
    "check_execution",
    "check_executor",
    "executor_names",
    "find_executor",
    "make_executor",
    "room",
]
