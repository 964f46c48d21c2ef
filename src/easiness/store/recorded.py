"""What a training loop of one's own records into: a run, its examples, and how it gives what it observes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from easiness.spec import RecordedSpec
from easiness.store.observations import Ids
from easiness.store.outputs import Duplicates, Outputs
from easiness.store.run import Run
from easiness.store.trial import StoredTrial


@dataclass(frozen=True, eq=False)
class Recorded:
    """The run in the folder ``path`` over examples with ``ids`` [K] and ``labels`` [K]."""

    path: Path
    ids: Ids
    labels: npt.NDArray[np.int64]
    spec: RecordedSpec
    outputs: Outputs
    duplicates: Duplicates
    before: list[StoredTrial] = field(default_factory=list)
    """Trials as they were at the last look, which are not read again."""

    @property
    def num_classes(self) -> int:
        """Number of classes: columns of what is observed."""
        return len(self.spec.data.classes)

    def __contains__(self, seed: int) -> bool:
        self.before[:] = Run(self.path, self.before).trials
        return any(trial.known.seed == seed for trial in self.before)
