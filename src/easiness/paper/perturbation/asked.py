"""What may be looked at: a run with its weights, its data as perturbations take them, and known levels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from easiness import training
from easiness.data import Dataset, texts_of
from easiness.errors import BadInput
from easiness.features import FeatureSource, Preparation, check_trusted, eye_of, find_frozen
from easiness.paper.perturbation.observing import PERTURBED, HeadsProbe, PerturbedProbe
from easiness.perturb import Perturbation, Shape, find_kind, perturbation
from easiness.runs import cache_beside
from easiness.spec import Execution, Recipe, RunSpec, Split
from easiness.store import WEIGHTS, Run, check_no_links

_FIRST = 16  # pictures from all over the data, one of which nearly always tells
_AT_ONCE = 256
_SEEN = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away

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


def evaluation_pixels(data: Dataset, positions: npt.NDArray[np.int64], recipe: SeenAs) -> torch.Tensor:
    """The examples at ``positions`` [n] as networks see them: float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.
    """
    ascending, back = np.unique(positions, return_inverse=True)
    if isinstance(recipe, Preparation):
        prepared = np.stack(list(data.stored.subset(ascending).map(recipe.prepared)))
        return torch.from_numpy(prepared[back]).float() / 255
    few = data.part(ascending).packed(recipe)
    bank = data.kind.bank(few, recipe, torch.device("cpu"), augment=False, sharers=1)
    return bank.raw(slice(0, len(bank)))[torch.from_numpy(back)].contiguous()


def examples_at(data: Dataset, positions: npt.NDArray[np.int64], recipe: SeenAs) -> torch.Tensor | list[str]:
    """The examples at ``positions`` [n] as perturbations take them: texts, or `evaluation_pixels`."""
    if data.kind.rewritten is not None:
        return texts_of(data, positions)
    return evaluation_pixels(data, positions, recipe)


def image_shape(data: Dataset, recipe: SeenAs) -> Shape:
    """(channels, height, width) of the examples as networks see them; () of texts, and of vectors (D,)."""
    if data.kind.rewritten is not None:
        return ()
    if isinstance(recipe, Preparation):
        return 3, *recipe.size
    return data.signature(recipe).shape


def check_changes_something(
    data: Dataset, recipe: SeenAs, kind: str, levels: Sequence[float] | None, seed: int
) -> None:
    """Make sure that some example changes at some level; the first that does ends the search."""
    known, shape = find_kind(kind, data.kind.name), image_shape(data, recipe)
    chosen = known.levels(shape) if levels is None else levels
    asked = check_asked(
        kind, [level for level in chosen if level != known.neutral_level(shape)], seed, data.kind.name
    )
    if not asked or any(_changes(split, recipe, asked) for split in data.splits.values()):
        return
    raise BadInput(
        f"--kind {kind}: changes none of the {sum(map(len, data.splits.values())):,} {data.kind.nouns} at "
        f"{', '.join(f'{one.level:g}' for one in asked)}; give another kind or other levels"
    )


def _changes(split: Dataset, recipe: SeenAs, asked: Sequence[Perturbation]) -> bool:
    for positions in _batches(len(split)):
        examples, ids = examples_at(split, positions, recipe), split.ids[positions]
        for one in asked:
            if isinstance(examples, list):
                changes = one(examples, ids=ids) != examples
            else:
                changes = float((one(examples, ids=ids) - examples).abs().max()) >= _SEEN
            if changes:
                return True
    return False


def _batches(num: int) -> Iterator[npt.NDArray[np.int64]]:
    everything = np.arange(num)
    yield everything[:: -(-num // _FIRST)]
    for start in range(0, num, _AT_ONCE):
        yield everything[start : start + _AT_ONCE]
