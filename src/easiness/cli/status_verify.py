"""What ``easiness status --verify`` says: every damaged file of the runs, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from easiness.errors import RunFailed


def verify_runs(folder: Path, runs: Sequence[Path]) -> None:
    """Check every file of the runs below ``folder``, and name each that is damaged as it is found.

    Raises:
        RunFailed: one is.
    """
    from easiness.store import findings

    of_run: dict[Path, set[int]] = {}
    num = 0
    for run in runs:
        for finding in findings(run):
            typer.echo(" ".join(str(finding).split()))
            of_run.setdefault(run, set())
            if finding.trial is not None:
                of_run[run].add(finding.trial)
            num += 1
    checked = f"{len(runs)} run{'s' if len(runs) != 1 else ''}"
    if not num:
        typer.echo(f"{folder}: every file of {checked} is as it was written")
        return
    trials = sum(map(len, of_run.values()))
    raise RunFailed(
        f"{folder}: {num} damaged file{'s' if num > 1 else ''} in {len(of_run)} of {checked}, of {trials} "
        f"trial{'s' if trials != 1 else ''}; run the same `easiness measure` with --retrain-damaged, "
        "or restore them from a copy"
    )
