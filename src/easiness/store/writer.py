"""The one process that may write to a run."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypeAlias

import filelock

from easiness.errors import BadInput
from easiness.lazy import Integers
from easiness.records import TrialRecord
from easiness.regular_file import at_home
from easiness.spec import AnySpec, OutcomeSpec, Stop
from easiness.store import files, run_folder
from easiness.store.checkpoint import CHECKPOINTS, clear_checkpoints
from easiness.store.examples import KEPT_FILE, KeptExamples, holds, write_kept
from easiness.store.files import FileDigest, LaterVersion, digest
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
from easiness.store.trial import (
    DOCUMENT as TRIAL_DOCUMENT,
    StoredTrial,
    TrialDocument,
    folder_name,
    index_in,
    read_trial_document,
    write_examples,
    write_trial,
)
from easiness.store.watching import LOCK, Events, clear_work, note_work

Document: TypeAlias = RunDocument | TrialDocument


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


def findings(path: Path, read: Container[str] | None = None, run: Run | None = None) -> Iterator[Finding]:
    """Yield what `verify` finds; of files those in ``read``, if given, are read, of ``run`` no document."""
    if not (path / DOCUMENT).exists() and not (path / TRIALS).is_dir():
        read_document(path)  # which says what to give instead
    there = {} if run is None else {trial.path.name: trial.document for trial in run.trials}
    documents: list[tuple[Path, int | None, Document | None, Callable[[Path], Document]]] = [
        (path / DOCUMENT, None, None if run is None else run.document, read_document)
    ]
    for name in trial_names(path):
        file = path / TRIALS / name / TRIAL_DOCUMENT
        documents.append((file, index_in(name), there.get(name), read_trial_document))
    for file, trial, document, read_anew in documents:
        problem = _absent(file)
        try:
            document = None if problem else document or read_anew(file.parent)
        except LaterVersion:
            raise
        except BadInput:
            document, problem = None, "is damaged"
        if document is None:
            rest = f"{EXAMPLES} cannot" if trial is None else "nothing of the trial can"
            yield Finding(file, trial, f"{problem}; without it {rest} be checked")
            continue
        for name, expected in document.files.items():
            beside = file.with_name(name)
            if trial is None and name == KEPT_FILE and not os.path.lexists(beside):
                continue  # it may be removed, as where a run is handed on without its examples
            problem = _damage(beside, expected, read is None or name in read)
            if problem is not None:
                yield Finding(beside, trial, problem)
    for file, index, note in run_folder.notes(path):
        if note is None:
            yield Finding(file, index, "cannot be read; it may be removed")


def _damage(file: Path, expected: FileDigest, reading: bool) -> str | None:
    if problem := _absent(file):
        return problem
    try:
        size = file.stat().st_size
        if size != expected.num_bytes:
            return f"has {size:,} bytes instead of {expected.num_bytes:,}"
        return "has other bytes than were written" if reading and digest(file) != expected else None
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _absent(file: Path) -> str | None:
    """The reason why there is nothing to read; a pipe or a device would be read for ever."""
    if file.is_file():
        return None
    return "is no file" if file.exists() else "is missing"


def damaged_trials(path: Path) -> dict[str, int]:
    """Indices of the trials of a run in which a file is damaged or missing, by the name of the folder."""
    folders = {finding.file.parent.name: finding.trial for finding in findings(path)}
    return {name: index for name, index in folders.items() if index is not None and name != TRIALS}


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
    beginnings = (files.ASIDE, "items-", "outcomes-")
    foreign = sorted(name for name in there if name not in ours and not name.startswith(beginnings))
    if foreign:
        raise BadInput(f"{path}: neither empty nor a run (it holds {foreign[0]!r}); choose another output")
    if not is_run(path):
        files.check_writable(path)


class RunWriter:
    """Holds a run's lock, creates it where there is none, and adds whole trials.

    Use as a context manager. The lock belongs to the process and goes with it, killed or not. Where no
    run was created nothing is left behind.
    """

    def __init__(self, path: Path, *, wait: float = 0, trials: dict[str, StoredTrial] | None = None) -> None:
        """Raises `BadInput` if the folder is something else, not writable, or after ``wait`` seconds
        still in another process's hands. ``trials`` that were read are kept up to date."""
        check_output(path)
        files.check_writable(path)
        self.path = path
        files.check_no_links(path, path / TRIALS, path / CHECKPOINTS)
        self._new_folders = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        try:
            files.check_locks(path / LOCK)
        except OSError as error:
            self._abandon()
            raise BadInput(
                f"{path}: the file system has no locks ({error.strerror}), so that two processes could "
                "write to this run; put the run on another disk"
            ) from None
        self._lock = filelock.FileLock(path / LOCK)
        try:
            self._lock.acquire(timeout=max(wait, _SECONDS_OF_A_LOOK))
        except filelock.Timeout:
            raise BadInput(
                f"{path}: another process is writing to this run; wait for it, or choose another output"
            ) from None
        self._began, self._has_note = time.time(), False
        self._trials = {} if trials is None else trials
        self.events = Events(path)
        files.sweep(path)
        (path / TRIALS).mkdir(exist_ok=True)
        files.sweep(path / TRIALS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._has_note:
            clear_work(self.path)
        self._abandon()
        self._lock.release()

    def note_work(self, trials: Iterable[int]) -> None:
        note_work(self.path, self._began, trials)
        self._has_note = True

    def create(
        self,
        spec: AnySpec,
        ids: Ids,
        labels: Integers,
        examples: KeptExamples | None = None,
    ) -> None:
        with self._writing():
            write_examples(self.path / EXAMPLES, ids, labels, spec.data.classes)
            if examples is None:
                self.describe(spec)
            else:
                self._write_kept(examples, ids, labels, spec)

    def write_files(self, spec: OutcomeSpec, contents: Mapping[str, bytes]) -> None:
        """Describe the run anew by whole files, whose names are new as well; others of before go."""
        with self._writing():
            try:
                for name, content in contents.items():
                    files.write_whole(self.path / name, content)
                digests = {name: digest(self.path / name) for name in contents}
                run_folder.write_document(self.path, RunDocument(spec=spec, files=digests))
            finally:  # or the new ones, where the disk is full
                names = read_document(self.path).files if is_run(self.path) else {}
                for path in self.path.glob("*-*.parquet"):
                    if path.name not in names:
                        path.unlink()

    def keep(self, new: KeptExamples, ids: Ids, labels: Integers) -> None:
        """Keep the examples themselves in a run that is there, where it does not; see `Recorder.keep`."""
        document, path = read_document(self.path), self.path / KEPT_FILE
        if KEPT_FILE in document.files and files.is_intact(path, document.files[KEPT_FILE]):
            if not holds(path, new):
                raise BadInput(f"{path}: the run keeps other examples; choose another output")
            return
        with self._writing():
            self._write_kept(new, ids, labels, document.spec)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what keeps files of the run from being written into an error of one line."""
        try:
            yield
        except UnicodeEncodeError as error:
            text = error.object[: error.end].rpartition('"')[2]
            raise BadInput(f"{text!r}: is not valid Unicode; rename that file, class or example") from None
        except OSError as error:
            raise BadInput(
                f"{self.path}: cannot be written to ({error.strerror or error}); choose another output"
            ) from None

    def _write_kept(self, examples: KeptExamples, ids: Ids, labels: Integers, spec: AnySpec) -> None:
        with files.file_written_whole(self.path / KEPT_FILE) as file:
            write_kept(file, examples, ids, labels, spec.data.classes)
            file.flush()
            # described before it has its name: a killed process leaves a run that only lacks it
            self.describe(of_kind(spec, examples.kind), {KEPT_FILE: digest(Path(file.name))})

    def _abandon(self) -> None:
        """Leave nothing behind where no run was created."""
        if is_run(self.path):
            return
        shutil.rmtree(self.path / TRIALS, ignore_errors=True)
        for path in (self.path / EXAMPLES, *self.path.glob("*-*.parquet"), self.path / LOCK):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what others have put something into stays
            for folder in self._new_folders:
                folder.rmdir()

    def describe(self, spec: AnySpec, beside: Mapping[str, files.FileDigest] = MappingProxyType({})) -> None:
        """Write what the run is to be, and digests of files ``beside``; it stays stopped unless it grows."""
        reason = None
        if is_run(self.path):
            old = read_document(self.path)
            reason = old.stopped if _size(old.spec) == _size(spec) else None
        digests = {EXAMPLES: digest(self.path / EXAMPLES), **beside}
        run_folder.write_document(self.path, RunDocument(spec=spec, files=digests, stopped=reason))

    def conclude(self, reason: Stop) -> None:
        document = read_document(self.path).model_copy(update={"stopped": reason})
        run_folder.write_document(self.path, document)

    def add(self, record: TrialRecord, ids: dict[str, Ids], *, index: int, **about: Any) -> StoredTrial:
        """Store a finished trial, as `write_trial`, then remove older ones of the same index."""
        begins, folder = folder_name(index, ""), self.path / TRIALS
        old = {name for name in os.listdir(folder) if name.startswith(begins)}  # noqa: PTH208 - of very many
        trial = write_trial(folder, record, ids, index=index, **about)
        for name in old - {trial.path.name}:
            files.remove_folder(folder / name)
            self._trials.pop(name, None)
        self._trials[trial.path.name] = trial
        run_folder.note_file(self.path, index).unlink(missing_ok=True)
        return trial

    def note_failure(self, index: int, reason: str) -> None:
        run_folder.write_note(self.path, index, reason)

    def remove_damaged(self) -> list[int]:
        names = damaged_trials(self.path)
        for name in names:
            files.remove_folder(self.path / TRIALS / name)
        return list(names.values())

    def read(self) -> Run:
        """The run, rid of replaced trials."""
        # whoever writes to a run has named its network
        run = Run(self.path, is_trusted=True)
        for folder in run.leftovers():
            files.remove_folder(folder)
        return run


def of_kind(spec: AnySpec, kind: str) -> AnySpec:
    return spec.model_copy(update={"data": spec.data.model_copy(update={"kind": kind})})


def tidy(run: Run) -> None:
    """Remove what killed writers left in the run, unless another process is writing to it."""
    checkpoints, spec = run.path / CHECKPOINTS, run.spec.measured
    # those of trials that were asked for and are not finished are still of use
    is_unused = checkpoints.exists() and spec is not None and len(run.trials) >= spec.trials
    if run.leftovers() or is_unused or any(run.path.glob(f"{files.ASIDE}*")):
        with contextlib.suppress(BadInput), RunWriter(run.path) as writer:
            writer.read()
            if is_unused:
                clear_checkpoints(checkpoints)


def _size(spec: AnySpec) -> tuple[int, int] | None:
    return None if spec.measured is None else (spec.measured.trials, spec.measured.epochs)
