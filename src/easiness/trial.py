"""``run_trial(spec, data, device) -> TrialRecord``: a training, observed as it goes on; or several."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from easiness.data import Dataset, WorkingImages, working_images
from easiness.errors import TrialFailed
from easiness.models import build_model
from easiness.record import ObservationLog, TrialRecord
from easiness.spec import Probe, TrialSeeds, TrialSpec, trial_seeds
from easiness.training import (
    AnyObserver,
    Bank,
    Course,
    EpochReport,
    Keeper,
    Lane,
    Listener,
    Network,
    Observer,
    StepObserver,
    Together,
    TrainingSet,
    make_bank,
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
    images: Mapping[str, WorkingImages] | None = None,
    ranking: npt.NDArray[np.float64] | None = None,
    on_epoch: Callable[[EpochReport], None] = lambda _: None,
    on_images: Callable[[int], None] = lambda _: None,
    pretrained: Path | None = None,
) -> TrialRecord:
    """Train and observe as ``spec`` says; on a CPU the record depends on the spec and ``data`` alone.

    The caller's torch random state and number of threads are left as they were; see `set_up` for the rest.

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
    (result,) = run_trials(
        [spec],
        data,
        device,
        images=images,
        ranking=ranking,
        listener=Listener(on_epoch, on_images),
        pretrained=pretrained,
    )
    if isinstance(result, TrialFailed):
        raise result
    return result


def run_trials(
    specs: Sequence[TrialSpec],
    data: Dataset,
    device: torch.device,
    *,
    images: Mapping[str, WorkingImages] | None = None,
    ranking: npt.NDArray[np.float64] | None = None,
    listener: Listener | None = None,
    keeper: Keeper | None = None,
    pretrained: Path | None = None,
) -> list[TrialRecord | TrialFailed]:
    """Train the trials side by side, each on its own order, draws and weights; a record or failure of each.

    The ``specs`` differ in their index alone. On a CPU the records depend on all of them and on ``data``
    alone: a trial's is that of `run_trial` to rounding, and bit by bit so where it is the only one.
    Everything else is as for `run_trial`, but that ``listener`` hears of epochs and images. Where ``keeper``
    has kept a part of this training, it goes on from there, and the records are the same.

    Raises:
        BadInput: there are several and the network cannot be trained side by side with others.
    """
    began = time.perf_counter()
    with set_up(device, specs[0].resolved.threads):
        results = _run(
            specs,
            data,
            device,
            _Inputs(images or {}, ranking, pretrained),
            listener or Listener(),
            keeper,
        )
    seconds = (time.perf_counter() - began) / len(specs)
    for result in results:
        if isinstance(result, TrialRecord):
            result.ran.update(
                seconds=round(seconds, 3),
                device=str(device),
                torch=str(torch.__version__),
                machine=platform.machine(),
            )
    return results


@dataclass(frozen=True)
class _Inputs:
    """What trials are trained on beside the data; see `run_trial`."""

    images: Mapping[str, WorkingImages]
    ranking: npt.NDArray[np.float64] | None
    pretrained: Path | None


def _run(
    specs: Sequence[TrialSpec],
    data: Dataset,
    device: torch.device,
    inputs: _Inputs,
    listener: Listener,
    keeper: Keeper | None,
) -> list[TrialRecord | TrialFailed]:
    spec = specs[0]
    assert all(one.model_copy(update={"index": spec.index}) == spec for one in specs)
    assert (spec.pretrained is None) == (inputs.pretrained is None)
    seeds = [trial_seeds(one.seed, one.index) for one in specs]
    learned = [_learned(spec, data, inputs.ranking, of_one) for of_one in seeds]
    lanes = [
        _lane(one, part, of_one, device) for one, part, of_one in zip(specs, learned, seeds, strict=True)
    ]
    course = _course(spec, len(data) if spec.same_steps else len(lanes[0].trained_on))
    network = _network(spec, data, device, inputs.pretrained, seeds, lanes, course)
    banks = _banks(spec, data, device, inputs.images)
    observers: dict[str, AnyObserver] = {
        probe.name: _observer(probe, spec, data, banks, learned) for probe in spec.probes
    }
    trained = train(network, banks["train"], lanes, observers, course, listener, keeper)
    return [
        losses if isinstance(losses, TrialFailed) else _record(network, observers, at, losses)
        for at, losses in enumerate(trained)
    ]


def _learned(
    spec: TrialSpec, data: Dataset, ranking: npt.NDArray[np.float64] | None, seeds: TrialSeeds
) -> TrainingSet:
    return training_set(data.labels, data.num_classes, spec.train_share, spec.draw, ranking, seeds)


def _lane(spec: TrialSpec, learned: TrainingSet, seeds: TrialSeeds, device: torch.device) -> Lane:
    positions = torch.from_numpy(np.flatnonzero(learned.trained_on))
    return Lane(spec.index, positions, torch.from_numpy(learned.labels).to(device), seeds)


def _course(spec: TrialSpec, num_examples: int) -> Course:
    """Of as many steps an epoch as so many examples take."""
    recipe = spec.recipe
    steps = recipe.steps_per_epoch(num_examples)
    return Course(spec.epochs, steps, recipe.batch_size, spec.resolved.graphed)


def _network(
    spec: TrialSpec,
    data: Dataset,
    device: torch.device,
    pretrained: Path | None,
    seeds: Sequence[TrialSeeds],
    lanes: Sequence[Lane],
    course: Course,
) -> Network | Together:
    """One trial, or several side by side, each with weights of its own."""
    recipe = spec.recipe.over(spec.epochs)
    models = []
    for of_one in seeds:
        seed_all(of_one.initialization)
        models.append(build_model(spec.model, data.input_shape(recipe), data.num_classes, pretrained))
    size = {"num_examples": len(lanes[0].trained_on), "num_classes": data.num_classes}
    size["steps_per_epoch"] = course.steps_per_epoch
    if len(models) == 1:
        return Network(models[0], recipe, spec.resolved, device, **size)
    return Together(models, recipe, spec.resolved, device, **size)


def _banks(
    spec: TrialSpec, data: Dataset, device: torch.device, images: Mapping[str, WorkingImages]
) -> dict[str, Bank]:
    """The images of the training split, and of the others that are looked at."""
    looked_at = {"train", *(probe.name for probe in spec.probes)}
    return {
        name: make_bank(
            images[name] if name in images else working_images(split, spec.recipe),
            spec.recipe,
            device,
            augment=name == "train",
            sharers=-(-spec.resolved.jobs // num_gpus(device)),
        )
        for name, split in data.splits.items()
        if name in looked_at
    }


def _observer(
    probe: Probe,
    spec: TrialSpec,
    data: Dataset,
    banks: Mapping[str, Bank],
    learned: Sequence[TrainingSet],
) -> AnyObserver:
    logs = [_log(probe, data.splits[probe.name], part, spec.epochs) for part in learned]
    if _as_trained(probe):
        return StepObserver(logs, data.num_classes)
    return Observer(banks[probe.name], logs, data.input_shape(spec.recipe), data.num_classes)


def _record(
    network: Network | Together, observers: Mapping[str, AnyObserver], at: int, losses: list[float]
) -> TrialRecord:
    """Of the trial at a place among those that trained side by side."""
    return TrialRecord(
        probes={name: observer.logs[at].observations() for name, observer in observers.items()},
        train_loss=losses,
        weights={name: _array(value) for name, value in network.weights(at).items()},
    )


def _array(value: Tensor) -> npt.NDArray[np.generic]:
    array: npt.NDArray[np.generic] = value.detach().cpu().contiguous().numpy()
    return array


def _as_trained(probe: Probe) -> bool:
    """Is the probe what training computes anyway?"""
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
