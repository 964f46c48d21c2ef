"""The studies, a folder each: what it plans, its result, its figure and its section of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["Measure", "Look", "Decide", "Share", "The paper's experiments"]
"""What a command is for: ``easiness --help`` lists commands under these, in this order."""


@dataclass(frozen=True)
class Function:
    """A public function of Python that the study's face offers.

    ``computes`` tells that it trains or asks networks, so that torch is loaded with it.
    """

    name: str
    computes: bool = True


@dataclass(frozen=True)
class Study:
    """The folder of a study, its commands (in `easiness.cli`, under that name), and its functions."""

    folder: str
    commands: Mapping[str, Group]
    functions: tuple[Function, ...]


STUDIES: tuple[Study, ...] = (
    Study(
        "matching",
        {"compare": "Look"},
        (
            Function("compare", computes=False),
            Function("combined_scores", computes=False),
            Function("matching_rate", computes=False),
        ),
    ),
    Study(
        "perturbation",
        {"perturb": "The paper's experiments"},
        (Function("perturbation_curve"), Function("pseudo_patterns")),
    ),
    Study("similarity", {}, (Function("similarity"),)),
    Study("patterns", {"patterns": "Look"}, (Function("patterns"),)),
    Study("learning", {}, (Function("learning_curve", computes=False),)),
    Study("suspects", {"suspects": "Decide"}, (Function("suspects"),)),
    Study("validation", {"validate": "The paper's experiments"}, (Function("validate"),)),
    Study("cleaning", {"clean": "Decide"}, (Function("clean", computes=False),)),
    Study("agreement", {"decisions": "Decide"}, (Function("decisions", computes=False),)),
    Study("audit", {"audit": "Decide"}, (Function("audit", computes=False),)),
    Study("worth", {"worth": "Decide"}, (Function("worth"), Function("to_label"))),
    Study("versions", {"diff": "Look"}, (Function("diff", computes=False),)),
    Study("hypothesis", {"hypothesis": "The paper's experiments"}, (Function("hypothesis"),)),
    Study("verification", {"verify": "Decide"}, (Function("verify"),)),
    Study(
        "training_sets",
        {
            "ablate": "The paper's experiments",
            "corrupt": "The paper's experiments",
            "prune": "Decide",
            "curriculum": "Decide",
        },
        (
            Function("ablate"),
            Function("corrupt"),
            Function("prune", computes=False),
            Function("curriculum", computes=False),
        ),
    ),
)
