"""Carrying a study out: plan what is missing, train it, and find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easiness.engine.study import Study, Verb
from easiness.executors import check_execution

if TYPE_CHECKING:
    from easiness.runs import Progress

# runs are imported where they are planned: what only reads them starts without torch


def answer(study: Study[Any] | Verb[Any], asked: Any, progress: Progress | None = None) -> Any:
    """The result of a study; what it plans is carried out below ``asked.out`` as far as it is missing."""
    told = () if progress is None else (progress,)
    if isinstance(study, Verb):
        return study.call(asked, *told)
    if study.plan is None:
        return study.find(asked, *told)
    from easiness.runs import carry_out_all

    check_execution(asked.execution)
    planned = study.plan(asked)
    runs = carry_out_all(planned.runs, asked.out, asked.execution, progress=progress)
    return study.find(asked, planned, runs)


def forecast(study: Study[Any], asked: Any) -> str:
    """The runs of a study that are there and missing, and their cost, in a sentence; nothing is trained."""
    from easiness.runs import describe, missing_by_run, plan_costs
    from easiness.training import resolve_device

    assert study.plan is not None
    check_execution(asked.execution)
    planned = study.plan(asked)
    costs = plan_costs(planned.runs, asked.out, resolve_device(asked.execution.device), asked.execution)
    text = describe(planned.runs, missing_by_run(planned.runs, asked.out), costs)
    return "; ".join(filter(None, [text, planned.note]))
