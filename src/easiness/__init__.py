"""Measure which training examples a neural network finds easy and which hard, and how sure we can be."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from easiness.studies import STUDIES
from easiness.wait_policy import wait_passively

if TYPE_CHECKING:  # what type checkers see; held to what there is by a test
    from easiness.analysis import select as select
    from easiness.analysis.draw import draw_by_rank as draw_by_rank
    from easiness.data import Dataset as Dataset
    from easiness.data import load_dataset as load_dataset
    from easiness.errors import BadInput as BadInput
    from easiness.errors import EasinessError as EasinessError
    from easiness.errors import RunFailed as RunFailed
    from easiness.errors import TrialFailed as TrialFailed
    from easiness.report.page import write_report as write_report
    from easiness.report.paper_study import paper as paper
    from easiness.runs.measuring import measure as measure
    from easiness.spec import Recipe as Recipe
    from easiness.store import Recorder as Recorder
    from easiness.store import Run as Run
    from easiness.store import open_run as open_run
    from easiness.studies.matching.comparison import compare as compare
    from easiness.studies.matching.comparison import matching_rate as matching_rate
    from easiness.studies.perturbation.pseudo import pseudo_patterns as pseudo_patterns
    from easiness.studies.perturbation.study import perturbation_curve as perturbation_curve
    from easiness.studies.similarity.study import similarity as similarity
    from easiness.studies.training_sets.ablation import ablate as ablate
    from easiness.studies.training_sets.ablation import corrupt as corrupt
    from easiness.studies.training_sets.pruning import prune as prune
    from easiness.studies.validation.validating import validate as validate

_OF_STUDIES = [(study, function) for study in STUDIES for function in study.functions]

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
    "draw_by_rank": "analysis.draw",
    "load_dataset": "data",
    "measure": "runs.measuring",
    "open_run": "store",
    "paper": "report.paper_study",
    "select": "analysis",
    "write_report": "report.page",
    **{function.name: f"studies.{study.folder}.{function.module}" for study, function in _OF_STUDIES},
}
# what trains or asks networks: torch is loaded with it
_COMPUTING = {"measure", "paper", *(function.name for _, function in _OF_STUDIES if function.computes)}

__all__ = sorted(_HOMES)


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
