from .executor import (
    Executor as Executor,
    Machine as Machine,
    Needs as Needs,
    Outcome as Outcome,
    ProcessesExecutor as ProcessesExecutor,
    SerialExecutor as SerialExecutor,
    Tell as Tell,
    room as room,
)
from .registry import (
    EXECUTORS as EXECUTORS,
    ExecutorKind as ExecutorKind,
    check_execution as check_execution,
    check_executor as check_executor,
    executor_names as executor_names,
    find_executor as find_executor,
    make_executor as make_executor,
)
