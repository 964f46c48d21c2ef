"""``run_heads(spec, ...) -> TrialRecord``: heads on nested shares of the examples, asked about all.

A run keeps them as arrays, of which ``stored_heads`` makes heads to be asked about other vectors.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.heads.boosting import fit_boosted
from easiness.heads.folds import Deal, Partition
from easiness.heads.ridge import Head, Moments, Rows, by_examples, fit_ridge, sample_of, temperature_of
from easiness.inputs import VECTOR, Packed, Signature
from easiness.models import build_model
from easiness.records import KeptLogits, ObservationLog, Observations, Statistics, TrialRecord
from easiness.spec import BOOSTING, RIDGE, RunSpec, TrialSpec, trial_seeds
from easiness.training import (
    Course,
    EpochReport,
    Listener,
    Network,
    how_it_ran,
    open_network,
    seed_all,
    set_up,
    train,
)

_MOST_KINDS = 64  # of features, for seeds of their own


@dataclass(frozen=True, eq=False)
class SteppedHead:
    """A network on vectors that are standardized by the examples that it has seen."""

    network: Network
    mean: Tensor
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Logits [n, C] of features [n, D]."""
        self.network.model.eval()
        with torch.inference_mode():
            return self.network.logits((x - self.mean) / self.scale)

    def state(self) -> dict[str, Tensor]:
        weights = {f"network.{name}": value for name, value in self.network.weights().items()}
        return {"mean": self.mean, "scale": self.scale, **weights}


def fit_by_steps(
    spec: TrialSpec,
    rows: Sequence[Rows],
    positions: npt.NDArray[np.int64],
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
        seed_all(seeds.initialization)
        network = Network(
            build_model(spec.model, Signature(tuple(x.shape[1:])), num_classes),
            recipe,
            spec.resolved,
            one.device,
            num_examples=len(positions),
            num_classes=num_classes,
            steps_per_epoch=steps,
        )
        packed = Packed.of_array(((x - mean) / scale).cpu().numpy())
        bank = VECTOR.bank(packed, recipe, one.device, augment=False, sharers=1)
        course = Course(
            *(spec.index, torch.arange(len(positions)), labels, seeds),
            *(spec.heads.epochs, steps, recipe.batch_size),
        )
        losses.append(train(network, bank, course, {}, Listener())[-1])
        heads.append(SteppedHead(network, mean, scale))
    return heads, float(np.mean(losses))


Weights = Mapping[str, npt.NDArray[Any]]

MOST_LOGITS = 5_000_000
"""Examples x classes up to which the logits of the examples left out are kept."""


@dataclass(frozen=True, eq=False)
class RowOfHeads:
    """Heads of a row, whose logits [n, C] are ``sum_f outputs_f(x) / temperature_f``, over features."""

    heads: Sequence[Any]
    scales: Sequence[float]

    def logits(self, rows: Sequence[Tensor]) -> Tensor:
        """Logits [n, C] of examples whose features [n, D] are ``rows``, one of each kind."""
        parts = [head(x) * scale for head, x, scale in zip(self.heads, rows, self.scales, strict=True)]
        return torch.stack(parts).sum(dim=0)


def run_heads(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    *,
    features: Mapping[str, Sequence[Packed]],
    deal: Deal | None = None,
    listener: Listener | None = None,
) -> TrialRecord:
    """Fit the heads of a trial on each share and ask them about all examples.

    ``features`` are vectors [K, D] of each of ``spec.heads.features`` by split (``train``, ``held_out``), and
    folds are dealt by the labels of the ``data`` unless another ``deal`` is given. The ``listener`` hears of
    each share, and how many examples were asked about.
    """
    assert spec.heads is not None
    began, listener = time.perf_counter(), listener or Listener()
    with set_up(device, spec.resolved.threads):
        repeat = _repeat(spec, data, features["train"], deal or Deal(data.labels), device)
        turn = spec.index % spec.heads.folds
        rows = {
            probe.name: repeat.rows
            if probe.name == "train"
            else [Rows.of(p, device, one) for p, one in zip(features[probe.name], repeat.rows, strict=True)]
            for probe in spec.probes
        }
        of_train = repeat.partition.trained_on(turn)
        weights, asked, losses = _weights_of_rows(repeat.rows), [], []
        for row, share in enumerate(spec.heads.shares):
            heads, loss = repeat.fit(spec, turn, row)
            asked.append(heads)
            losses.append(loss)
            weights |= _weights(heads, share)
        probes: dict[str, Observations] = {}
        for probe in spec.probes:
            split = data.splits[probe.name]
            nothing = np.zeros((len(of_train), len(split)), np.bool_)
            own = of_train if probe.name == "train" else nothing
            kept = {"none": None, "left_out": ~own[-1], "all": np.ones(own.shape[1], np.bool_)}[
                probe.keep_logits
            ]
            logs = [
                ObservationLog(split.ids, split.labels, split.num_classes, trained_on=seen, keep_logits=kept)
                for seen in own
            ]
            probes[probe.name] = _joined(_ask(asked, rows[probe.name], logs, listener), own)
    record = TrialRecord(probes=probes, train_loss=losses, weights=weights)
    _report(spec, record, time.perf_counter() - began, listener)
    record.ran.update(how_it_ran(began, device))
    return record


@dataclass(frozen=True, eq=False)
class _Repeat:
    """The trials of one partition share the moments of its blocks, for each kind of features."""

    partition: Partition
    rows: Sequence[Rows]
    labels: Tensor
    num_classes: int
    moments: Sequence[dict[tuple[int, int], Moments]]

    def fit(self, spec: TrialSpec, turn: int, row: int) -> tuple[RowOfHeads, float]:
        """The heads of a row, and their mean loss (nats) on what they saw, left out where it can be."""
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
        sample = sample_of(len(positions))
        fitted = []
        for rows, moments in zip(self.rows, self.moments, strict=True):
            first, *others = (moments[block] for block in self.partition.seen(turn, row))
            total = sum(others, start=first)
            few = by_examples(total.num, len(total.features))
            some = torch.arange(len(positions)) if few else sample
            fitted.append(
                fit_ridge(total, rows.take(positions[some.numpy()]), labels[some.to(labels.device)])
            )
        own = sample.to(labels.device)
        left_out = [one.left_out[own] if len(one.left_out) > len(own) else one.left_out for one in fitted]
        scales = [1 / temperature_of(one, labels[own]) for one in left_out]
        together = torch.stack([one * scale for one, scale in zip(left_out, scales, strict=True)]).sum(dim=0)
        joint = temperature_of(together, labels[own]) if len(fitted) > 1 else 1.0
        loss = float(torch.nn.functional.cross_entropy(together / joint, labels[own]))
        return RowOfHeads([one.head for one in fitted], [scale / joint for scale in scales]), loss


_last: dict[str, tuple[Any, _Repeat]] = {}
"""The repeat that was used last in this process: the trials after it are mostly of the same."""


def _repeat(
    spec: TrialSpec, data: Dataset, packed: Sequence[Packed], deal: Deal, device: torch.device
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
    kept = before is not None and before[0][: len(of_rows)] == of_rows
    rows = before[1].rows if before is not None and kept else [Rows.of(one, device) for one in packed]
    dealt = deal.partition(heads.shares, spec.seed, number)
    labels = torch.from_numpy(data.labels).to(device)
    moments = []
    if spec.model == RIDGE:
        moments = [_moments(dealt, one, labels, data.num_classes) for one in rows]
    made = _Repeat(dealt, rows, labels, data.num_classes, moments)
    _last["repeat"] = key, made
    return made


def _moments(
    dealt: Partition, rows: Rows, labels: Tensor, num_classes: int
) -> dict[tuple[int, int], Moments]:
    largest = max(len(dealt.positions(turn, -1)) for turn in range(len(dealt.blocks)))
    return {
        (fold, part): Moments.of(
            (
                (x, labels[torch.from_numpy(some).to(labels.device)])
                for some, x in rows.batches(np.sort(positions))
            ),
            num_classes,
            with_gram=not by_examples(largest, rows.values.shape[1]),
        )
        for fold, parts in enumerate(dealt.blocks)
        for part, positions in enumerate(parts)
        if len(positions)
    }


def _ask(
    asked: Sequence[RowOfHeads], rows: Sequence[Rows], logs: Sequence[ObservationLog], listener: Listener
) -> list[Observations]:
    for batch in zip(*(one.in_order() for one in rows), strict=True):
        first, values = batch[0][0], [x for _, x in batch]
        for heads, log in zip(asked, logs, strict=True):
            logits = heads.logits(values).cpu().numpy()
            log.update(np.arange(first, first + len(logits)), logits)
            listener.on_images(len(logits))
    for log in logs:
        log.end_epoch()
    return [log.observations() for log in logs]


def _report(spec: TrialSpec, record: TrialRecord, seconds: float, listener: Listener) -> None:
    assert spec.heads is not None
    accuracy = record.accuracy()
    for row, share in enumerate(spec.heads.shares):
        report = EpochReport(
            trial=spec.index,
            epoch=row + 1,
            epochs=record.num_epochs,
            train_loss=record.train_loss[row],
            accuracy={name: values[row] for name, values in accuracy.items()},
            seconds=seconds / record.num_epochs,
            share=share,
        )
        listener.on_epoch(report)


def _joined(rows: Sequence[Observations], trained_on: npt.NDArray[np.bool_]) -> Observations:
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in rows]) for name in Statistics._fields
    }
    logits = [one.logits for one in rows if one.logits is not None]
    kept = KeptLogits(logits[0].positions, np.concatenate([one.values for one in logits])) if logits else None
    epochs = tuple(range(1, len(rows) + 1))
    return replace(rows[0], trained_on=trained_on, logits=kept, epochs=epochs, **columns)


def _weights_of_rows(rows: Sequence[Rows]) -> dict[str, npt.NDArray[Any]]:
    """Centers that are taken off features before heads see them, and scales that they have then."""
    found: dict[str, npt.NDArray[Any]] = {}
    for at, one in enumerate(rows):
        found[f"features_{at}.center"] = one.center.cpu().numpy()
        found[f"features_{at}.scale"] = np.array([one.scale], np.float32)
    return found


def _weights(asked: RowOfHeads, share: float) -> dict[str, npt.NDArray[Any]]:
    """The heads of a share as arrays: what is multiplied and what is added, scaled as logits are."""
    found: dict[str, npt.NDArray[Any]] = {}
    for at, (head, scale) in enumerate(zip(asked.heads, asked.scales, strict=True)):
        for name, value in head.state().items():
            factor = scale if name in ("weight", "bias") else 1.0
            found[f"share_{share:g}.features_{at}.{name}"] = (value * factor).cpu().contiguous().numpy()
    return found


@dataclass(frozen=True, eq=False)
class StoredHeads:
    """The heads of a trial at a share; features are read less ``centers`` [D] and times ``scales``."""

    asked: RowOfHeads
    centers: Sequence[Tensor]
    scales: Sequence[float]

    def logits(self, vectors: Sequence[npt.NDArray[np.floating]]) -> npt.NDArray[np.float32]:
        """Logits [n, C] of examples whose features [n, D] are ``vectors``, one of each kind."""
        given = zip(vectors, self.centers, self.scales, strict=True)
        rows = [Rows(own, center.device, center, scale).take(slice(None)) for own, center, scale in given]
        logits: npt.NDArray[np.float32] = self.asked.logits(rows).cpu().numpy()
        return logits


def stored_heads(
    spec: RunSpec,
    weights: Weights,
    share: float,
    widths: Sequence[int],
    num_classes: int,
    device: torch.device,
) -> StoredHeads:
    """The heads that have seen ``share`` in the ``weights`` of a trial, of features of these ``widths``."""
    if spec.model == BOOSTING:
        raise BadInput("model boosting: keeps no trees, so nothing new can be asked of it; use --model ridge")
    kinds = range(len(widths))
    centers = [_tensor(weights, f"features_{at}.center", (widths[at],), device) for at in kinds]
    scales = [float(_tensor(weights, f"features_{at}.scale", (1,), device)) for at in kinds]
    heads: list[Any] = []
    for at, width in enumerate(widths):
        prefix = f"share_{share:g}.features_{at}."
        own = {name.removeprefix(prefix): one for name, one in weights.items() if name.startswith(prefix)}
        read = _ridge if spec.model == RIDGE else _by_steps
        heads.append(read(spec, own, width, num_classes, device))
    # the heads of ridge are kept as they are added up
    factor = 1.0 if spec.model == RIDGE else 1 / len(heads)
    return StoredHeads(RowOfHeads(heads, [factor] * len(heads)), centers, scales)


def _ridge(_: RunSpec, own: Weights, width: int, num_classes: int, device: torch.device) -> Head:
    weight = _tensor(own, "weight", (width, num_classes), device)
    return Head(weight, _tensor(own, "bias", (num_classes,), device))


def _by_steps(spec: RunSpec, own: Weights, width: int, num_classes: int, device: torch.device) -> SteppedHead:
    prefix = "network."
    inner = {name.removeprefix(prefix): one for name, one in own.items() if name.startswith(prefix)}
    network = open_network(spec, inner, Signature((width,)), num_classes, device)
    mean, scale = (_tensor(own, name, (width,), device) for name in ("mean", "scale"))
    return SteppedHead(network, mean, scale)


def _tensor(weights: Weights, name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    value = weights.get(name)
    if value is None or value.shape != shape or value.dtype != np.float32:
        raise BadInput(f"weights {name}: do not fit the heads of the run; restore the run from a copy")
    return torch.tensor(value, device=device)
