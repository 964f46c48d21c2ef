"""Observations of perturbed examples by trained networks, kept in the folder of their run."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from easiness import training
from easiness.analysis import Votes, keys_when_asked
from easiness.data import Dataset, rewritten, texts_of
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.features import (
    FeatureSource,
    PicturePreparation,
    changed_vectors,
    check_trusted,
    eye_of,
    find_frozen,
    kept_features,
)
from easiness.heads import StoredHeads, stored_heads
from easiness.inputs import Evaluated, Signature, TensorBank, Values
from easiness.models import pretrained_file
from easiness.perturb import Kind, Perturbation, Shape, find_kind, perturbation
from easiness.records import ObservationLog, Observations
from easiness.runs import Progress, cache_beside, features_beside
from easiness.spec import Execution, Recipe, RunSpec, Split, content_hash
from easiness.store import (
    STATISTICS,
    WEIGHTS,
    Run,
    Seats,
    StoredTrial,
    check_no_links,
    file_written_whole,
    num_heard,
    read_row,
    sweep,
    write_observations,
)

PERTURBED = "perturbed"
_MOST_KEPT = 2**28  # token numbers of all levels: 1 GiB; of more, each trial has the texts numbered anew
_FIRST = 16  # pictures from all over the data, one of which nearly always tells
_AT_ONCE = 256
_SEEN = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away

Learned: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]
SeenAs: TypeAlias = Recipe | PicturePreparation
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
    spec, split = spec_with_weights(run), data.splits[probe]
    perturbations = check_asked(kind, levels, seed, data.kind.name)
    check_no_links(run.path, run.path / PERTURBED)  # where what is seen is kept
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


def examples_at(data: Dataset, positions: npt.NDArray[np.int64], recipe: SeenAs) -> torch.Tensor | list[str]:
    """The examples at ``positions`` [n] as perturbations take them: texts, or float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.
    """
    if data.kind.rewritten is not None:
        return texts_of(data, positions)
    ascending, back = np.unique(positions, return_inverse=True)
    if isinstance(recipe, PicturePreparation):
        prepared = np.stack(list(data.stored.subset(ascending).map(recipe.prepared)))
        return torch.from_numpy(prepared[back]).float() / 255
    few = data.part(ascending).packed(recipe)
    bank = data.kind.bank(few, recipe, torch.device("cpu"), augment=False, sharers=1)
    return bank.raw(slice(0, len(bank)))[torch.from_numpy(back)].contiguous()


def image_shape(data: Dataset, recipe: SeenAs) -> Shape:
    """(channels, height, width) of the examples as networks see them; () of texts, and of vectors (D,)."""
    if data.kind.rewritten is not None:
        return ()
    if isinstance(recipe, PicturePreparation):
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
    everything = np.arange(len(split))
    first = everything[:: -(-len(split) // _FIRST)]
    for positions in (first, *(everything[at : at + _AT_ONCE] for at in range(0, len(split), _AT_ONCE))):
        examples, ids = examples_at(split, positions, recipe), split.ids[positions]
        for one in asked:
            changed: Any = one(examples, ids=ids)
            if isinstance(examples, list):
                if changed != examples:
                    return True
            elif float((changed - examples).abs().max()) >= _SEEN:
                return True
    return False


def _digest_of(kind: Kind) -> str | None:
    """SHA-256 (hex) of what a kind computes: ours say so, a user's own is the module that it is written in.

    ``None`` where that cannot be read.
    """
    if kind.digest is not None:
        return kind.digest
    module = sys.modules.get(getattr(kind.factory, "__module__", ""))
    if module is None:
        return None
    try:
        return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
    except (OSError, TypeError):
        return None


@contextlib.contextmanager
def _finite(trial: StoredTrial, one: Perturbation) -> Iterator[None]:
    """Name the trial and the perturbation where logits in the block are not finite."""
    try:
        yield
    except TrialFailed:
        raise RunFailed(
            f"{trial.path}: the logits of an example are not finite under {one.kind} {one.level:g}"
        ) from None


class ProbeVotes(NamedTuple):
    """Observations of a split by all trials: ``votes`` for each level, of heads those that are heard.

    ``accuracy`` has an array [trials, levels] of shares in [0, 1] for ``train`` (the examples trained on)
    and ``left_out``, or for ``held_out``; only those of which there are examples.
    """

    votes: list[Votes]
    accuracy: dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class PerturbedProbe:
    """One split of a run's data under a kind of perturbation at several levels.

    Made by `perturbed_probe`, which checks everything; `observe` does the work. ``split`` are the
    examples looked at, ``perturbations`` one for each level.
    """

    run: Run
    spec: RunSpec
    split: Dataset
    probe: Split
    perturbations: tuple[Perturbation, ...]
    device: torch.device
    cache: Path | None

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels in the order they were asked for."""
        return tuple(one.level for one in self.perturbations)

    at_once: ClassVar[bool] = False
    """Do all trials look at one set of pictures?"""

    @property
    def num_images(self) -> int:
        """How many images still have to go through a network, as far as files tell."""
        files = [[self._file(trial, one) for one in self.perturbations] for trial in self.run.trials]
        missing = np.array([[one is None or not one.is_file() for one in row] for row in files])
        return int((missing.any(axis=0) if self.at_once else missing).sum()) * len(self.split)

    def observe(self, progress: Progress | None = None) -> Iterator[Observations]:
        """For each finished trial of the run what its network sees: Observations [levels, K].

        What an earlier call has kept is read, as far as it is whole; what is new is kept. Where the run
        cannot be written to, or the source of a perturbation of the user's own is not known, nothing is.
        """
        for trial in self.run.trials:
            learned = self._learned(trial)
            found = self._all_kept(trial, learned)
            network = self._network(trial) if None in found else None
            levels = []
            for one, kept in zip(self.perturbations, found, strict=True):
                if kept is None:
                    assert network is not None
                    kept = self._look(trial, learned, network, one, progress or Progress())
                    self._keep(trial, one, kept)
                levels.append(kept)
            yield self._joined(levels)

    def _joined(self, levels: Sequence[Observations]) -> Observations:
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(seen, name) for seen in levels]) for name in STATISTICS
        }
        return Observations(levels[0].labels, self.split.num_classes, levels[0].trained_on, **columns)

    def look(self, progress: Progress | None = None) -> ProbeVotes:
        """Observations of all trials, from one pass of `observe`."""
        labels, ids = self.split.labels, self.split.ids
        heard = num_heard(self.run.trials, self.run.epochs, self.probe)
        seats = Seats(heard or len(self.run.trials), len(self.split))
        shape = (len(self.perturbations), heard or len(self.run.trials), len(self.split))
        correct, p_label = np.empty(shape, np.bool_), np.empty(shape)
        accuracy: dict[str, list[list[float] | None]] = {}
        for seen in self.observe(progress):
            of_heads = np.ones(len(self.split), np.bool_) if heard is None else ~seen.trained_on
            rows, columns = seats.take(slice(0, len(self.split)), of_heads)
            correct[:, rows, columns] = (seen.prediction == labels)[:, columns]
            p_label[:, rows, columns] = seen.p_label[:, columns]
            if self.probe == "held_out":
                parts = {"held_out": seen.accuracy()}
            else:
                parts = {"train": seen.accuracy(seen.trained_on), "left_out": seen.accuracy(~seen.trained_on)}
            for name, values in parts.items():
                accuracy.setdefault(name, []).append(values)
        trials = np.array([trial.index for trial in self.run.trials], np.int64)
        if heard is not None:
            trials = np.arange(heard)
        keys, row = keys_when_asked(ids), self.run.row(self.run.epochs)
        return ProbeVotes(
            votes=[
                Votes(right, p, labels, ids, row.number, trials, keys, share=row.share)
                for right, p in zip(correct, p_label, strict=True)
            ],
            accuracy={name: np.array(rows) for name, rows in accuracy.items() if None not in rows},
        )

    @cached_property
    def _signature(self) -> Signature:
        return self.split.signature(self.spec.recipe)

    @cached_property
    def _bank(self) -> TensorBank:
        return self._bank_of(self.split.packed(self.spec.recipe, self.cache))

    def _bank_of(self, values: Values) -> TensorBank:
        return self.split.kind.bank(values, self.spec.recipe, self.device, augment=False, sharers=1)

    @cached_property
    def _rewritten(self) -> dict[float, TensorBank]:
        """Network input of the texts at each level, which all trials look at, where there is room for it."""
        return {}

    def _changed(self, one: Perturbation) -> Evaluated:
        """The examples under a perturbation, as network input."""
        if self.split.kind.rewritten is None:
            return training.TransformedExamples(self._bank, self.split.ids, one)
        if one.level in self._rewritten:
            return self._rewritten[one.level]
        values = rewritten(self.split, one).packed(self.spec.recipe)
        bank = self._bank_of(values)
        if len(self.perturbations) * int(values.shapes.prod(axis=1).sum()) <= _MOST_KEPT:
            self._rewritten[one.level] = bank
        return bank

    def _network(self, trial: StoredTrial) -> training.Network:
        spec = self.spec
        pretrained = None if spec.pretrained is None else pretrained_file(spec.model)
        weights, num_classes = trial.weights(), self.split.num_classes
        return training.open_network(spec, weights, self._signature, num_classes, self.device, pretrained)

    def _look(
        self,
        trial: StoredTrial,
        learned: Learned,
        network: training.Network,
        one: Perturbation,
        progress: Progress,
    ) -> Observations:
        labels, trained_on = learned
        num_classes = self.split.num_classes
        log = ObservationLog(self.split.ids, labels, num_classes, trained_on=trained_on)
        changed = self._changed(one)
        with _finite(trial, one), training.threads_of(self.spec):
            training.Observer(changed, log, self._signature, num_classes).observe(network, progress.images)
        return log.observations()

    def _learned(self, trial: StoredTrial) -> Learned:
        """Labels that the trial has learned, and which of the examples it, or its last heads, have seen."""
        if self.probe == "held_out":
            return self.split.labels, np.zeros(len(self.split), np.bool_)
        if not trial.has("train"):
            return self.split.labels, np.ones(len(self.split), np.bool_)
        fixed = trial.columns(trial.observed[-1], ["label", "trained_on"])
        return fixed["label"].astype(np.int64), fixed["trained_on"]

    @cached_property
    def _source(self) -> str | None:
        return _digest_of(find_kind(self.perturbations[0].kind, self.split.kind.name))

    def _file(self, trial: StoredTrial, one: Perturbation) -> Path | None:
        """Where the observations are kept, named by all that decides them; ``None`` where they are not."""
        if self._source is None:
            return None
        kind = find_kind(one.kind, self.split.kind.name)
        asked = {
            "level": one.level,
            "seed": one.seed if kind.seeded else None,
            "probe": self.probe,
            "data": self.split.fingerprint,
            "source": self._source,
        }
        weights = trial.document.files[WEIGHTS].sha256[:12]
        folder = f"{kind.name}-{one.level:g}-{content_hash(asked)[:12]}"
        return self.run.path / PERTURBED / folder / f"{trial.index:04d}-{weights}.parquet"

    def _all_kept(self, trial: StoredTrial, learned: Learned) -> list[Observations | None]:
        """Observations kept of each perturbation; ``None`` where the file is damaged or of other examples."""
        labels, trained_on = learned
        found: list[Observations | None] = []
        for path in (self._file(trial, one) for one in self.perturbations):
            found.append(None)
            if path is None or not path.exists():
                continue
            with contextlib.suppress(OSError, ValueError):
                columns = read_row(path, 0, ["label", *STATISTICS])
                if np.array_equal(columns.pop("label"), labels):
                    values: dict[str, Any] = {name: one[None] for name, one in columns.items()}
                    found[-1] = Observations(labels, self.split.num_classes, trained_on, **values)
        return found

    def _keep(self, trial: StoredTrial, one: Perturbation, seen: Observations) -> None:
        """Keep what the trial sees at a level, whole or not at all, and sweep up what killed writers left.

        Nothing is written where the disk is full or read-only: the run can be looked at all the same.
        """
        path = self._file(trial, one)
        if path is None:
            return
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            sweep(path.parent)
            with file_written_whole(path) as file:
                write_observations(file, self.split.ids, seen)


@dataclass(frozen=True)
class HeadsProbe(PerturbedProbe):
    """One split of the ``data`` of a run on features of frozen networks, ``sources``.

    The heads of the largest share are asked, of the trials of which something is not kept.
    """

    data: Dataset
    sources: Sequence[FeatureSource]

    at_once = True

    def observe(self, progress: Progress | None = None) -> Iterator[Observations]:
        """For each finished trial of the run what its heads see; as `PerturbedProbe.observe`."""
        learned = [self._learned(trial) for trial in self.run.trials]
        found = [self._all_kept(*one) for one in zip(self.run.trials, learned, strict=True)]
        for at, one in enumerate(self.perturbations):
            missing = [row for row, kept in enumerate(found) if kept[at] is None]
            trials = [self.run.trials[row] for row in missing]
            seen = self._ask(one, trials, [learned[row] for row in missing], progress or Progress())
            for row, trial, new in zip(missing, trials, seen, strict=True):
                found[row][at] = new
                self._keep(trial, one, new)
        for kept in found:
            yield self._joined([seen for seen in kept if seen is not None])

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
        exponents = [exponent for exponent, _ in self._kept]
        for vectors in changed_vectors(self.sources, exponents, self.split, one):
            positions = np.arange(first, first + len(vectors[0]))
            for own, log in zip(heads, logs, strict=True):
                log.update(positions, own.logits(vectors))
            first += len(positions)
            progress.images(len(positions))
        for log, trial in zip(logs, trials, strict=True):
            with _finite(trial, one):
                log.end_epoch()
        return [log.observations() for log in logs]

    @cached_property
    def _kept(self) -> list[tuple[int, int]]:
        """The power of two and the length of the vectors of each of the features."""
        folder = features_beside(self.run.path)
        files = [kept_features(source, self.data, folder)["train"] for source in self.sources]
        return [(one.exponent, one.rows.shape[1]) for one in files]

    @cached_property
    def _heads(self) -> dict[int, StoredHeads]:
        """The heads of the largest share of each trial, by its index."""
        share, widths = self.run.shares[-1], [width for _, width in self._kept]
        num_classes = self.split.num_classes
        return {
            trial.index: stored_heads(self.spec, trial.weights(), share, widths, num_classes, self.device)
            for trial in self.run.trials
        }
