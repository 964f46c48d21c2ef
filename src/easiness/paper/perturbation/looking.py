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
from typing import Any, NamedTuple, TypeAlias

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
from easiness.heads import stored_heads
from easiness.inputs import TensorBank, Values
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
    read_rows,
    sweep,
    write_observations,
)

PERTURBED = "perturbed"
_AT_ONCE = 64  # examples looked at for a change
_VISIBLE = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away

Targets: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]
"""Labels [K] that a trial has learned, and which of the examples it, or its last heads, have seen."""
View: TypeAlias = Recipe | PicturePreparation
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
    perturbations = perturbations_of(kind, levels, seed, data.kind.name)
    check_no_links(run.path, run.path / PERTURBED)  # where observations are kept
    device = training.resolve_device(execution.device)
    cache = cache_beside(run.path) if execution.cache else None
    sources = networks_of(run, data, device) if run.shares else []
    return PerturbedProbe(run, spec, data, probe, perturbations, device, cache, sources)


def perturbations_of(
    kind: str, levels: Sequence[float], seed: int, examples: str | None = None
) -> tuple[Perturbation, ...]:
    """The perturbations of a kind at some levels, of ``examples`` of this kind, if given."""
    if seed < 0:
        raise BadInput(f"seed {seed}: negative; use 0 or above")
    find_kind(kind, examples)
    return tuple(perturbation(kind, level, seed, examples) for level in levels)


def spec_with_weights(run: Run) -> RunSpec:
    if run.spec.measured is None:
        raise BadInput(
            f"{run.path}: was recorded from a training loop of your own, without its networks; "
            "make a run with `easiness measure`"
        )
    run.resolve_at(None)
    longest = max(trial.epochs for trial in run.trials)
    if longest != run.epochs:
        raise BadInput(
            f"{run.path}: some trials have {run.epochs} epochs and others {longest}; "
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


def view_of(run: Run, data: Dataset) -> View:
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
    heads = run.spec.heads
    assert heads is not None
    try:
        return [find_frozen(ref, data, device) for ref in heads.features]
    except BadInput as error:
        raise BadInput(f"{run.path}: {error}") from error


def examples_at(data: Dataset, positions: npt.NDArray[np.int64], view: View) -> torch.Tensor | list[str]:
    """The examples at ``positions`` [n] as perturbations take them: texts, or float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.
    """
    if data.kind.rewritten is not None:
        return texts_of(data, positions)
    ascending, back = np.unique(positions, return_inverse=True)
    if isinstance(view, PicturePreparation):
        pictures = np.stack(list(data.stored.subset(ascending).map(view.prepared)))
        return torch.from_numpy(pictures[back]).float() / 255
    few = data.part(ascending).packed(view)
    bank = data.kind.bank(few, view, torch.device("cpu"), augment=False, sharers=1)
    return bank.raw(slice(0, len(bank)))[torch.from_numpy(back)].contiguous()


def image_shape(data: Dataset, view: View) -> Shape:
    """(channels, height, width) of the examples as networks see them; () of texts, and of vectors (D,)."""
    if data.kind.rewritten is not None:
        return ()
    if isinstance(view, PicturePreparation):
        return 3, *view.size
    return data.signature(view).shape


def check_changes_something(
    data: Dataset, view: View, kind: str, levels: Sequence[float] | None, seed: int
) -> None:
    """Make sure that some example changes at some level; the first that does ends the search."""
    own, shape = find_kind(kind, data.kind.name), image_shape(data, view)
    strong = [
        level
        for level in (own.levels(shape) if levels is None else levels)
        if level != own.neutral_level(shape)
    ]
    perturbations = perturbations_of(kind, strong, seed, data.kind.name)
    if perturbations and not any(_changes(split, view, perturbations) for split in data.splits.values()):
        raise BadInput(
            f"--kind {kind}: changes none of the {sum(map(len, data.splits.values())):,} {data.kind.nouns} "
            f"at {', '.join(f'{level:g}' for level in strong)}; give another kind or other levels"
        )


def _changes(split: Dataset, view: View, perturbations: Sequence[Perturbation]) -> bool:
    for at in range(0, len(split), _AT_ONCE):
        positions = np.arange(len(split))[at : at + _AT_ONCE]
        examples, ids = examples_at(split, positions, view), split.ids[positions]
        for one in perturbations:
            after: Any = one(examples, ids=ids)
            if isinstance(examples, list):
                if after != examples:
                    return True
            elif float((after - examples).abs().max()) >= _VISIBLE:
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


class ProbeVotes(NamedTuple):
    """Observations of a split by all trials: ``votes`` for each level, of heads those that are heard.

    ``accuracy`` has an array [trials, levels] of shares in [0, 1] for ``train`` (the examples trained on)
    and ``left_out``, or for ``held_out``; only those of which there are examples.
    """

    votes: list[Votes]
    accuracy: dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class PerturbedProbe:
    """One split of a run's data under a kind of perturbation, ``perturbations``, one for each level.

    Made by `perturbed_probe`, which checks everything; `observe` does the work. In a run on features of
    frozen networks, ``sources``, the heads of the largest share are asked.
    """

    run: Run
    spec: RunSpec
    data: Dataset
    probe: Split
    perturbations: tuple[Perturbation, ...]
    device: torch.device
    cache: Path | None
    sources: Sequence[FeatureSource] = ()

    @property
    def split(self) -> Dataset:
        return self.data.splits[self.probe]

    @property
    def levels(self) -> tuple[float, ...]:
        return tuple(one.level for one in self.perturbations)

    @property
    def num_images(self) -> int:
        """How many images still have to go through a network, as far as files tell; heads share one pass."""
        files = [[self._file(trial, one) for one in self.perturbations] for trial in self.run.trials]
        missing = np.array([[one is None or not one.is_file() for one in row] for row in files])
        return int((missing.any(axis=0) if self.sources else missing).sum()) * len(self.split)

    def observe(self, progress: Progress | None = None) -> Iterator[list[Observations]]:
        """Yield for each level the observations [1, K] of each finished trial of the run.

        Files of an earlier call are read, as far as they are whole; new observations are kept. Where the run
        cannot be written to, or the source of a perturbation of the user's own is not known, nothing is.
        """
        trials = self.run.trials
        targets = [self._targets(trial) for trial in trials]
        look = self._ask_heads if self.sources else self._ask_networks
        for one in self.perturbations:
            level = [self._read(trial, one, own) for trial, own in zip(trials, targets, strict=True)]
            missing = [at for at, observations in enumerate(level) if observations is None]
            new = look(one, [(trials[at], targets[at]) for at in missing], progress or Progress())
            for at, observations in zip(missing, new, strict=True):
                level[at] = observations
                self._keep(trials[at], one, observations)
            yield [observations for observations in level if observations is not None]

    def look(self, progress: Progress | None = None) -> ProbeVotes:
        split, trials, row = self.split, self.run.trials, self.run.row(self.run.epochs)
        heard = num_heard(trials, self.run.epochs, self.probe)
        num = heard or len(trials)
        numbers = np.array([trial.index for trial in trials]) if heard is None else np.arange(heard)
        votes: list[Votes] = []
        accuracy: dict[str, list[list[Any]]] = {}
        for level in self.observe(progress):
            seats = Seats(num, len(split))
            correct, p_label = np.empty((num, len(split)), np.bool_), np.empty((num, len(split)))
            for one in level:
                of_heads = np.ones(len(split), np.bool_) if heard is None else ~one.trained_on
                rows, columns = seats.take(slice(0, len(split)), of_heads)
                correct[rows, columns] = (one.prediction[0] == split.labels)[columns]
                p_label[rows, columns] = one.p_label[0, columns]
            if self.probe == "held_out":
                parts = {"held_out": [one.accuracy() for one in level]}
            else:
                parts = {
                    "train": [one.accuracy(one.trained_on) for one in level],
                    "left_out": [one.accuracy(~one.trained_on) for one in level],
                }
            for name, values in parts.items():
                accuracy.setdefault(name, []).append(values)
            keys = keys_when_asked(split.ids)
            votes.append(
                Votes(correct, p_label, split.labels, split.ids, row.number, numbers, keys, share=row.share)
            )
        arrays = {name: rows for name, rows in accuracy.items() if None not in rows[0]}
        return ProbeVotes(votes, {name: np.array(rows)[:, :, 0].T for name, rows in arrays.items()})

    def _targets(self, trial: StoredTrial) -> Targets:
        if self.probe == "held_out":
            return self.split.labels, np.zeros(len(self.split), np.bool_)
        if not trial.has("train"):
            return self.split.labels, np.ones(len(self.split), np.bool_)
        columns = trial.columns(trial.observed[-1], ["label", "trained_on"])
        return columns["label"].astype(np.int64), columns["trained_on"]

    def _log(self, targets: Targets) -> ObservationLog:
        labels, trained_on = targets
        return ObservationLog(self.split.ids, labels, self.split.num_classes, trained_on=trained_on)

    def _bank_of(self, values: Values) -> TensorBank:
        return self.split.kind.bank(values, self.spec.recipe, self.device, augment=False, sharers=1)

    @cached_property
    def _bank(self) -> TensorBank:
        return self._bank_of(self.split.packed(self.spec.recipe, self.cache))

    def _ask_networks(
        self, one: Perturbation, trials: Sequence[tuple[StoredTrial, Targets]], progress: Progress
    ) -> Iterator[Observations]:
        if not trials:
            return
        spec, split = self.spec, self.split
        signature, num_classes = split.signature(spec.recipe), split.num_classes
        pretrained = None if spec.pretrained is None else pretrained_file(spec.model)
        examples = (
            training.TransformedExamples(self._bank, split.ids, one)
            if split.kind.rewritten is None
            else self._bank_of(rewritten(split, one).packed(spec.recipe))
        )
        for trial, targets in trials:
            log, weights = self._log(targets), trial.weights()
            network = training.open_network(spec, weights, signature, num_classes, self.device, pretrained)
            with _finite(trial, one), training.threads_of(spec):
                training.Observer(examples, log, signature, num_classes).observe(network, progress.images)
            yield log.observations()

    def _ask_heads(
        self, one: Perturbation, trials: Sequence[tuple[StoredTrial, Targets]], progress: Progress
    ) -> Iterator[Observations]:
        if not trials:
            return
        folder = features_beside(self.run.path)
        files = [kept_features(source, self.data, folder)["train"] for source in self.sources]
        widths = [file.rows.shape[1] for file in files]
        share, num_classes = self.run.shares[-1], self.split.num_classes
        heads = [
            stored_heads(self.spec, trial.weights(), share, widths, num_classes, self.device)
            for trial, _ in trials
        ]
        logs = [self._log(targets) for _, targets in trials]
        first = 0
        for vectors in changed_vectors(self.sources, [file.exponent for file in files], self.split, one):
            positions = np.arange(first, first + len(vectors[0]))
            for head, log in zip(heads, logs, strict=True):
                log.update(positions, head.logits(vectors))
            first += len(positions)
            progress.images(len(positions))
        for (trial, _), log in zip(trials, logs, strict=True):
            with _finite(trial, one):
                log.end_epoch()
            yield log.observations()

    @cached_property
    def _digest(self) -> str | None:
        return _digest_of(find_kind(self.perturbations[0].kind, self.split.kind.name))

    def _file(self, trial: StoredTrial, one: Perturbation) -> Path | None:
        """Where the observations are kept, named by all that decides them; ``None`` where they are not."""
        if self._digest is None:
            return None
        kind = find_kind(one.kind, self.split.kind.name)
        identity = {
            "level": one.level,
            "seed": one.seed if kind.seeded else None,
            "probe": self.probe,
            "data": self.split.fingerprint,
            "source": self._digest,
        }
        weights = trial.document.files[WEIGHTS].sha256[:12]
        folder = f"{kind.name}-{one.level:g}-{content_hash(identity)[:12]}"
        return self.run.path / PERTURBED / folder / f"{trial.index:04d}-{weights}.parquet"

    def _read(self, trial: StoredTrial, one: Perturbation, targets: Targets) -> Observations | None:
        """Observations of an earlier call; ``None`` where the file is damaged or of other examples."""
        path, (labels, trained_on) = self._file(trial, one), targets
        if path is not None and path.exists():
            with contextlib.suppress(OSError, ValueError):
                columns: dict[str, Any] = read_rows(path, [0], ["label", *STATISTICS])
                if np.array_equal(columns.pop("label"), labels[None]):
                    return Observations(labels, self.split.num_classes, trained_on, **columns)
        return None

    def _keep(self, trial: StoredTrial, one: Perturbation, observations: Observations) -> None:
        """Keep the observations whole or not at all, and sweep up what killed writers left.

        Nothing is written where the disk is full or read-only: the run can be looked at all the same.
        """
        path = self._file(trial, one)
        if path is not None:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                sweep(path.parent)
                with file_written_whole(path) as file:
                    write_observations(file, self.split.ids, observations)


@contextlib.contextmanager
def _finite(trial: StoredTrial, one: Perturbation) -> Iterator[None]:
    try:
        yield
    except TrialFailed:
        raise RunFailed(
            f"{trial.path}: the logits of an example are not finite under {one.kind} {one.level:g}"
        ) from None
