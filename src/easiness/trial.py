"""``run_trial(spec, data, device) -> TrialRecord``: a training, observed as it goes on; or several."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from easiness.data import Dataset, WorkingImages, working_images
from easiness.errors import TrialFailed
from easiness.models import build_model
from easiness.record import ObservationLog, TrialRecord
from easiness.spec import Probe, TrialSeeds, TrialSpec, trial_seeds
from easiness.training import (
    AnyObserver,
    EpochReport,
    Lane,
    Network,
    Observer,
    StepObserver,
    Together,
    TrainingSet,
    make_bank,
    train,
    training_set,
)
from easiness.training.device import num_gpus, set_up


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
        on_epoch=on_epoch,
        on_images=on_images,
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
    on_epoch: Callable[[EpochReport], None] = lambda _: None,
    on_images: Callable[[int], None] = lambda _: None,
    pretrained: Path | None = None,
) -> list[TrialRecord | TrialFailed]:
    """Train the trials side by side, each on its own order, draws and weights; a record or failure of each.

    The ``specs`` differ in their index alone. On a CPU the records depend on all of them and on ``data``
    alone: a trial's is that of `run_trial` to rounding, and bit by bit so where it is the only one.
    Everything else is as for `run_trial`.

    Raises:
        BadInput: there are several and the network cannot be trained side by side with others.
    """
    began = time.perf_counter()
    with set_up(device, specs[0].resolved.threads):
        results = _run(specs, data, device, images or {}, ranking, on_epoch, on_images, pretrained)
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


def _run(
    specs: Sequence[TrialSpec],
    data: Dataset,
    device: torch.device,
    images: Mapping[str, WorkingImages],
    ranking: npt.NDArray[np.float64] | None,
    on_epoch: Callable[[EpochReport], None],
    on_images: Callable[[int], None],
    pretrained: Path | None,
) -> list[TrialRecord | TrialFailed]:
    spec = specs[0]
    assert all(one.model_copy(update={"index": spec.index}) == spec for one in specs)
    assert (spec.pretrained is None) == (pretrained is None)
    seeds = [trial_seeds(one.seed, one.index) for one in specs]
    learned = [
        training_set(data.labels, data.num_classes, spec.train_share, spec.draw, ranking, of_one)
        for of_one in seeds
    ]
    lanes = [
        _lane(one, part, of_one, device) for one, part, of_one in zip(specs, learned, seeds, strict=True)
    ]
    num_examples = len(lanes[0].trained_on)
    recipe = spec.recipe.over(spec.epochs)
    steps = recipe.steps_per_epoch(len(data) if spec.same_steps else num_examples)
    shape = data.input_shape(recipe)

    models = [_model(spec, shape, data.num_classes, pretrained, of_one) for of_one in seeds]
    settings = {"num_examples": num_examples, "num_classes": data.num_classes, "steps_per_epoch": steps}
    network: Network | Together
    if len(models) == 1:
        network = Network(models[0], recipe, spec.resolved, device, **settings)
    else:
        network = Together(models, recipe, spec.resolved, device, **settings)
    splits = data.splits
    banks = {
        name: make_bank(
            images[name] if name in images else working_images(split, recipe),
            recipe,
            device,
            augment=name == "train",
            sharers=-(-spec.resolved.jobs // num_gpus(device)),
        )
        for name, split in splits.items()
        if name == "train" or name in {probe.name for probe in spec.probes}
    }
    observers: dict[str, AnyObserver] = {}
    for probe in spec.probes:
        logs = [_log(probe, splits[probe.name], part, spec.epochs) for part in learned]
        if _as_trained(probe):
            observers[probe.name] = StepObserver(logs, data.num_classes)
        else:
            observers[probe.name] = Observer(banks[probe.name], logs, shape, data.num_classes)

    trained = train(
        network,
        banks["train"],
        lanes,
        recipe,
        observers,
        epochs=spec.epochs,
        steps_per_epoch=steps,
        graphed=spec.resolved.graphed,
        on_epoch=on_epoch,
        on_images=on_images,
    )
    return [
        losses
        if isinstance(losses, TrialFailed)
        else TrialRecord(
            probes={name: observer.logs[at].observations() for name, observer in observers.items()},
            train_loss=losses,
            weights={name: _array(value) for name, value in network.weights(at).items()},
        )
        for at, losses in enumerate(trained)
    ]


def _lane(spec: TrialSpec, learned: TrainingSet, seeds: TrialSeeds, device: torch.device) -> Lane:
    positions = torch.from_numpy(np.flatnonzero(learned.trained_on))
    return Lane(spec.index, positions, torch.from_numpy(learned.labels).to(device), seeds)


def _model(
    spec: TrialSpec,
    shape: tuple[int, int, int],
    num_classes: int,
    pretrained: Path | None,
    seeds: TrialSeeds,
) -> nn.Module:
    torch.manual_seed(seeds.initialization)
    return build_model(spec.model, shape, num_classes, pretrained)


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
