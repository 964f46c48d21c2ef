"""Several runs at a glance: a row a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput

if TYPE_CHECKING:
    from easiness.store import Run

_DEEPEST = 3  # folders below the one given, as `ablate` in a folder of runs makes them


def runs_below(folder: Path, depth: int = _DEEPEST) -> list[Path]:
    """The runs in a folder and its folders, by name; runs are not looked into, nor what cannot be read."""
    from easiness.store import at_work, is_run

    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return []
    found: list[Path] = []
    for child in children:
        if is_run(child) or at_work(child) is not None:
            found.append(child)
        elif depth > 1:
            found += runs_below(child, depth - 1)
    return found


def missing_trials(run: Run) -> list[int]:
    """Indices of the trials that were asked for and are not there, or not as long as asked."""
    measured = run.spec.measured
    if measured is None:
        return []
    have = {trial.index for trial in run.trials if trial.epochs >= measured.epochs}
    return [index for index in range(measured.trials) if index not in have]


def table_text(folder: Path, runs: list[Path], num_damaged: Mapping[Path, int]) -> str:
    """A row for each run, with what it is, has and lacks, and how many damaged files."""
    from easiness.show import Section, counted, sections_text

    header = ["run", "network", "data", "examples", "trials", "epochs", "accuracy", "state"]
    rows = [_row(folder, path, num_damaged.get(path, 0)) for path in runs]
    note = "Accuracy is the mean over trials, on what was measured. `easiness status` of one run says more."
    title = f"{folder}: {counted(len(runs), 'run')}"
    return sections_text([Section(title, note, [header, *rows])])


def _row(folder: Path, path: Path, num_damaged: int) -> list[str]:
    from easiness.store import at_work, is_run, open_run

    name, working = str(path.relative_to(folder)), at_work(path)
    if not is_run(path):
        return [name, "", "", "", "", "", "", "at work"]
    try:
        run = open_run(path)
    except BadInput:
        return [name, "", "", "", "", "", "", "damaged"]
    measured, missing = run.spec.measured, missing_trials(run)
    last = [trial.known.accuracy["train"] for trial in run.trials if "train" in trial.known.accuracy]
    if working is not None:
        state = f"at work, {len(missing)} to go" if missing else "at work"
    elif run.failures():
        state = f"{len(run.failures())} failed"
    else:
        state = f"{len(missing)} missing" if missing else "finished"
    if num_damaged:
        state = f"damaged, {state}"
    return [
        name,
        run.model,
        str(run.spec.data.source or "arrays"),
        f"{run.spec.data.train.num_examples:,}",
        str(len(run.trials)) if measured is None else f"{len(run.trials)} of {measured.trials}",
        str(run.epochs),
        f"{sum(last) / len(last):.3f}" if last else "",
        state,
    ]
