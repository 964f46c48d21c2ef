"""Written by tools/stubs.py; a test holds it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from easiness.paper.claims import Claim
from easiness.paper.perturbation.study import PerturbationStudy
from easiness.paper.planted import Hypothesis
from easiness.paper.training_sets import TrainingSetStudy
from easiness.paper.validation import Validation
from easiness.runs import Progress
from easiness.spec import Recipe
from easiness.store import Run

def all(
    data: Any = ...,
    *,
    out: str | Path,
    preset: Literal["smoke", "laptop", "overnight", "paper"] = ...,
    seed: int = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    cache: bool = ...,
    progress: bool | Progress = ...,
) -> list[Claim]: ...
def perturb(
    run: Run,
    *,
    kind: str,
    levels: Sequence[float] | None = ...,
    side: Literal["easy", "hard"] | None = ...,
    fraction: float = ...,
    ties: Iterable[Literal["expected", "strict", "refine"]] = ...,
    pattern_level: float | None = ...,
    probe: Literal["train", "held_out"] | None = ...,
    data: Any = ...,
    seed: int = ...,
    num_replicates: int = ...,
    device: str = ...,
    cache: bool = ...,
    progress: bool | Progress = ...,
) -> PerturbationStudy: ...
def ablate(
    data: Any,
    *,
    scores: Run,
    out: str | Path,
    model: str | Callable[..., Any] | None,
    epochs: int,
    rates: Iterable[float],
    seed: int = ...,
    recipe: Recipe | dict[str, Any] | str | Path | None = ...,
    precision: Literal["auto", "float32", "bfloat16"] = ...,
    policies: Iterable[str] | None = ...,
    repetitions: int = ...,
    score: str = ...,
    keep: Literal["top", "bottom"] | None = ...,
    at: float | None = ...,
    balanced: bool = ...,
    steps: Literal["epochs", "steps"] = ...,
    holdout: float | None = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    cache: bool = ...,
    every_epoch: bool = ...,
    progress: bool | Progress = ...,
) -> TrainingSetStudy: ...
def corrupt(
    data: Any,
    *,
    scores: Run,
    out: str | Path,
    model: str | Callable[..., Any] | None,
    epochs: int,
    rates: Iterable[float],
    seed: int = ...,
    recipe: Recipe | dict[str, Any] | str | Path | None = ...,
    precision: Literal["auto", "float32", "bfloat16"] = ...,
    policies: Iterable[str] | None = ...,
    repetitions: int = ...,
    score: str = ...,
    keep: Literal["top", "bottom"] | None = ...,
    at: float | None = ...,
    balanced: bool = ...,
    other_label: bool = ...,
    holdout: float | None = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    cache: bool = ...,
    every_epoch: bool = ...,
    progress: bool | Progress = ...,
) -> TrainingSetStudy: ...
def validate(
    data: Any,
    *,
    models: Sequence[str | Callable[..., Any]],
    out: str | Path,
    trials: int = ...,
    epochs: int = ...,
    final_models: Sequence[str | Callable[..., Any]] | None = ...,
    final_trials: int = ...,
    final_epochs: int = ...,
    seed: int = ...,
    recipe: Recipe | dict[str, Any] | str | Path | None = ...,
    precision: Literal["auto", "float32", "bfloat16"] = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    cache: bool = ...,
    progress: bool | Progress = ...,
) -> Validation: ...
def hypothesis(
    *,
    out: str | Path,
    preset: Literal["smoke", "full"] = ...,
    seed: int = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    progress: bool | Progress = ...,
) -> Hypothesis: ...
