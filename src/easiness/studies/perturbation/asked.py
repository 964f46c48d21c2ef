"""What may be looked at: a run with its weights, the data that it was measured on, and known levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch

from easiness import training
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.features import FeatureSource, Preparation, check_trusted, eye_of, find_frozen
from easiness.perturb import Perturbation, find_kind, perturbation
from easiness.runs import cache_beside
from easiness.spec import Execution, Recipe, RunSpec, Split
from easiness.store import WEIGHTS, Run, check_no_links
from easiness.studies.perturbation.observing import PERTURBED, PerturbedProbe
from easiness.studies.perturbation.of_heads import HeadsProbe

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
    """Prepare to look at a split of ``data``, those of the run, under a perturbation; looks at nothing yet.

    Args:
        run: with the weights of its trials.
        data: of the run, see `easiness.runs.source.data_of`.
        kind: of perturbation that fits the examples, see `easiness.perturb`.
        levels: in any order, at least one.
        probe: ``train``, or ``held_out`` where there is such a split.
        seed: of the perturbations that are random.
        execution: on which device to look, and whether photos at the working resolution are kept in a file
            beside the run.
    """
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
    run.resolve_epoch(None)
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
