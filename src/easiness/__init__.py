"""Measure which training examples a neural network finds easy and which hard, and how sure we can be."""

import easiness.safe_path  # noqa: F401 takes the current folder off the path before any other import

# isort: split
import importlib
from typing import TYPE_CHECKING, Any

from easiness.higher_functions import offer
from easiness.named_import import needing_torch
from easiness.studies import STUDIES
from easiness.wait_policy import wait_passively

if TYPE_CHECKING:  # what type checkers see; held to what there is by a test
    from easiness.analysis import draw_by_rank as draw_by_rank, select as select
    from easiness.data import Dataset as Dataset, load_dataset as load_dataset
    from easiness.errors import (
        BadInput as BadInput,
        EasinessError as EasinessError,
        RunFailed as RunFailed,
        TrialFailed as TrialFailed,
    )
    from easiness.exports import apply_card as apply_card, card as card, export as export
    from easiness.pages import paper as paper, write_report as write_report
    from easiness.runs import measure as measure
    from easiness.spec import Recipe as Recipe
    from easiness.store import Recorder as Recorder, Run as Run, open_run as open_run
    from easiness.studies.agreement import decisions as decisions
    from easiness.studies.audit import audit as audit
    from easiness.studies.cleaning import clean as clean
    from easiness.studies.hypothesis import hypothesis as hypothesis
    from easiness.studies.learning import learning_curve as learning_curve
    from easiness.studies.matching import (
        combined_scores as combined_scores,
        compare as compare,
        matching_rate as matching_rate,
    )
    from easiness.studies.patterns import patterns as patterns
    from easiness.studies.perturbation import (
        perturbation_curve as perturbation_curve,
        pseudo_patterns as pseudo_patterns,
    )
    from easiness.studies.similarity import similarity as similarity
    from easiness.studies.suspects import suspects as suspects
    from easiness.studies.training_sets import (
        ablate as ablate,
        corrupt as corrupt,
        curriculum as curriculum,
        prune as prune,
    )
    from easiness.studies.validation import validate as validate
    from easiness.studies.verification import verify as verify
    from easiness.studies.versions import diff as diff
    from easiness.studies.worth import to_label as to_label, worth as worth

    __version__: str

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
    "draw_by_rank": "analysis",
    "apply_card": "exports",
    "card": "exports",
    "export": "exports",
    "load_dataset": "data",
    "measure": "runs",
    "open_run": "store",
    "paper": "pages",
    "select": "analysis",
    "write_report": "pages",
    **{function.name: f"studies.{study.folder}" for study, function in _OF_STUDIES},
}
# what a run hands on to
for _name in ("run_html", "write_report", "write_hypothesis"):
    offer(_name, f"{__name__}.pages")

# what trains or asks networks: torch is loaded with it
_COMPUTING = {"measure", "paper", *(function.name for _, function in _OF_STUDIES if function.computes)}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _COMPUTING:
        wait_passively()
    with needing_torch(name):
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return ["__version__", *__all__]
