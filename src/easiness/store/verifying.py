"""The files of a run against their digests: what is damaged, of which trial, and what is whole without it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.store import run_folder, trial_document
from easiness.store.files import FileDigest, digest
from easiness.store.kept import KEPT
from easiness.store.later import LaterVersion
from easiness.store.run import Run
from easiness.store.run_folder import DOCUMENT, EXAMPLES, TRIALS, RunDocument, read_document, trial_names
from easiness.store.trial import StoredTrial


@dataclass(frozen=True)
class Finding:
    """A damaged ``file``, ``what`` is the matter with it, and the index of its ``trial``."""

    file: Path
    trial: int | None
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}: {'' if self.trial is None else f'trial {self.trial}: '}{self.what}"


def verify(run: Run | str | Path) -> list[Finding]:
    """Read the records of a run; what is damaged or missing, by file. Never writes, and never stops at one.

    Observations, weights, the list of examples and the descriptions are compared with the digests that were
    taken as they were written. The note why a trial failed, which has none, has to be readable. The log of
    events is not looked at: nothing depends on it. The examples that a recorded run keeps may be gone.

    Args:
        run: a run, or its folder, whose description may be the damaged file.
    """
    return list(findings(run.path if isinstance(run, Run) else at_home(run)))


def findings(path: Path, read: Container[str] | None = None, opened: Run | None = None) -> Iterator[Finding]:
    """Yield what `verify` finds in the run at ``path``.

    Where names of files are given to ``read``, others are only checked for being there, and their size. The
    descriptions that an ``opened`` run has read are not read again.
    """
    there = {} if opened is None else {trial.path.name: trial for trial in opened.trials}
    if not (path / DOCUMENT).exists() and not (path / TRIALS).is_dir():
        read_document(path)  # which says what to give instead
    yield from _of_run(path, read, None if opened is None else opened.document)
    for name in trial_names(path):
        yield from _of_trial(path / TRIALS / name, read, there.get(name))
    for file, index, note in run_folder.notes(path):
        if note is None:
            yield Finding(file, index, "cannot be read; it may be removed")


def _of_run(path: Path, read: Container[str] | None, known: RunDocument | None) -> Iterator[Finding]:
    file = path / DOCUMENT
    what = _absent(file)
    try:
        document = None if what else known or read_document(path)
    except LaterVersion:
        raise
    except BadInput:
        document, what = None, "is damaged"
    if document is None:
        yield Finding(file, None, f"{what}; without it {EXAMPLES} cannot be checked")
        return
    for name, expected in document.files.items():
        if name == KEPT and not os.path.lexists(path / name):
            continue  # it may be removed, as where a run is handed on without its examples
        yield from _of_file(path / name, None, expected, read is None or name in read)


def _of_trial(folder: Path, read: Container[str] | None, known: StoredTrial | None) -> Iterator[Finding]:
    file, index = folder / trial_document.DOCUMENT, trial_document.index_in(folder.name)
    what = _absent(file)
    try:
        trial = None if what else known or StoredTrial(folder)
    except LaterVersion:
        raise
    except BadInput:
        trial, what = None, "is damaged"
    if trial is None:
        yield Finding(file, index, f"{what}; without it nothing of the trial can be checked")
        return
    for name, expected in trial.document.files.items():
        yield from _of_file(folder / name, index, expected, read is None or name in read)


def _of_file(file: Path, trial: int | None, expected: FileDigest, reading: bool) -> Iterator[Finding]:
    what = _absent(file)
    if what is None:
        try:
            size = file.stat().st_size
            if size != expected.num_bytes:
                what = f"has {size:,} bytes instead of {expected.num_bytes:,}"
            elif reading and digest(file) != expected:
                what = "has other bytes than were written"
        except OSError as error:
            what = f"cannot be read ({error.strerror or error})"
    if what is not None:
        yield Finding(file, trial, what)


def _absent(file: Path) -> str | None:
    """The reason why there is nothing to read; a pipe or a device would be read for ever."""
    if file.is_file():
        return None
    return "is no file" if file.exists() else "is missing"


def damaged_trials(path: Path) -> list[str]:
    """Names of the folders of trials of a run in which a file is damaged or missing, in order."""
    found = []
    for name in trial_names(path):
        try:
            StoredTrial(path / TRIALS / name).check()
        except LaterVersion:
            raise  # it would be trained again
        except BadInput:
            found.append(name)
    return found


class WholeTrials(Run):
    """The trials of a run without a damaged file; ``removed`` are the indices of the others."""

    def __init__(self, path: Path) -> None:
        """Raises `BadInput` if ``path`` is no run, or its description is damaged."""
        self.path, self.trusted = path, True
        self.document = read_document(path)
        self.spec = self.document.spec
        names = damaged_trials(path)
        self.removed = [trial_document.index_in(name) for name in names]
        self.trials = run_folder.finished_trials(path, self.spec.data, but=names)
