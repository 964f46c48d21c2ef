"""``run_trial(spec, data, device) -> TrialRecord``: a training, observed as it goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from easiness.data import Dataset
from easiness.inputs import TensorBank, Values
from easiness.models import build_model
from easiness.records import ObservationLog, TrialRecord
from easiness.spec import Probe, TrialSeeds, TrialSpec, examples_of_epoch, trial_seeds
from easiness.training import (
    AnyObserver,
    Course,
    Keeper,
    Lane,
    Listener,
    Network,
    Observer,
    StepObserver,
    TrainingSet,
    how_it_ran,
    num_gpus,
    seed_all,
    set_up,
    train,
    training_set,
)


def run_trial(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    *,
    images: Mapping[str, Values] | None = None,
    ranking: npt.NDArray[np.float64] | None = None,
    listener: Listener | None = None,
    keeper: Keeper | None = None,
    pretrained: Path | None = None,
) -> TrialRecord:
    """Train and observe as ``spec`` says; on a CPU the record depends on the spec and ``data`` alone.

    The caller's torch random state and number of threads are left as they were; see `set_up` for the rest.

    ``images`` are packed examples by split (``train``, ``held_out``), else they are packed anew, ``ranking``
    [K] those whose digest is ``spec.draw.ranking``, NaN of examples that are left out, and ``pretrained`` the
    file of weights whose digest is ``spec.pretrained``. A ``keeper`` that has kept a part of this training
    goes on from there to the same record. `TrialFailed` where the loss or a logit stops being finite.
    """
    assert (spec.pretrained is None) == (pretrained is None)
    began = time.perf_counter()
    with set_up(device, spec.resolved.threads):
        seeds = trial_seeds(spec.seed, spec.index)
        learned = training_set(data.labels, data.num_classes, spec.train_share, spec.draw, ranking, seeds)
        positions = torch.from_numpy(np.flatnonzero(learned.trained_on))
        lane = Lane(spec.index, positions, torch.from_numpy(learned.labels).to(device), seeds)
        recipe = spec.recipe
        steps = recipe.steps_per_epoch(examples_of_epoch(spec, len(data), len(positions)))
        course = Course(spec.epochs, steps, recipe.batch_size)
        network = _network(spec, data, device, pretrained, seeds, num_examples=len(positions), steps=steps)
        banks = _banks(spec, data, device, images or {}, seeds)
        observers: dict[str, AnyObserver] = {
            probe.name: _observer(probe, spec, data, banks, learned) for probe in spec.probes
        }
        losses = train(network, banks["train"], lane, observers, course, listener or Listener(), keeper)
        record = TrialRecord(
            probes={name: observer.log.observations() for name, observer in observers.items()},
            train_loss=losses,
            weights={
                name: value.detach().cpu().contiguous().numpy() for name, value in network.weights().items()
            },
        )
    record.ran.update(how_it_ran(began, device))
    return record


def _network(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    pretrained: Path | None,
    seeds: TrialSeeds,
    *,
    num_examples: int,
    steps: int,
) -> Network:
    recipe = spec.recipe.over(spec.epochs)
    seed_all(seeds.initialization)
    model = build_model(spec.model, data.signature(recipe), data.num_classes, pretrained)
    return Network(
        model,
        recipe,
        spec.resolved,
        device,
        num_examples=num_examples,
        num_classes=data.num_classes,
        steps_per_epoch=steps,
    )


def _banks(
    spec: TrialSpec, data: Dataset, device: torch.device, images: Mapping[str, Values], seeds: TrialSeeds
) -> dict[str, TensorBank]:
    looked_at = {"train", *(probe.name for probe in spec.probes)}
    return {
        name: data.kind.bank(
            images[name] if name in images else split.packed(spec.recipe),
            spec.recipe,
            device,
            augment=name == "train",
            sharers=-(-spec.resolved.jobs // num_gpus(device)),
            seed=seeds.draw,
        )
        for name, split in data.splits.items()
        if name in looked_at
    }


def _observer(
    probe: Probe, spec: TrialSpec, data: Dataset, banks: Mapping[str, TensorBank], learned: TrainingSet
) -> AnyObserver:
    log = _log(probe, data.splits[probe.name], learned, spec.epochs)
    if _as_trained(probe):
        return StepObserver(log)
    return Observer(banks[probe.name], log, data.signature(spec.recipe), data.num_classes)


def _as_trained(probe: Probe) -> bool:
    return probe.name == "train" and probe.observe == "train"


def _log(probe: Probe, split: Dataset, learned: TrainingSet, epochs: int) -> ObservationLog:
    labels, trained_on = learned.labels, learned.trained_on
    if probe.name == "held_out":
        labels, trained_on = split.labels, np.zeros(len(split), np.bool_)
    keep = None
    if probe.keep_logits == "all":
        keep = np.ones(len(split), np.bool_)
    elif probe.keep_logits == "left_out":
        keep = ~trained_on
    return ObservationLog(
        split.ids,
        labels,
        split.num_classes,
        trained_on=trained_on,
        keep_logits=keep,
        epochs=probe.observed(epochs),
        augmented=_as_trained(probe),
    )
