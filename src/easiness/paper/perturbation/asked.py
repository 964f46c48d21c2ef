"""What may be looked at: a run with its weights, the data that it was measured on, and known levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch

from easiness import training
from easiness.data import Dataset
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.features import (
    FeatureSource,
    Preparation,
    changed_vectors,
    check_trusted,
    eye_of,
    find_frozen,
    kept_features,
)
from easiness.heads import StoredHeads, stored_heads
from easiness.paper.perturbation.observing import PERTURBED, Learned, PerturbedProbe
from easiness.perturb import Perturbation, find_kind, perturbation
from easiness.records import ObservationLog, Observations
from easiness.runs import Progress, cache_beside, features_beside
from easiness.spec import Execution, Recipe, RunSpec, Split
from easiness.store import WEIGHTS, Run, StoredTrial, check_no_links


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


SeenAs: TypeAlias = Recipe | Preparation
"""How networks see examples: by the recipe that they were trained with, or as a frozen one wants them."""


def perturbed_probe(
    run: Run,
    data: Dataset,
    kind: str,
    levels: Sequence[float],
    *,
    probe: Split = "train",
    seed: int = 0,
    execution: Execution = Execution(),
) -> PerturbedProbe:
    """Prepare to look at a split of ``data``, those of the run, under a perturbation."""
    spec = spec_with_weights(run)
    perturbations = check_asked(kind, levels, seed, data.kind.name)
    if not levels:
        raise BadInput(f"perturbation {kind!r}: there is no level; give at least one")
    check_no_links(run.path, run.path / PERTURBED)  # where what is seen is kept
    split = data if probe == "train" else data.held_out
    if split is None:
        raise BadInput(f"{run.path}: the data have no held-out split; look at the training examples")
    recorded = run.spec.data.train if probe == "train" else run.spec.data.held_out
    if recorded is not None and recorded.fingerprint != split.fingerprint:
        raise BadInput(
            f"{split.name}: the {split.split} split is not that of {run.path} (fingerprints "
            f"{split.fingerprint[:8]} and {recorded.fingerprint[:8]}); give the source it was measured on"
        )
    device = training.resolve_device(execution.device)
    cache = cache_beside(run.path) if execution.cache else None
    if run.shares:
        sources = networks_of(run, data, device)
        return HeadsProbe(run, spec, split, probe, perturbations, device, cache, data, sources)
    return PerturbedProbe(run, spec, split, probe, perturbations, device, cache)


def check_asked(
    kind: str, levels: Sequence[float], seed: int, of: str | None = None
) -> tuple[Perturbation, ...]:
    """The perturbations of a kind at some levels; a mistake in what was asked is refused before any work.

    ``of`` examples of this kind, if given.
    """
    if seed < 0:
        raise BadInput(f"seed {seed}: negative; use 0 or above")
    find_kind(kind, of)
    return tuple(perturbation(kind, level, seed, of) for level in levels)


def spec_with_weights(run: Run) -> RunSpec:
    """The spec of a run whose networks can look again."""
    if run.spec.measured is None:
        raise BadInput(
            f"{run.path}: was recorded from a training loop of your own, without its networks; "
            "make a run with `easiness measure`"
        )
    run.resolve_at(None)
    epochs = run.epochs
    longest = max(trial.epochs for trial in run.trials)
    if longest != epochs:
        raise BadInput(
            f"{run.path}: some trials have {epochs} epochs and others {longest}; "
            "run the same `easiness measure` to go on first"
        )
    if any(WEIGHTS not in trial.document.files for trial in run.trials):
        raise BadInput(
            f"{run.path}: the run was made without weights; measure again without --no-weights, "
            "into another --out"
        )
    if run.shares and not all(trial.has("train") for trial in run.trials):
        raise BadInput(
            f"{run.path}: its heads were not asked about the training examples, so that it is not known whom "
            "they left out; measure again with them, into another --out"
        )
    check_trusted(run)
    return run.spec.measured


def seen_as(run: Run, data: Dataset) -> SeenAs:
    """How the networks of a run see examples; of texts that are rewritten it does not matter."""
    if not run.shares:
        return spec_with_weights(run).recipe
    sources = networks_of(run, data, torch.device("cpu"))
    if data.kind.rewritten is not None:
        return spec_with_weights(run).recipe
    preparations = [eye_of(source).preparation for source in sources]
    for source, other in zip(sources, preparations, strict=True):
        if other.size != preparations[0].size:
            sizes = [" x ".join(map(str, one.size)) for one in (preparations[0], other)]
            raise BadInput(
                f"{run.path}: {sources[0].name} and {source.name} see pictures of {sizes[0]} and {sizes[1]} "
                "pixels, so that a level is not the same for both; give a run on one of them"
            )
    return preparations[0]


def networks_of(run: Run, data: Dataset, device: torch.device) -> list[FeatureSource]:
    """The frozen networks of a run on features."""
    heads = run.spec.heads
    assert heads is not None
    try:
        return [find_frozen(ref, data, device) for ref in heads.features]
    except BadInput as error:
        raise BadInput(f"{run.path}: {error}") from error
