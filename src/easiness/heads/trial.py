"""``run_heads(spec, ...) -> TrialRecord``: heads trained on nested shares of the examples, observed on all.

A run stores heads as arrays; ``stored_heads`` makes heads of these for other vectors.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from easiness import training
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.heads.boosting import fit_boosted
from easiness.heads.folds import Deal, Partition
from easiness.heads.ridge import (
    Fit,
    Head,
    Moments,
    Rows,
    by_examples,
    fit_ridge,
    log_odds_of,
    sample_of,
    temperature_of,
    to_evidence,
)
from easiness.inputs import VECTOR, Pack, Signature
from easiness.lazy import Array, Integers, Mask, Reals, Singles
from easiness.models import build_model
from easiness.records import KeptLogits, ObservationLog, Observations, Statistics, TrialRecord
from easiness.spec import BOOSTING, RIDGE, RunSpec, TrialSpec, trial_seeds

_MOST_KINDS = 64  # of features, for seeds of their own


@dataclass(frozen=True, eq=False)
class SteppedHead:
    """A network on vectors, standardized by its training examples."""

    network: training.Network
    mean: Tensor
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        self.network.model.eval()
        with torch.inference_mode():
            return self.network.logits((x - self.mean) / self.scale)

    def state(self) -> dict[str, Tensor]:
        weights = {f"network.{name}": value for name, value in self.network.weights().items()}
        return {"mean": self.mean, "scale": self.scale, **weights}


def fit_by_steps(
    spec: TrialSpec,
    rows: Sequence[Rows],
    positions: Integers,
    labels: Tensor,
    num_classes: int,
    row: int,
) -> tuple[list[SteppedHead], float]:
    """A network for each kind of features, trained at ``positions`` [n], and their mean last loss."""
    assert spec.heads is not None
    assert spec.heads.epochs is not None
    recipe = spec.recipe.over(spec.heads.epochs)
    steps = recipe.steps_per_epoch(len(positions))
    heads, losses = [], []
    for kind, one in enumerate(rows):
        seeds = trial_seeds(trial_seeds(spec.seed, spec.index).initialization, row * _MOST_KINDS + kind)
        x = one.take(positions)
        mean, scale = x.mean(dim=0), x.std(dim=0, correction=0)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        training.seed_all(seeds.initialization)
        network = training.Network(
            build_model(spec.model, Signature(tuple(x.shape[1:])), num_classes),
            recipe,
            spec.resolved,
            one.device,
            num_examples=len(positions),
            num_classes=num_classes,
            steps_per_epoch=steps,
        )
        pack = Pack.of_array(((x - mean) / scale).cpu().numpy())
        bank = VECTOR.bank(pack, recipe, one.device, augment=False, sharers=1)
        course = training.Course(
            *(spec.index, torch.arange(len(positions)), labels, seeds),
            *(spec.heads.epochs, steps, recipe.batch_size),
        )
        losses.append(training.train(network, bank, course, {}, training.Listener())[-1])
        heads.append(SteppedHead(network, mean, scale))
    return heads, float(np.mean(losses))


Weights = Mapping[str, Array]

MOST_LOGITS = 5_000_000  # examples x classes up to which the logits of the examples left out are kept


@dataclass(frozen=True, eq=False)
class RowOfHeads:
    """Heads of a row with logits [n, C] ``sum_f outputs_f(x) * scale_f`` over features f."""

    heads: Sequence[Any]
    scales: Sequence[float]

    def logits(self, rows: Sequence[Tensor]) -> Tensor:
        parts = [head(x) * scale for head, x, scale in zip(self.heads, rows, self.scales, strict=True)]
        return torch.stack(parts).sum(dim=0)


def run_heads(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    *,
    features: Mapping[str, Sequence[Pack]],
    deal: Deal | None = None,
    listener: training.Listener | None = None,
) -> TrialRecord:
    """Fit the heads of a trial on each share and observe them on all examples.

    ``features`` are vectors [K, D] of each of ``spec.heads.features`` by split (``train``, ``held_out``).
    ``deal`` divides examples into folds, by default by the labels of the ``data``.
    """
    assert spec.heads is not None
    began, listener = time.perf_counter(), listener or training.Listener()
    weights: dict[str, Array] = {}
    with training.set_up(device, spec.resolved.threads):
        repeat = _repeat(spec, data, features["train"], deal or Deal(data.labels), device)
        turn = spec.index % spec.heads.folds
        rows = {
            probe.name: repeat.rows
            if probe.name == "train"
            else [Rows.of(p, device, one) for p, one in zip(features[probe.name], repeat.rows, strict=True)]
            for probe in spec.probes
        }
        of_train = repeat.partition.trained_on(turn)
        rows_of_heads, losses = [], []
        for at, rows_of_kind in enumerate(repeat.rows):
            weights[f"features_{at}.center"] = rows_of_kind.center.cpu().numpy()
            weights[f"features_{at}.scale"] = np.array([rows_of_kind.scale], np.float32)
        for row, share in enumerate(spec.heads.shares):
            heads, loss = repeat.fit(spec, turn, row)
            rows_of_heads.append(heads)
            losses.append(loss)
            weights |= _weights(heads, share)
        probes: dict[str, Observations] = {}
        for probe in spec.probes:
            split = data.splits[probe.name]
            own = of_train if probe.name == "train" else np.zeros((len(of_train), len(split)), np.bool_)
            with_logits = {"none": None, "left_out": ~own[-1], "all": np.ones(own.shape[1], np.bool_)}
            questions, logits = split.questions, with_logits[probe.keep_logits]
            logs = [questions.log(split.num_classes, trained_on=mask, keep_logits=logits) for mask in own]
            trained_on = own[:, questions.examples]
            probes[probe.name] = _observe(rows_of_heads, rows[probe.name], logs, listener, trained_on)
    record = TrialRecord(probes=probes, train_loss=losses, weights=weights)
    _report(spec, record, time.perf_counter() - began, listener)
    record.ran.update(training.how_it_ran(began, device))
    return record


@dataclass(frozen=True, eq=False)
class _Repeat:
    """A partition, and the moments of its blocks for each kind of features, which its trials share."""

    partition: Partition
    rows: Sequence[Rows]
    labels: Tensor
    num_classes: int
    moments: Sequence[dict[tuple[int, int], Moments]]

    def fit(self, spec: TrialSpec, turn: int, row: int) -> tuple[RowOfHeads, float]:
        """The heads of a row, and their mean loss (nats) on training examples, left out if possible."""
        assert spec.heads is not None
        positions = self.partition.positions(turn, row)
        labels = self.labels[torch.from_numpy(positions).to(self.labels.device)]
        if spec.model != RIDGE:
            heads: Sequence[Any]
            if spec.model == BOOSTING:
                largest = row == len(spec.heads.shares) - 1
                heads, loss = fit_boosted(self.rows, positions, labels, self.num_classes, largest)
            else:
                heads, loss = fit_by_steps(spec, self.rows, positions, labels, self.num_classes, row)
            return RowOfHeads(heads, [1 / len(heads)] * len(heads)), loss
        of_tags = labels.ndim == 2
        sample = sample_of(len(positions), of_tags)
        own, fits = sample.to(labels.device), []
        for rows, moments in zip(self.rows, self.moments, strict=True):
            first, *others = (moments[block] for block in self.partition.blocks_of(turn, row))
            total = sum(others, start=first)
            few = by_examples(total.num, len(total.features))
            some = torch.arange(len(positions)) if few else sample
            fit = fit_ridge(total, rows.take(positions[some.numpy()]), labels[some.to(labels.device)])
            left_out = fit.left_out[own] if len(fit.left_out) > len(own) else fit.left_out
            fits.append(Fit(fit.head, left_out))
        before = labels.new_zeros((), dtype=torch.float32)
        if of_tags:
            before, fits = log_odds_of(labels), [to_evidence(one, labels[own]) for one in fits]
        return _together(fits, labels[own], before)


def _together(fits: Sequence[Fit], labels: Tensor, before: Tensor) -> tuple[RowOfHeads, float]:
    """The heads as one, by temperatures on ``labels`` left out, beside the log odds of tags ``before``."""
    scales = [1 / temperature_of(one.left_out, labels, before) for one in fits]
    parts = [one.left_out * scale for one, scale in zip(fits, scales, strict=True)]
    logits = torch.stack(parts).sum(dim=0)
    joint = temperature_of(logits, labels, before) if len(fits) > 1 else 1.0
    scales, heads = [scale / joint for scale in scales], [one.head for one in fits]
    heads[0] = Head(heads[0].weight, heads[0].bias + before / scales[0])
    return RowOfHeads(heads, scales), float(training.loss_of(logits / joint + before, labels))


_last: dict[str, tuple[Any, _Repeat]] = {}
"""The last repeat in this process; most trials belong to the repeat of the trial before."""


def _repeat(
    spec: TrialSpec, data: Dataset, packs: Sequence[Pack], deal: Deal, device: torch.device
) -> _Repeat:
    heads = spec.heads
    assert heads is not None
    number = spec.index // heads.folds
    together = b"" if deal.groups is None else hashlib.sha256(deal.groups.tobytes()).digest()
    # sums depend on the number of threads in their last bits
    of_rows = (heads.features, spec.data.train.fingerprint, str(device), spec.resolved.threads)
    key = (*of_rows, heads, spec.seed, number, spec.model, together, spec.dealt)
    before = _last.pop("repeat", None)
    if before is not None and before[0] == key:
        _last["repeat"] = before
        return before[1]
    is_kept = before is not None and before[0][: len(of_rows)] == of_rows
    rows = before[1].rows if before is not None and is_kept else [Rows.of(one, device) for one in packs]
    partition = deal.partition(heads.shares, spec.seed, number)
    labels = torch.from_numpy(with_means(data.targets)).to(device)
    moments = []
    if spec.model == RIDGE:
        moments = [_moments(partition, one, labels, data.num_outputs) for one in rows]
    new = _Repeat(partition, rows, labels, data.num_outputs, moments)
    _last["repeat"] = key, new
    return new


def with_means(targets: Array) -> Array:
    """Labels [K] as they are; of tags [K, T] what nobody says is the mean of what is said of the tag."""
    if targets.ndim == 1:
        return targets
    unknown = np.isnan(targets)
    means = np.where(unknown, 0, targets).sum(axis=0) / np.maximum((~unknown).sum(axis=0), 1)
    return np.where(unknown, means, targets).astype(np.float32)


def _moments(
    partition: Partition, rows: Rows, labels: Tensor, num_classes: int
) -> dict[tuple[int, int], Moments]:
    largest = max(len(partition.positions(turn, -1)) for turn in range(len(partition.blocks)))
    return {
        (fold, part): Moments.of(
            (
                (x, labels[torch.from_numpy(some).to(labels.device)])
                for some, x in rows.batches(np.sort(positions))
            ),
            num_classes,
            with_gram=not by_examples(largest, rows.values.shape[1]),
        )
        for fold, parts in enumerate(partition.blocks)
        for part, positions in enumerate(parts)
        if len(positions)
    }


def _observe(
    shares: Sequence[RowOfHeads],
    rows: Sequence[Rows],
    logs: Sequence[ObservationLog],
    listener: training.Listener,
    trained_on: Mask,
) -> Observations:
    for batch in zip(*(one.in_order() for one in rows), strict=True):
        first, values = batch[0][0], [x for _, x in batch]
        for heads, log in zip(shares, logs, strict=True):
            logits = heads.logits(values).cpu().numpy()
            log.update(np.arange(first, first + len(logits)), logits)
            listener.on_images(len(logits))
    for log in logs:
        log.end_epoch()
    by_share = [log.observations() for log in logs]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in by_share]) for name in Statistics._fields
    }
    parts = [one.logits for one in by_share if one.logits is not None]
    if parts:
        columns["logits"] = KeptLogits(parts[0].positions, np.concatenate([one.values for one in parts]))
    return replace(by_share[0], trained_on=trained_on, epochs=tuple(range(1, len(logs) + 1)), **columns)


def _report(spec: TrialSpec, record: TrialRecord, seconds: float, listener: training.Listener) -> None:
    assert spec.heads is not None
    accuracy = record.accuracy()
    for row, share in enumerate(spec.heads.shares):
        report = training.EpochReport(
            trial=spec.index,
            epoch=row + 1,
            epochs=record.num_epochs,
            train_loss=record.train_loss[row],
            accuracy={name: values[row] for name, values in accuracy.items()},
            seconds=seconds / record.num_epochs,
            share=share,
        )
        listener.on_epoch(report)


def _weights(heads: RowOfHeads, share: float) -> dict[str, Array]:
    return {
        f"share_{share:g}.features_{at}.{name}": (
            (value * (scale if name in ("weight", "bias") else 1.0)).cpu().contiguous().numpy()
        )
        for at, (head, scale) in enumerate(zip(heads.heads, heads.scales, strict=True))
        for name, value in head.state().items()
    }


@dataclass(frozen=True, eq=False)
class StoredHeads:
    """The heads of a trial at a share, on features less ``centers`` [D] and times ``scales``."""

    heads: RowOfHeads
    centers: Sequence[Tensor]
    scales: Sequence[float]

    def logits(self, vectors: Sequence[Reals]) -> Singles:
        rows = [
            Rows(own, center.device, center, scale).take(slice(None))
            for own, center, scale in zip(vectors, self.centers, self.scales, strict=True)
        ]
        logits: Singles = self.heads.logits(rows).cpu().numpy()
        return logits


def stored_heads(
    spec: RunSpec,
    weights: Weights,
    share: float,
    widths: Sequence[int],
    num_classes: int,
    device: torch.device,
) -> StoredHeads:
    """The heads of ``share`` in the ``weights`` of a trial, for features of these ``widths``."""
    if spec.model == BOOSTING:
        raise BadInput("model boosting: keeps no trees, so nothing new can be asked of it; use --model ridge")
    centers, scales = [], []
    heads: list[Any] = []
    for at, width in enumerate(widths):
        centers.append(_tensor(weights, f"features_{at}.center", (width,), device))
        scales.append(float(_tensor(weights, f"features_{at}.scale", (1,), device)))
        own = _under(weights, f"share_{share:g}.features_{at}.")
        if spec.model == RIDGE:
            weight = _tensor(own, "weight", (width, num_classes), device)
            heads.append(Head(weight, _tensor(own, "bias", (num_classes,), device)))
            continue
        inner, signature = _under(own, "network."), Signature((width,))
        network = training.open_network(spec, inner, signature, num_classes, device)
        mean, scale = (_tensor(own, name, (width,), device) for name in ("mean", "scale"))
        heads.append(SteppedHead(network, mean, scale))
    # stored heads of ridge are scaled already
    factor = 1.0 if spec.model == RIDGE else 1 / len(heads)
    return StoredHeads(RowOfHeads(heads, [factor] * len(heads)), centers, scales)


def _under(weights: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): one for name, one in weights.items() if name.startswith(prefix)}


def _tensor(weights: Weights, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    value = weights.get(name)
    if value is None or value.shape != shape or value.dtype != np.float32:
        raise BadInput(f"weights {name}: do not fit the heads of the run; restore the run from a copy")
    return torch.tensor(value, device=device)
