"""What ``easiness status`` says of damage: every damaged file of the runs, a line each."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from easiness import show, store
from easiness.errors import RunFailed
from easiness.paper import reproduction as paper

SHOWN = ("examples.parquet", "train.parquet")
"""Files that the status of one run reads."""
_MOST_LOOKED_AT = 512  # trials; those of more have an index, and --verify takes its time


def verified(folder: Path, runs: Sequence[Path]) -> Iterator[str]:
    """Check what the runs below ``folder`` hold, and name each file that is damaged as it is found.

    The log has no digest and is not checked; the description of a study is.
    """
    of_run: dict[Path, list[store.Finding]] = {}
    damaged_study = study_damage(folder)
    if damaged_study is not None:
        yield damaged_study
    for run in runs:
        for finding in store.findings(run):
            yield finding_text(finding)
            of_run.setdefault(run, []).append(finding)
    refuse_damage(folder, of_run, len(runs))
    yield (
        f"{folder}: records, weights and descriptions of {show.counted(len(runs), 'run')} are as they were "
        "written (the log, events.jsonl, is not checked)"
    )


def seen_damaged(
    run: Path, read: Container[str] = (), opened: store.Run | None = None
) -> list[store.Finding]:
    """Yield the damage in a run, ``opened`` or not, that documents, sizes and the files to ``read`` show."""
    if not store.is_run(run):
        return []  # it is only beginning
    try:
        if sum(1 for _ in os.scandir(run / "trials")) >= _MOST_LOOKED_AT:
            return []
    except OSError:
        pass  # without trials, or findings say so
    try:
        found = list(store.findings(run, read, opened))
    except store.LaterVersion:
        return []  # which whoever opens it is told
    # a longer trial may have taken the place of one meanwhile; a note of a failure counts for nothing
    return [
        one
        for one in found
        if one.trial is None or (os.path.lexists(one.file.parent) and one.file.parent.name != "trials")
    ]


def finding_text(finding: store.Finding) -> str:
    """One line, whatever is in the name of the file."""
    return " ".join(str(finding).split())


def study_damage(folder: Path) -> str | None:
    """A line where the description of a study is damaged."""
    if not paper.is_damaged_study(folder):
        return None
    return f"{folder / 'study.json'}: is damaged; its runs stay, but the study cannot go on without it"


def damage_lines(folder: Path, of_run: Mapping[Path, Sequence[store.Finding]]) -> Iterator[str]:
    """Name what is damaged in the runs and in the description of the study in ``folder``, a line each."""
    lines = [finding_text(one) for ones in of_run.values() for one in ones]
    for line in [*lines, *filter(None, [study_damage(folder)])]:
        yield f"damaged: {line}"


def refuse_damage(folder: Path, of_run: Mapping[Path, Sequence[store.Finding]], num_runs: int) -> None:
    """End with what to do where something is damaged: in the runs, or the study in ``folder``."""
    found = [one for findings in of_run.values() for one in findings]
    trials = len({(run, one.trial) for run, ones in of_run.items() for one in ones if one.trial is not None})
    if found:
        of_trials = f", of {show.counted(trials, 'trial')}" if trials else ""
        raise RunFailed(
            f"{folder}: {show.counted(len(found), 'damaged file')} in {sum(map(bool, of_run.values()))} of "
            f"{show.counted(num_runs, 'run')}{of_trials}; {_what_to_do(found)}"
        )
    if study_damage(folder) is not None:
        raise RunFailed(f"{folder}: the description of the study is damaged; restore study.json from a copy")


def _what_to_do(found: Sequence[store.Finding]) -> str:
    """Trials are trained again only in a run whose own files are whole."""
    of_runs = sorted({one.file.name for one in found if one.trial is None})
    steps = []
    if of_runs == [store.KEPT]:
        steps.append(f"restore {store.KEPT} from a copy, or remove it: pages then show no examples")
    elif of_runs:
        steps.append(f"restore {' and '.join(of_runs)} from a copy, or measure into another folder")
    if any(one.trial is not None for one in found):
        first = "then for the files of trials " if of_runs else ""
        again = "run the same `easiness measure` with --retrain-damaged, or restore them from a copy"
        steps.append(f"{first}{again}")
    return "; ".join(steps)
