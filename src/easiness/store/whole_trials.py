"""A run as it will be when its damaged trials are gone, which are left where they are."""

from __future__ import annotations

from pathlib import Path

from easiness.store.document import damaged_trials, finished_trials, read_document
from easiness.store.run import Run


class WholeTrials(Run):
    """The trials of a run without a damaged file; ``removed`` are the indices of the others."""

    def __init__(self, path: Path) -> None:
        """Raises `BadInput` if ``path`` is no run, or its description is damaged."""
        self.path, self.trusted = path, True
        self.document = read_document(path)
        self.spec = self.document.spec
        names = damaged_trials(path)
        self.removed = [int(name.split("-")[0]) for name in names]
        self.trials = finished_trials(path, self.spec.data, but=names)
