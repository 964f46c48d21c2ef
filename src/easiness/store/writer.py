"""The one process that may write to a run."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import filelock
import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.records import TrialRecord
from easiness.regular_file import at_home
from easiness.spec import RecordedSpec, RunSpec, Stop
from easiness.store import files, run_folder, trial_document
from easiness.store.checkpoint import CHECKPOINTS, clear_checkpoints
from easiness.store.files import FileDigest, LaterVersion, digest
from easiness.store.kept import KEPT, KeptExamples, holds, write_kept
from easiness.store.parquet import Ids
from easiness.store.run import Run
from easiness.store.run_folder import (
    DOCUMENT,
    EXAMPLES,
    TRIALS,
    RunDocument,
    is_run,
    read_document,
    trial_names,
)
from easiness.store.trial import StoredTrial, write_examples, write_trial
from easiness.store.trial_document import TrialDocument, index_in
from easiness.store.watching import LOCK, Events, clear_work, note_work


@dataclass(frozen=True)
class Finding:
    """A damaged ``file``, ``what`` is the matter with it, and the index of its ``trial``."""

    file: Path
    trial: int | None
    what: str

    def __str__(self) -> str:
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
    """Yield what `verify` finds; only files named in ``read``, if given, are read, none ``opened`` again."""
    there = {} if opened is None else {trial.path.name: trial.document for trial in opened.trials}
    if not (path / DOCUMENT).exists() and not (path / TRIALS).is_dir():
        read_document(path)  # which says what to give instead
    known, lost = None if opened is None else opened.document, f"{EXAMPLES} cannot be checked"
    yield from _of_folder(path / DOCUMENT, None, known, read_document, lost, read)
    for name in trial_names(path):
        file, lost = path / TRIALS / name / trial_document.DOCUMENT, "nothing of the trial can be checked"
        yield from _of_folder(file, index_in(name), there.get(name), trial_document.read_document, lost, read)
    for file, index, note in run_folder.notes(path):
        if note is None:
            yield Finding(file, index, "cannot be read; it may be removed")


def _of_folder(
    file: Path,
    trial: int | None,
    known: RunDocument | TrialDocument | None,
    read_document: Callable[[Path], RunDocument | TrialDocument],
    lost: str,
    read: Container[str] | None,
) -> Iterator[Finding]:
    """Findings in a description of a run or of a ``trial``, without which much is ``lost``, and beside it."""
    what = _absent(file)
    try:
        document = None if what else known or read_document(file.parent)
    except LaterVersion:
        raise
    except BadInput:
        document, what = None, "is damaged"
    if document is None:
        yield Finding(file, trial, f"{what}; without it {lost}")
        return
    for name, expected in document.files.items():
        if trial is None and name == KEPT and not os.path.lexists(file.with_name(name)):
            continue  # it may be removed, as where a run is handed on without its examples
        yield from _of_file(file.with_name(name), trial, expected, read is None or name in read)


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
        self.removed = [index_in(name) for name in names]
        self.trials = run_folder.finished_trials(path, self.spec.data, but=names)


_SECONDS_OF_A_LOOK = 0.1  # at the lock, by `at_work`, which is no writer


def check_output(path: Path) -> None:
    """Make sure that ``path`` is a run, which may then only be read, or could become one."""
    if "\0" in str(path):
        raise BadInput(f"{str(path)!r}: no folder has such a name; choose another output")
    # a run whose first process was killed before it was described
    ours = (LOCK, EXAMPLES, TRIALS)
    try:
        if path.exists() and not path.is_dir():
            raise BadInput(f"{path}: is a file; give a folder for the run")
        there = [p.name for p in path.iterdir()] if path.exists() and not is_run(path) else []
    except OSError as error:
        raise BadInput(f"{path}: cannot be written to ({error.strerror}); choose another output") from None
    foreign = sorted(name for name in there if name not in ours and not name.startswith(files.ASIDE))
    if foreign:
        raise BadInput(f"{path}: neither empty nor a run (it holds {foreign[0]!r}); choose another output")
    if not is_run(path):
        files.check_writable(path)


class RunWriter:
    """Holds a run's lock, creates it where there is none, and adds whole trials.

    Use as a context manager. The lock belongs to the process and goes with it, killed or not. Where no
    run was created nothing is left behind.
    """

    def __init__(self, path: Path, *, wait: float = 0, trials: run_folder.ReadTrials | None = None) -> None:
        """Raises `BadInput` if the folder is something else, not writable, or after ``wait`` seconds
        still in another process's hands. ``trials`` that were read are kept up to date."""
        check_output(path)
        files.check_writable(path)
        self.path = path
        files.check_no_links(path, path / TRIALS, path / CHECKPOINTS)
        self._made = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        self._check_locks()
        self._lock = filelock.FileLock(path / LOCK)
        try:
            self._lock.acquire(timeout=max(wait, _SECONDS_OF_A_LOOK))
        except filelock.Timeout:
            raise BadInput(
                f"{path}: another process is writing to this run; wait for it, or choose another output"
            ) from None
        self._began, self._noted = time.time(), False
        self._trials = trials or run_folder.ReadTrials(path)
        self.events = Events(path)
        files.sweep(path)
        (path / TRIALS).mkdir(exist_ok=True)
        files.sweep(path / TRIALS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not is_run(self.path):
            self._abandon()
        else:
            if self._noted:
                clear_work(self.path)
        self._lock.release()

    def _check_locks(self) -> None:
        try:
            files.check_locks(self.path / LOCK)
        except OSError as error:
            if not is_run(self.path):
                self._abandon()
            raise BadInput(
                f"{self.path}: the file system has no locks ({error.strerror}), so that two processes could "
                "write to this run; put the run on another disk"
            ) from None

    def note_work(self, trials: Iterable[int]) -> None:
        """Tell whoever looks at the run which trials are being trained."""
        note_work(self.path, self._began, trials)
        self._noted = True

    def create(
        self,
        spec: RunSpec | RecordedSpec,
        ids: Ids,
        labels: npt.NDArray[np.int64],
        kept: KeptExamples | None = None,
    ) -> None:
        """Make this a run over these examples, which may be ``kept`` in it."""
        with self._writing():
            write_examples(self.path / EXAMPLES, ids, labels, spec.data.classes)
            if kept is None:
                self.describe(spec)
            else:
                self._write_kept(kept, ids, labels, spec)

    def keep(self, kept: KeptExamples, ids: Ids, labels: npt.NDArray[np.int64]) -> None:
        """Keep the examples themselves in a run that is there, where it does not; see `Recorder.keep`."""
        document, path = read_document(self.path), self.path / KEPT
        if KEPT in document.files and files.is_intact(path, document.files[KEPT]):
            if not holds(path, kept):
                raise BadInput(f"{path}: the run keeps other examples; choose another output")
            return
        with self._writing():
            self._write_kept(kept, ids, labels, document.spec)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what keeps files of the run from being written into an error of one line."""
        try:
            yield
        except UnicodeEncodeError as error:
            raise BadInput(
                f"{error.object!r}: is not valid Unicode; rename that file, class or example"
            ) from None
        except OSError as error:
            raise BadInput(
                f"{self.path}: cannot be written to ({error.strerror or error}); choose another output"
            ) from None

    def _write_kept(
        self, kept: KeptExamples, ids: Ids, labels: npt.NDArray[np.int64], spec: RunSpec | RecordedSpec
    ) -> None:
        with files.file_written_whole(self.path / KEPT) as file:
            write_kept(file, kept, ids, labels, spec.data.classes)
            file.flush()
            # described before it has its name: a killed process leaves a run that only lacks it
            self.describe(of_kind(spec, kept.kind), {KEPT: files.digest(Path(file.name))})

    def _abandon(self) -> None:
        shutil.rmtree(self.path / TRIALS, ignore_errors=True)
        for name in (EXAMPLES, LOCK):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what others have put something into stays
            for folder in self._made:
                folder.rmdir()

    def describe(
        self, spec: RunSpec | RecordedSpec, beside: Mapping[str, files.FileDigest] = MappingProxyType({})
    ) -> None:
        """Write what the run is to be, and digests of files ``beside``; it stays stopped unless it grows."""
        stopped = None
        if is_run(self.path):
            old = read_document(self.path)
            stopped = old.stopped if _size(old.spec) == _size(spec) else None
        digests = {EXAMPLES: files.digest(self.path / EXAMPLES), **beside}
        document = run_folder.RunDocument(spec=spec, files=digests, stopped=stopped)
        run_folder.write_document(self.path, document)

    def conclude(self, stopped: Stop) -> None:
        document = read_document(self.path).model_copy(update={"stopped": stopped})
        run_folder.write_document(self.path, document)

    def add(self, record: TrialRecord, ids: dict[str, Ids], *, index: int, **about: Any) -> StoredTrial:
        """Store a finished trial, as `write_trial`, then remove older ones of the same index."""
        old = self._trials.of_index(index)
        trial = write_trial(self.path / TRIALS, record, ids, index=index, **about)
        for name in old:
            if name != trial.path.name:
                files.remove_folder(self.path / TRIALS / name)
        self._trials.add(trial)
        run_folder.remove_note(self.path, index)
        return trial

    def note_failure(self, index: int, reason: str) -> None:
        run_folder.write_note(self.path, index, reason)

    def remove_damaged(self) -> list[int]:
        names = damaged_trials(self.path)
        for name in names:
            files.remove_folder(self.path / TRIALS / name)
        return [index_in(name) for name in names]

    def read(self, before: Iterable[StoredTrial] = ()) -> Run:
        """The run, rid of replaced trials; those of ``before``, or known here, are not read again."""
        # whoever writes to a run has named its network
        run = Run(self.path, [*before, *self._trials.by_folder.values()], trusted=True)
        for folder in run.leftovers():
            files.remove_folder(folder)
        self._trials.by_folder = {trial.path.name: trial for trial in run.trials}
        return run


def of_kind(spec: RunSpec | RecordedSpec, kind: str) -> RunSpec | RecordedSpec:
    """The same over examples of a kind, which is known from when they are kept."""
    return spec.model_copy(update={"data": spec.data.model_copy(update={"kind": kind})})


def tidy(run: Run) -> None:
    """Remove what killed writers left in the run, unless another process is writing to it."""
    checkpoints, spec = run.path / CHECKPOINTS, run.spec.measured
    # those of trials that were asked for and are not finished are still of use
    unused = checkpoints.exists() and spec is not None and len(run.trials) >= spec.trials
    if run.leftovers() or unused or any(run.path.glob(f"{files.ASIDE}*")):
        with contextlib.suppress(BadInput), RunWriter(run.path) as writer:
            writer.read()
            if unused:
                clear_checkpoints(checkpoints)


def _size(spec: RunSpec | RecordedSpec) -> tuple[int, int] | None:
    return None if spec.measured is None else (spec.measured.trials, spec.measured.epochs)
