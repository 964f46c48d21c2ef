"""Training one network: input, precision, optimizer, loop and observation."""

from easiness.inputs import ImageBank, global_contrast_normalization
from easiness.training.auto.precision import (
    NetworkFacts,
    by_rule,
    cannot_train,
    network_facts,
    part_of_batch,
    resolve_device,
)
from easiness.training.auto.rehearsal import Speed, Workload, look_at, rehearsing, warm
from easiness.training.device import num_gpus, own_device, seed_all, set_up
from easiness.training.distances import InputReader
from easiness.training.features import FeatureReader
from easiness.training.inputs import Bank, make_bank
from easiness.training.loop import Course, EpochReport, Keeper, Lane, Listener, train
from easiness.training.network import Network
from easiness.training.observer import AnyObserver, Observer, StepObserver
from easiness.training.processor import device_name
from easiness.training.stacked_network import Together, can_train_together
from easiness.training.standing import Standing, TrainingState
from easiness.training.stored_network import TransformedImages, open_network, threads_of
from easiness.training.training_set import TrainingSet, training_set

__all__ = [
    "FeatureReader",
    "InputReader",
    "NetworkFacts",
    "Speed",
    "TransformedImages",
    "Workload",
    "by_rule",
    "can_train_together",
    "cannot_train",
    "device_name",
    "look_at",
    "network_facts",
    "num_gpus",
    "open_network",
    "own_device",
    "part_of_batch",
    "rehearsing",
    "seed_all",
    "set_up",
    "threads_of",
    "warm",
    "AnyObserver",
    "Bank",
    "Course",
    "EpochReport",
    "ImageBank",
    "Keeper",
    "Lane",
    "Listener",
    "Network",
    "Observer",
    "Standing",
    "StepObserver",
    "Together",
    "TrainingSet",
    "TrainingState",
    "global_contrast_normalization",
    "make_bank",
    "resolve_device",
    "train",
    "training_set",
]
