"""``run_trial(spec, data, device) -> TrialRecord``: one training, observed after every epoch."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from easiness.data import Dataset, WorkingImages, working_images
from easiness.models import build_model
from easiness.record import ObservationLog, TrialRecord
from easiness.spec import Probe, TrialSpec, trial_seeds
from easiness.training import EpochReport, Network, Observer, TrainingSet, make_bank, train, training_set


def _ignore(_: object) -> None:
    pass


def run_trial(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    *,
    images: Mapping[str, WorkingImages] | None = None,
    ranking: npt.NDArray[np.float64] | None = None,
    on_epoch: Callable[[EpochReport], None] = _ignore,
    on_images: Callable[[int], None] = _ignore,
    pretrained: Path | None = None,
) -> TrialRecord:
    """Train and observe as ``spec`` says; on a CPU the record depends on the spec and ``data`` alone.

    The caller's torch random state and number of threads are left as they were.

    Args:
        spec: what to do.
        data: the examples that ``spec.data`` describes.
        device: where to train.
        images: working images by split (``train``, ``held_out``); without them they are made anew.
        ranking: the values [K] whose digest is ``spec.draw.ranking``.
        on_epoch: called after each epoch.
        on_images: called after each batch with how many images went through the network.
        pretrained: the file of weights whose digest is ``spec.pretrained``.

    Raises:
        TrialFailed: the loss or a logit stopped being finite.
    """
    began = time.perf_counter()
    threads = torch.get_num_threads()
    torch.set_num_threads(spec.resolved.threads)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            record = _run(spec, data, device, images or {}, ranking, on_epoch, on_images, pretrained)
    finally:
        torch.set_num_threads(threads)
    record.ran.update(
        seconds=round(time.perf_counter() - began, 3),
        device=str(device),
        torch=str(torch.__version__),
        machine=platform.machine(),
    )
    return record


def _run(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    images: Mapping[str, WorkingImages],
    ranking: npt.NDArray[np.float64] | None,
    on_epoch: Callable[[EpochReport], None],
    on_images: Callable[[int], None],
    pretrained: Path | None,
) -> TrialRecord:
    assert (spec.pretrained is None) == (pretrained is None)
    seeds = trial_seeds(spec.seed, spec.index)
    learned = training_set(data.labels, data.num_classes, spec.train_share, spec.draw, ranking, seeds)
    positions = torch.from_numpy(np.flatnonzero(learned.trained_on))
    recipe = spec.recipe
    steps = recipe.steps_per_epoch(len(data) if spec.same_steps else len(positions))
    shape = data.input_shape(recipe)

    torch.manual_seed(seeds.initialization)
    network = Network(
        build_model(spec.model, shape, data.num_classes, pretrained),
        recipe,
        spec.resolved,
        device,
        num_examples=len(positions),
        num_classes=data.num_classes,
        steps_per_epoch=steps,
    )
    splits = data.splits
    banks = {
        name: make_bank(
            images[name] if name in images else working_images(split, recipe),
            recipe,
            device,
            augment=name == "train",
        )
        for name, split in splits.items()
        if name == "train" or name in {probe.name for probe in spec.probes}
    }
    observers: dict[str, Observer] = {
        probe.name: Observer(
            banks[probe.name], _log(probe, splits[probe.name], learned), shape, data.num_classes
        )
        for probe in spec.probes
    }

    losses = train(
        network,
        banks["train"],
        torch.from_numpy(learned.labels).to(device),
        positions,
        recipe,
        seeds,
        observers,
        trial=spec.index,
        epochs=spec.epochs,
        steps_per_epoch=steps,
        on_epoch=on_epoch,
        on_images=on_images,
    )
    weights = {
        name: value.detach().cpu().contiguous().numpy() for name, value in network.model.state_dict().items()
    }
    return TrialRecord(
        probes={name: observer.log.observations() for name, observer in observers.items()},
        train_loss=losses,
        weights=weights,
    )


def _log(probe: Probe, split: Dataset, learned: TrainingSet) -> ObservationLog:
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
    )
