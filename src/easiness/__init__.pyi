"""Written by tools/stubs.py; a test holds it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from easiness import paper as paper
from easiness.analysis import draw_by_rank as draw_by_rank, select as select
from easiness.cli.status import Status
from easiness.data import Dataset as Dataset, load_dataset as load_dataset
from easiness.errors import BadInput as BadInput, EasinessError as EasinessError, RunFailed as RunFailed
from easiness.exports import Export
from easiness.runs import Progress
from easiness.spec import Recipe as Recipe
from easiness.store import Recorder as Recorder, Run as Run, open_run as open_run
from easiness.studies.explain import Explanation
from easiness.studies.matching import Comparison, matching_rate as matching_rate
from easiness.studies.suspects import Suspects
from easiness.studies.verification import Verification
from easiness.studies.versions import Difference

__version__: str

def measure(
    data: Any,
    *,
    out: str | Path,
    model: str | Callable[..., Any] | None = ...,
    epochs: int = ...,
    seed: int = ...,
    recipe: Recipe | dict[str, Any] | str | Path | None = ...,
    train_share: float = ...,
    precision: Literal["auto", "float32", "bfloat16"] = ...,
    features: Any = ...,
    shares: Sequence[float] | None = ...,
    trials: int | Literal["auto"] | Mapping[str, float] = ...,
    observe: str = ...,
    keep_logits: bool = ...,
    keep_weights: bool = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    compile: Literal["auto", "on", "off"] = ...,
    cache: bool = ...,
    checkpoint_every: float | Literal["auto", "off"] = ...,
    retrain_damaged: bool = ...,
    track: Any = ...,
    progress: bool | Progress = ...,
) -> Run: ...
def record(
    table: Any = ...,
    *,
    out: str | Path | None = ...,
    columns: Mapping[str, str] | None = ...,
    errors: Literal["leave-out", "wrong"] = ...,
    trials_are: Literal["rollouts", "models"] = ...,
    add: bool = ...,
    probabilities: Any = ...,
    labels: Any = ...,
    progress: bool | Progress = ...,
) -> Any: ...
def status(run: str | Path, *, verify: bool = ..., progress: bool | Progress = ...) -> Status: ...
def report(
    runs: Any,
    output: str | Path = ...,
    *,
    at: float | None = ...,
    data: Any = ...,
    since: Run | None = ...,
    by: Literal["ids", "pixels"] = ...,
    old_data: Any = ...,
    suspects: int = ...,
    decide: str | Path | None = ...,
    blind: bool | None = ...,
    explain: Sequence[str] | None = ...,
    metadata: str | Path | None = ...,
    pixels: int = ...,
    progress: bool | Progress = ...,
) -> Path: ...
def scores(
    run: Run | Sequence[Run],
    *,
    at: float | None = ...,
    fraction: float | None = ...,
    split: Literal["train", "held_out"] = ...,
    between: tuple[float, float] | None = ...,
    progress: bool | Progress = ...,
) -> Any: ...
def compare(
    runs: Run | Sequence[Run],
    *,
    at: float | None = ...,
    fraction: float = ...,
    ties: Iterable[Literal["expected", "strict", "refine"]] = ...,
    seed: int = ...,
    progress: bool | Progress = ...,
) -> Comparison: ...
def diff(
    old: Run,
    new: Run,
    *,
    by: Literal["ids", "pixels"] = ...,
    at: float | None = ...,
    rate: float = ...,
    at_least: float = ...,
    old_data: Any = ...,
    new_data: Any = ...,
    progress: bool | Progress = ...,
) -> Difference: ...
def explain(
    run: Run,
    *,
    by: Sequence[str] | None = ...,
    metadata: Any = ...,
    adjust: Sequence[str] | None = ...,
    features: Any = ...,
    split: Literal["train", "held_out"] = ...,
    score: Literal["error_rate", "difficulty", "p_wrong"] = ...,
    at: float | None = ...,
    nearest: int | None = ...,
    data: Any = ...,
    download: bool = ...,
    device: str = ...,
    progress: bool | Progress = ...,
) -> Explanation: ...
def suspects(
    run: Run | Sequence[Run],
    *,
    split: Literal["train", "held_out"] = ...,
    above: float = ...,
    decided: str | Path | None = ...,
    at: float | None = ...,
    pictures: bool = ...,
    data: Any = ...,
    device: str = ...,
    progress: bool | Progress = ...,
) -> Suspects: ...
def labels(
    run: Run | str | Path | None = ...,
    files: str | Path | Sequence[str | Path] | None = ...,
    *,
    relabel_above: float | None = ...,
    drop_above: float | None = ...,
    annotations: Any = ...,
    labels: str | Path | None = ...,
    decided: str | Path | None = ...,
    only_decided: bool = ...,
    split: Literal["train", "held_out"] = ...,
    progress: bool | Progress = ...,
) -> Any: ...
def audit(
    run: str | Path | Run | Sequence[Run],
    *,
    looks: int | None = ...,
    at_most: float | None = ...,
    seed: int = ...,
    split: Literal["train", "held_out"] | None = ...,
    blind: bool = ...,
    known: str | Path | None = ...,
    decided: str | Path | None = ...,
    certificate: bool = ...,
    progress: bool | Progress = ...,
) -> Any: ...
def verify(
    data: Any,
    *,
    out: str | Path,
    labels: str | Path,
    before: str | Path | None = ...,
    beside: Sequence[str] = ...,
    trials: int = ...,
    model: str | Callable[..., Any] | None = ...,
    epochs: int = ...,
    seed: int = ...,
    recipe: Recipe | dict[str, Any] | str | Path | None = ...,
    precision: Literal["auto", "float32", "bfloat16"] = ...,
    features: Any = ...,
    shares: Sequence[float] | None = ...,
    device: str = ...,
    executor: str = ...,
    ray_address: str | None = ...,
    jobs: int | Literal["auto"] = ...,
    cache: bool = ...,
    progress: bool | Progress = ...,
) -> Verification: ...
def keep(
    run: Run,
    *,
    drop: float | None = ...,
    policy: str | None = ...,
    ids: Any = ...,
    keep: Literal["top", "bottom"] | None = ...,
    balanced: bool = ...,
    steps: int | None = ...,
    batch_size: int | None = ...,
    start: float = ...,
    whole_after: float = ...,
    score: str | None = ...,
    at: float | None = ...,
    sizes: Sequence[int] | None = ...,
    keep_shares: Sequence[float] = ...,
    seeds: int = ...,
    margin: float = ...,
    between: tuple[float, float] | None = ...,
    data: Any = ...,
    seed: int = ...,
    progress: bool | Progress = ...,
) -> Any: ...
def next(
    run: Run | None = ...,
    *,
    pool: Any = ...,
    rollouts: int | None = ...,
    between: tuple[float, float] | None = ...,
    hard: bool = ...,
    annotations: Any = ...,
    looks: int | None = ...,
    picks: int = ...,
    seeds: int = ...,
    data: Any = ...,
    seed: int = ...,
    progress: bool | Progress = ...,
) -> Any: ...
def export(
    run: Run,
    to: str,
    output: str | Path,
    *,
    split: Literal["train", "held_out"] = ...,
    at: float | None = ...,
    data: Any = ...,
    above: float | None = ...,
    only: str | Path | None = ...,
    blind: bool = ...,
    document_root: str | Path | None = ...,
    progress: bool | Progress = ...,
) -> Export: ...
def card(
    run: Any,
    output: str | Path | None = ...,
    *,
    apply: str | Path | None = ...,
    certificate: str | Path | None = ...,
    at: float | None = ...,
    data: Any = ...,
    progress: bool | Progress = ...,
) -> Any: ...
