"""The studies, a folder each: what it plans, its result, its figure and its section of a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """A public function of Python: its ``name``, and the ``module`` of the study's folder that has it.

    ``computes`` tells that it trains or asks networks, so that torch is loaded with it.
    """

    name: str
    module: str
    computes: bool = True


@dataclass(frozen=True)
class Study:
    """The folder of a study, its commands (each a module of `easiness.cli`), and its functions."""

    folder: str
    commands: tuple[str, ...]
    functions: tuple[Function, ...]


STUDIES: tuple[Study, ...] = (
    Study(
        "matching",
        ("compare",),
        (
            Function("compare", "compare", computes=False),
            Function("matching_rate", "compare", computes=False),
        ),
    ),
    Study(
        "perturbation",
        ("perturb",),
        (Function("perturbation_curve", "study"), Function("pseudo_patterns", "pseudo")),
    ),
    Study("similarity", (), (Function("similarity", "study"),)),
    Study(
        "training_sets",
        ("ablate", "corrupt", "prune"),
        (
            Function("ablate", "ablate"),
            Function("corrupt", "ablate"),
            Function("prune", "prune", computes=False),
        ),
    ),
    Study("validation", ("validate",), (Function("validate", "validate"),)),
)
