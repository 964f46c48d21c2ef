"""What the trained networks of a run see of perturbed images, kept in the folder of the run."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from easiness import training
from easiness.analysis import Votes, keys_when_asked
from easiness.data import Dataset, rewritten
from easiness.errors import RunFailed, TrialFailed
from easiness.features import FeatureSource, changed_vectors, kept_features
from easiness.heads import StoredHeads, stored_heads
from easiness.inputs import Evaluated, Signature, TensorBank, Values
from easiness.models import pretrained_file
from easiness.perturb import Kind, Perturbation, find_kind
from easiness.records import ObservationLog, Observations
from easiness.runs import Progress, features_beside
from easiness.spec import RunSpec, Split, content_hash
from easiness.store import (
    STATISTICS,
    WEIGHTS,
    Run,
    Seats,
    StoredTrial,
    file_written_whole,
    num_heard,
    read_rows,
    sweep,
    write_observations,
)


def digest_of(kind: Kind) -> str | None:
    """What a kind computes, as SHA-256 (hex): ours say so, a user's own is the module that it is written in.

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


PERTURBED = "perturbed"
_MOST_KEPT = 2**28  # token numbers of all levels: 1 GiB; of more, each trial has the texts numbered anew

Learned: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]


@contextlib.contextmanager
def _finite(trial: StoredTrial, one: Perturbation) -> Iterator[None]:
    """Name the trial and the perturbation where logits in the block are not finite."""
    try:
        yield
    except TrialFailed:
        raise RunFailed(
            f"{trial.path}: the logits of an example are not finite under {one.kind} {one.level:g}"
        ) from None


@dataclass(frozen=True)
class ProbeVotes:
    """What all trials of a run see of a split: ``votes`` for each level, of heads those that are heard.

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

    @property
    def num_images(self) -> int:
        """How many images still have to go through a network."""
        missing = sum(self.all_kept(trial, self.learned(trial)).count(None) for trial in self.run.trials)
        return missing * len(self.split)

    def observe(self, progress: Progress | None = None) -> Iterator[Observations]:
        """For each finished trial of the run what its network sees: Observations [levels, K].

        What an earlier call has kept is read, as far as it is whole; what is new is kept. Where the run
        cannot be written to, or the source of a perturbation of the user's own is not known, nothing is.
        """
        for trial in self.run.trials:
            learned = self.learned(trial)
            found = self.all_kept(trial, learned)
            network = self._network(trial) if None in found else None
            levels = []
            for one, kept in zip(self.perturbations, found, strict=True):
                if kept is None:
                    assert network is not None
                    kept = self._look(trial, learned, network, one, progress or Progress())
                    self.keep(trial, one, kept)
                levels.append(kept)
            yield self.joined(levels)

    def joined(self, levels: Sequence[Observations]) -> Observations:
        """What a trial sees at each level as one."""
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(seen, name) for seen in levels]) for name in STATISTICS
        }
        return Observations(levels[0].labels, self.split.num_classes, levels[0].trained_on, **columns)

    def look(self, progress: Progress | None = None) -> ProbeVotes:
        """What all trials see, from one pass of `observe`."""
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

    def learned(self, trial: StoredTrial) -> Learned:
        """Labels that the trial has learned, and which of the examples it, or its last heads, have seen."""
        if self.probe == "held_out":
            return self.split.labels, np.zeros(len(self.split), np.bool_)
        if not trial.has("train"):
            return self.split.labels, np.ones(len(self.split), np.bool_)
        fixed = trial.columns(trial.observed[-1], ["label", "trained_on"])
        return fixed["label"].astype(np.int64), fixed["trained_on"]

    @cached_property
    def _source(self) -> str | None:
        return digest_of(find_kind(self.perturbations[0].kind, self.split.kind.name))

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

    def all_kept(self, trial: StoredTrial, learned: Learned) -> list[Observations | None]:
        """What is kept of each perturbation; ``None`` of one whose file is damaged or of other examples."""
        labels, trained_on = learned
        found: list[Observations | None] = []
        for path in (self._file(trial, one) for one in self.perturbations):
            found.append(None)
            if path is None or not path.exists():
                continue
            with contextlib.suppress(OSError, ValueError):
                read: dict[str, Any] = read_rows(path, [0], ["label", *STATISTICS])
                if np.array_equal(read.pop("label"), labels[None]):
                    found[-1] = Observations(labels, self.split.num_classes, trained_on, **read)
        return found

    def keep(self, trial: StoredTrial, one: Perturbation, seen: Observations) -> None:
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
