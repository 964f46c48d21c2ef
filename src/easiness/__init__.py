"""Measure which training examples a neural network finds easy and which hard, and how sure we can be."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from easiness.wait_policy import wait_passively

if TYPE_CHECKING:
    from easiness.analysis import select
    from easiness.analysis.draw import draw_by_rank
    from easiness.data import Dataset, load_dataset
    from easiness.errors import BadInput, EasinessError, RunFailed, TrialFailed
    from easiness.report.page import write_report
    from easiness.report.paper import paper
    from easiness.runs.measure import measure
    from easiness.spec import Recipe
    from easiness.store import Recorder, Run, open_run
    from easiness.studies.matching.compare import compare, matching_rate
    from easiness.studies.perturbation.pseudo import pseudo_patterns
    from easiness.studies.perturbation.study import perturbation_curve
    from easiness.studies.similarity.study import similarity
    from easiness.studies.training_sets.ablate import ablate, corrupt
    from easiness.studies.training_sets.prune import prune
    from easiness.studies.validation.validate import validate

# where each public name lives; loaded on first use, so that importing the package stays light
_HOMES = {
    "BadInput": "errors",
    "Dataset": "data",
    "EasinessError": "errors",
    "Recipe": "spec",
    "Recorder": "store",
    "Run": "store",
    "RunFailed": "errors",
    "TrialFailed": "errors",
    "ablate": "studies.training_sets.ablate",
    "compare": "studies.matching.compare",
    "corrupt": "studies.training_sets.ablate",
    "draw_by_rank": "analysis.draw",
    "load_dataset": "data",
    "matching_rate": "studies.matching.compare",
    "measure": "runs.measure",
    "open_run": "store",
    "paper": "report.paper",
    "perturbation_curve": "studies.perturbation.study",
    "prune": "studies.training_sets.prune",
    "pseudo_patterns": "studies.perturbation.pseudo",
    "select": "analysis",
    "similarity": "studies.similarity.study",
    "validate": "studies.validation.validate",
    "write_report": "report.page",
}

__all__ = [
    "BadInput",
    "Dataset",
    "EasinessError",
    "Recipe",
    "Recorder",
    "Run",
    "RunFailed",
    "TrialFailed",
    "ablate",
    "compare",
    "corrupt",
    "draw_by_rank",
    "load_dataset",
    "matching_rate",
    "measure",
    "open_run",
    "paper",
    "perturbation_curve",
    "prune",
    "pseudo_patterns",
    "select",
    "similarity",
    "validate",
    "write_report",
]


# what trains or asks networks: torch is loaded with it
_COMPUTING = {
    "ablate",
    "corrupt",
    "measure",
    "paper",
    "perturbation_curve",
    "pseudo_patterns",
    "similarity",
    "validate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _COMPUTING:
        wait_passively()
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
