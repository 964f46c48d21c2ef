"""What heads on the features of frozen networks see of perturbed images: one pass a level for all trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from easiness.data import Dataset
from easiness.errors import RunFailed, TrialFailed
from easiness.features import FeatureSource, changed_vectors, kept_features
from easiness.heads import StoredHeads, stored_heads
from easiness.perturb import Perturbation
from easiness.record import ObservationLog, Observations
from easiness.runs import Progress, features_beside
from easiness.store import StoredTrial
from easiness.studies.perturbation.observing import Learned, PerturbedProbe


@dataclass(frozen=True)
class HeadsProbe(PerturbedProbe):
    """One split of the ``data`` of a run on features of frozen networks, ``sources``.

    The heads of the largest share are asked, of the trials of which something is not kept.
    """

    data: Dataset
    sources: Sequence[FeatureSource]

    @property
    def num_images(self) -> int:
        """How many images still have to go through the networks: all of a level of which a trial lacks."""
        found = [self.all_kept(trial, self.learned(trial)) for trial in self.run.trials]
        return sum(None in level for level in zip(*found, strict=True)) * len(self.split)

    def observe(self, progress: Progress | None = None) -> Iterator[Observations]:
        """For each finished trial of the run what its heads see; as `PerturbedProbe.observe`."""
        learned = [self.learned(trial) for trial in self.run.trials]
        found = [self.all_kept(*one) for one in zip(self.run.trials, learned, strict=True)]
        for at, one in enumerate(self.perturbations):
            missing = [row for row, kept in enumerate(found) if kept[at] is None]
            trials = [self.run.trials[row] for row in missing]
            seen = self._ask(one, trials, [learned[row] for row in missing], progress or Progress())
            for row, trial, new in zip(missing, trials, seen, strict=True):
                found[row][at] = new
                self.keep(trial, one, new)
        for kept in found:
            yield self.joined([seen for seen in kept if seen is not None])

    def _ask(
        self, one: Perturbation, trials: Sequence[StoredTrial], learned: Sequence[Learned], progress: Progress
    ) -> list[Observations]:
        if not trials:
            return []
        heads = [self._heads[trial.index] for trial in trials]
        logs = [
            ObservationLog(self.split.ids, labels, self.split.num_classes, trained_on=trained_on)
            for labels, trained_on in learned
        ]
        first = 0
        for vectors in changed_vectors(self.sources, self._exponents, self.split, one):
            positions = np.arange(first, first + len(vectors[0]))
            for own, log in zip(heads, logs, strict=True):
                log.update(positions, own.logits(vectors))
            first += len(positions)
            progress.images(len(positions))
        return [self._ended(log, trial, one) for log, trial in zip(logs, trials, strict=True)]

    def _ended(self, log: ObservationLog, trial: StoredTrial, one: Perturbation) -> Observations:
        try:
            log.end_epoch()
        except TrialFailed:
            raise RunFailed(
                f"{trial.path}: the logits of an example are not finite under {one.kind} {one.level:g}"
            ) from None
        return log.observations()

    @cached_property
    def _kept(self) -> list[tuple[int, int]]:
        """The power of two and the length of the vectors of each of the features."""
        folder = features_beside(self.run.path)
        files = [kept_features(source, self.data, folder)["train"] for source in self.sources]
        return [(one.exponent, one.rows.shape[1]) for one in files]

    @property
    def _exponents(self) -> list[int]:
        return [exponent for exponent, _ in self._kept]

    @cached_property
    def _heads(self) -> dict[int, StoredHeads]:
        """The heads of the largest share of each trial, by its index."""
        share, widths = self.run.shares[-1], [width for _, width in self._kept]
        num_classes = self.split.num_classes
        return {
            trial.index: stored_heads(self.spec, trial.weights(), share, widths, num_classes, self.device)
            for trial in self.run.trials
        }
