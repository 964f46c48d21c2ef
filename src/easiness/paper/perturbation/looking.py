"""Observations of perturbed examples by trained networks, kept in the folder of their run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from easiness import features, training
from easiness.analysis import Votes, keys_when_asked
from easiness.data import Dataset, rewrite_texts, texts_of
from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.heads import stored_heads
from easiness.inputs import TensorBank, Values
from easiness.lazy import Array, Floats, Integers, Mask
from easiness.models import pretrained_file
from easiness.perturb import Perturbation, Shape, find_kind, perturbation
from easiness.records import ObservationLog, Observations
from easiness.runs import Progress, cache_beside, features_beside
from easiness.spec import Execution, Recipe, RunSpec, Split, content_hash
from easiness.store import (
    WEIGHTS,
    Arrays,
    Form,
    Run,
    Seats,
    StoredTrial,
    keep_answer,
    kept_answer,
    num_heard,
)

_AT_ONCE = 64  # examples looked at for a change
_VISIBLE = 1 / 255  # of a value in [0, 1]: grey stored as color changes by rounding where color is taken away

Targets: TypeAlias = tuple[Integers, Mask]
"""Labels [K] that a trial has learned, and which of the examples it, or its last heads, have seen."""
View: TypeAlias = Recipe | features.PicturePreparation
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
    features.check_trusted(run)
    return run.spec.measured


def view_of(run: Run, data: Dataset) -> View:
    """The view that the networks of a run have of examples; it does not matter to texts."""
    if not run.shares:
        return spec_with_weights(run).recipe
    sources = networks_of(run, data, torch.device("cpu"))
    if data.kind.rewritten is not None:
        return spec_with_weights(run).recipe
    preparations = [features.eye_of(source).preparation for source in sources]
    for source, other in zip(sources, preparations, strict=True):
        if other.size != preparations[0].size:
            sizes = [" x ".join(map(str, one.size)) for one in (preparations[0], other)]
            raise BadInput(
                f"{run.path}: {sources[0].name} and {source.name} see pictures of {sizes[0]} and {sizes[1]} "
                "pixels, so that a level is not the same for both; give a run on one of them"
            )
    return preparations[0]


def networks_of(run: Run, data: Dataset, device: torch.device) -> list[features.FeatureSource]:
    heads = run.spec.heads
    assert heads is not None
    try:
        return [features.find_frozen(ref, data, device) for ref in heads.features]
    except BadInput as error:
        raise BadInput(f"{run.path}: {error}") from error


def examples_at(data: Dataset, positions: Integers, view: View) -> torch.Tensor | list[str]:
    """The examples at ``positions`` [n] as perturbations take them: texts, or float [n, c, h, w] in [0, 1].

    Photos are cropped as in evaluation; nothing is normalized. Only these are decoded.
    """
    if data.kind.rewritten is not None:
        return texts_of(data, positions)
    ascending, back = np.unique(positions, return_inverse=True)
    if isinstance(view, features.PicturePreparation):
        pictures = np.stack(list(data.stored.subset(ascending).map(view.prepare)))
        return torch.from_numpy(pictures[back]).float() / 255
    few = data.part(ascending).packed(view)
    bank = data.kind.bank(few, view, torch.device("cpu"), augment=False, sharers=1)
    return bank.raw(slice(0, len(bank)))[torch.from_numpy(back)].contiguous()


def image_shape(data: Dataset, view: View) -> Shape:
    """(channels, height, width) of the examples as networks see them; () of texts, and of vectors (D,)."""
    if data.kind.rewritten is not None:
        return ()
    if isinstance(view, features.PicturePreparation):
        return 3, *view.size
    return data.signature(view).shape


def check_changes_something(
    data: Dataset, view: View, kind: str, levels: Sequence[float] | None, seed: int
) -> None:
    """Refuse perturbations that change no example at any level."""
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


class ProbeVotes(NamedTuple):
    """Observations of a split by all trials: ``votes`` for each level, of heads on examples new to them.

    ``accuracy`` has an array [trials, levels] of shares in [0, 1] for ``train`` (the examples trained on)
    and ``left_out``, or for ``held_out``; only those of which there are examples.
    """

    votes: list[Votes]
    accuracy: dict[str, Floats]


@dataclass(frozen=True)
class PerturbedProbe:
    """One split of a run's data under a kind of perturbation, ``perturbations``, one for each level.

    Made by `perturbed_probe`, which checks everything; `look` does the work. In a run on features of
    frozen networks, ``sources``, the heads of the largest share are asked.
    """

    run: Run
    spec: RunSpec
    data: Dataset
    probe: Split
    perturbations: tuple[Perturbation, ...]
    device: torch.device
    cache: Path | None
    sources: Sequence[features.FeatureSource] = ()

    @property
    def split(self) -> Dataset:
        return self.data.splits[self.probe]

    @property
    def levels(self) -> tuple[float, ...]:
        return tuple(one.level for one in self.perturbations)

    @property
    def num_images(self) -> int:
        """How many images still have to go through a network; heads share one pass."""
        passes = 1 if self.sources else len(self.run.trials)
        return passes * len(self.split) * sum(self._stored_answers(one) is None for one in self.perturbations)

    def look(self, progress: Progress | None = None) -> ProbeVotes:
        split, trials, row = self.split, self.run.trials, self.run.row(self.run.epochs)
        num_heads = num_heard(trials, self.run.epochs, self.probe)
        num = num_heads or len(trials)
        numbers = np.array([trial.index for trial in trials]) if num_heads is None else np.arange(num_heads)
        labels, trained_on = (np.stack(column) for column in zip(*self._targets, strict=True))
        parts = {"train": trained_on, "left_out": ~trained_on}
        if self.probe == "held_out":
            parts = {"held_out": np.ones_like(trained_on)}
        votes: list[Votes] = []
        accuracy: dict[str, list[Floats]] = {}
        for one in self.perturbations:
            answers = self.answers(one, progress or Progress())
            prediction, probability = answers["prediction"], np.exp(-answers["loss"].astype(np.float64))
            seats = Seats(num, len(split))
            correct, p_label = np.empty((num, len(split)), np.bool_), np.empty((num, len(split)))
            for at in range(len(trials)):
                of_heads = np.ones(len(split), np.bool_) if num_heads is None else ~trained_on[at]
                rows, columns = seats.take(slice(0, len(split)), of_heads)
                correct[rows, columns] = (prediction[at] == split.labels)[columns]
                p_label[rows, columns] = probability[at, columns]
            keys = keys_when_asked(split.ids)
            votes.append(
                Votes(correct, p_label, split.labels, split.ids, row.number, numbers, keys, share=row.share)
            )
            for name, among in parts.items():
                if among.any(axis=1).all():
                    right = ((prediction == labels) & among).sum(axis=1) / among.sum(axis=1)
                    accuracy.setdefault(name, []).append(right)
        return ProbeVotes(votes, {name: np.stack(rows, axis=1) for name, rows in accuracy.items()})

    def answers(self, one: Perturbation, progress: Progress) -> Arrays:
        """``prediction`` and ``loss`` [trials, K] under a perturbation, kept in the run for another call.

        Nothing is kept of a perturbation of the user's own, whose source may change.
        """
        answers: Arrays | None = self._stored_answers(one)
        if answers is None:
            ask = self._ask_heads if self.sources else self._ask_networks
            observations = list(ask(one, progress))
            answers = {
                name: np.concatenate([getattr(one_trial, name) for one_trial in observations])
                for name in ("prediction", "loss")
            }
            if (place := self._place(one)) is not None:
                keep_answer(self.run.path, *place, answers)
        return answers

    def _stored_answers(self, one: Perturbation) -> dict[str, Array] | None:
        shape, place = (len(self.run.trials), len(self.split)), self._place(one)
        forms: dict[str, Form] = {"prediction": (np.int32, shape), "loss": (np.float32, shape)}
        return None if place is None else kept_answer(self.run.path, *place, forms)

    def _place(self, one: Perturbation) -> tuple[str, str] | None:
        """The name and the identity of what is kept; ``None`` where it is not."""
        kind = find_kind(one.kind, self.split.kind.name)
        if kind.digest is None:
            return None
        identity = content_hash(
            {
                "level": one.level,
                "seed": one.seed if kind.seeded else None,
                "probe": self.probe,
                "data": self.split.fingerprint,
                "source": kind.digest,
                "weights": [trial.document.files[WEIGHTS].sha256 for trial in self.run.trials],
            }
        )
        return f"{kind.name}-{one.level:g}-{identity[:12]}", identity

    @cached_property
    def _targets(self) -> list[Targets]:
        split, trials = self.split, self.run.trials
        if self.probe == "held_out" or not trials[0].has("train"):
            return [(split.labels, np.full(len(split), self.probe == "train"))] * len(trials)
        names = ["label", "trained_on"]
        columns = [trial.columns(trial.observed[-1], names) for trial in trials]
        return [(one["label"].astype(np.int64), one["trained_on"]) for one in columns]

    def _logs(self) -> list[ObservationLog]:
        ids, num = self.split.ids, self.split.num_classes
        return [ObservationLog(ids, labels, num, trained_on=own) for labels, own in self._targets]

    def _bank_of(self, values: Values) -> TensorBank:
        return self.split.kind.bank(values, self.spec.recipe, self.device, augment=False, sharers=1)

    @cached_property
    def _bank(self) -> TensorBank:
        return self._bank_of(self.split.packed(self.spec.recipe, self.cache))

    def _ask_networks(self, one: Perturbation, progress: Progress) -> Iterator[Observations]:
        spec, split = self.spec, self.split
        signature, num_classes = split.signature(spec.recipe), split.num_classes
        pretrained = None if spec.pretrained is None else pretrained_file(spec.model)
        examples = (
            training.TransformedExamples(self._bank, split.ids, one)
            if split.kind.rewritten is None
            else self._bank_of(rewrite_texts(split, one).packed(spec.recipe))
        )
        for trial, log in zip(self.run.trials, self._logs(), strict=True):
            weights = trial.weights()
            network = training.open_network(spec, weights, signature, num_classes, self.device, pretrained)
            with _finite(trial, one), training.num_threads(spec.resolved.threads):
                training.Observer(examples, log, signature, num_classes).observe(network, progress.images)
            yield log.observations()

    def _ask_heads(self, one: Perturbation, progress: Progress) -> Iterator[Observations]:
        folder = features_beside(self.run.path)
        files = [features.kept_features(source, self.data, folder)["train"] for source in self.sources]
        widths = [file.rows.shape[1] for file in files]
        share, num_classes, trials = self.run.shares[-1], self.split.num_classes, self.run.trials
        heads = [
            stored_heads(self.spec, trial.weights(), share, widths, num_classes, self.device)
            for trial in trials
        ]
        first, logs = 0, self._logs()
        for vectors in features.changed_vectors(
            self.sources, [file.exponent for file in files], self.split, one
        ):
            positions = np.arange(first, first + len(vectors[0]))
            for head, log in zip(heads, logs, strict=True):
                log.update(positions, head.logits(vectors))
            first += len(positions)
            progress.images(len(positions))
        for trial, log in zip(trials, logs, strict=True):
            with _finite(trial, one):
                log.end_epoch()
            yield log.observations()


@contextlib.contextmanager
def _finite(trial: StoredTrial, one: Perturbation) -> Iterator[None]:
    try:
        yield
    except TrialFailed:
        raise RunFailed(
            f"{trial.path}: the logits of an example are not finite under {one.kind} {one.level:g}"
        ) from None
