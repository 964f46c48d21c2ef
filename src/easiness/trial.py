"""``run_trial(spec, data, device) -> TrialRecord``: a training, observed as it goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from easiness.data import Dataset
from easiness.inputs import TensorBank, Values
from easiness.lazy import Floats
from easiness.models import build_model
from easiness.records import TrialRecord
from easiness.spec import Probe, TrialSeeds, TrialSpec, examples_of_epoch, trial_seeds
from easiness.training import (
    AnyObserver,
    Course,
    Keeper,
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
    ranking: Floats | None = None,
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
    recipe = spec.recipe
    with set_up(device, spec.resolved.threads):
        seeds = trial_seeds(spec.seed, spec.index)
        training = training_set(data.labels, data.num_classes, spec.train_share, spec.draw, ranking, seeds)
        positions = torch.from_numpy(np.flatnonzero(training.trained_on))
        targets = training.labels if data.tags is None else data.targets
        labels = torch.from_numpy(targets).to(device)
        steps = recipe.steps_per_epoch(examples_of_epoch(spec, len(data), len(positions)))
        seed_all(seeds.initialization)
        network = Network(
            build_model(spec.model, data.signature(recipe.over(spec.epochs)), data.num_outputs, pretrained),
            recipe.over(spec.epochs),
            spec.resolved,
            device,
            num_examples=len(positions),
            num_classes=data.num_outputs,
            steps_per_epoch=steps,
        )
        banks = _banks(spec, data, device, images or {}, seeds)
        observers: dict[str, AnyObserver] = {
            probe.name: _observer(probe, spec, data, banks, training) for probe in spec.probes
        }
        course = Course(spec.index, positions, labels, seeds, spec.epochs, steps, recipe.batch_size)
        losses = train(network, banks["train"], course, observers, listener or Listener(), keeper)
        weights = network.weights()
        record = TrialRecord(
            probes={name: observer.log.observations() for name, observer in observers.items()},
            train_loss=losses,
            weights={name: value.detach().cpu().contiguous().numpy() for name, value in weights.items()},
        )
    record.ran.update(how_it_ran(began, device))
    return record


def _banks(
    spec: TrialSpec, data: Dataset, device: torch.device, images: Mapping[str, Values], seeds: TrialSeeds
) -> dict[str, TensorBank]:
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
        if name in {"train", *(probe.name for probe in spec.probes)}
    }


def _observer(
    probe: Probe, spec: TrialSpec, data: Dataset, banks: Mapping[str, TensorBank], training: TrainingSet
) -> AnyObserver:
    split, trained_on = data.splits[probe.name], training.trained_on
    questions = split.questions
    if probe.name == "held_out":
        trained_on = np.zeros(len(split), np.bool_)
    elif data.tags is None:
        questions = replace(questions, labels=training.labels)
    as_trained = probe.name == "train" and probe.observe == "train"
    keep = {"none": None, "all": np.ones(len(split), np.bool_), "left_out": ~trained_on}
    log = questions.log(
        split.num_classes,
        trained_on=trained_on,
        keep_logits=keep[probe.keep_logits],
        epochs=probe.observed(spec.epochs),
        augmented=as_trained,
    )
    if as_trained:
        return StepObserver(log)
    return Observer(banks[probe.name], log, data.signature(spec.recipe), data.num_outputs)
