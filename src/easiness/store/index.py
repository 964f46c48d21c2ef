"""What the one writer of a run knows of its trials, so that adding one looks at no other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from easiness.store.document import trial_names
from easiness.store.known import FEWEST, read_index, write_index
from easiness.store.trial import StoredTrial

_WHILE, _AT_THE_END = 10, 50  # one of so many trials may be missing in the file: to read it takes a moment


class Index:
    """Which folders hold trials, and the file that says so, kept up to date as the run grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folders: dict[int, list[str]] | None = None
        self._trials: dict[str, StoredTrial] | None = None
        self._num_new = 0

    @property
    def trials(self) -> Iterable[StoredTrial]:
        """Those taken and added."""
        return (self._trials or {}).values()

    def folders(self, index: int) -> list[str]:
        """Names of the folders of the trials of an index."""
        if self._folders is None:
            self._folders = {}
            for name in trial_names(self._path):
                self._folders.setdefault(int(name.split("-")[0]), []).append(name)
        return self._folders.get(index, [])

    def take(self, trials: Iterable[StoredTrial]) -> None:
        """The trials of the run, all of them, as they have been read."""
        first, self._folders = self._trials is None, None
        self._trials = {trial.path.name: trial for trial in trials}
        if first and len(self._trials) >= FEWEST:
            there = read_index(self._path)
            self._num_new = sum(there.get(name) != trial.known for name, trial in self._trials.items())

    def add(self, trial: StoredTrial) -> None:
        """A trial that has been written, and is now the only one of its index."""
        if self._trials is not None:
            for name in self.folders(trial.index):
                self._trials.pop(name, None)
            self._trials[trial.path.name] = trial
        if self._folders is not None:
            self._folders[trial.index] = [trial.path.name]
        self._num_new += 1
        self._write(max(FEWEST, len(self._trials or ()) // _WHILE))

    def close(self) -> None:
        """Leave a file that lacks few."""
        self._write(1 + len(self._trials or ()) // _AT_THE_END)

    def _write(self, fewest_new: int) -> None:
        if self._trials is None or self._num_new < fewest_new or len(self._trials) < FEWEST:
            return
        write_index(self._path, {name: trial.known for name, trial in self._trials.items()})
        self._num_new = 0
