"""Training one network: input, precision, optimizer, loop and observation."""

from easiness.training.device import (
    choose_precision,
    how_it_ran,
    num_gpus,
    own_device,
    resolve_device,
    seed_all,
    set_up,
)
from easiness.training.facts import NetworkFacts, Workload, network_facts
from easiness.training.loop import (
    Course,
    EpochReport,
    Keeper,
    Lane,
    Listener,
    Standing,
    TrainingSet,
    TrainingState,
    train,
    training_set,
)
from easiness.training.network import Network, find_classifier
from easiness.training.observer import AnyObserver, Observer, StepObserver
from easiness.training.stored_network import (
    FeatureReader,
    InputReader,
    TransformedExamples,
    open_network,
    threads_of,
)

__all__ = [
    "FeatureReader",
    "InputReader",
    "NetworkFacts",
    "TransformedExamples",
    "Workload",
    "choose_precision",
    "how_it_ran",
    "find_classifier",
    "network_facts",
    "num_gpus",
    "open_network",
    "own_device",
    "seed_all",
    "set_up",
    "threads_of",
    "AnyObserver",
    "Course",
    "EpochReport",
    "Keeper",
    "Lane",
    "Listener",
    "Network",
    "Observer",
    "Standing",
    "StepObserver",
    "TrainingSet",
    "TrainingState",
    "resolve_device",
    "train",
    "training_set",
]
