"""Training one network: input, precision, optimizer, loop and observation."""

from easiness.training.auto.precision import resolve_device
from easiness.training.inputs import Bank, make_bank
from easiness.training.loop import Course, EpochReport, Lane, Listener, train
from easiness.training.network import Network
from easiness.training.normalize import global_contrast_normalization
from easiness.training.observer import AnyObserver, Observer, StepObserver
from easiness.training.stacked_network import Together
from easiness.training.tensor_input import ImageBank
from easiness.training.training_set import TrainingSet, training_set

__all__ = [
    "AnyObserver",
    "Bank",
    "Course",
    "EpochReport",
    "ImageBank",
    "Lane",
    "Listener",
    "Network",
    "Observer",
    "StepObserver",
    "Together",
    "TrainingSet",
    "global_contrast_normalization",
    "make_bank",
    "resolve_device",
    "train",
    "training_set",
]
