"""The studies, a folder each: what it plans, its result, its figure and its section of a page."""

from __future__ import annotations

from dataclasses import dataclass


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
    commands: tuple[str, ...]
    functions: tuple[Function, ...]


STUDIES: tuple[Study, ...] = (
    Study(
        "matching",
        ("compare",),
        (
            Function("compare", computes=False),
            Function("combined_scores", computes=False),
            Function("matching_rate", computes=False),
        ),
    ),
    Study(
        "perturbation",
        ("perturb",),
        (Function("perturbation_curve"), Function("pseudo_patterns")),
    ),
    Study("similarity", (), (Function("similarity"),)),
    Study("learning", (), (Function("learning_curve", computes=False),)),
    Study(
        "training_sets",
        ("ablate", "corrupt", "prune"),
        (
            Function("ablate"),
            Function("corrupt"),
            Function("prune", computes=False),
        ),
    ),
    Study("suspects", ("suspects",), (Function("suspects"),)),
    Study("validation", ("validate",), (Function("validate"),)),
    Study("cleaning", ("clean",), (Function("clean", computes=False),)),
    Study("versions", ("diff",), (Function("diff", computes=False),)),
    Study("verification", ("verify",), (Function("verify"),)),
)
