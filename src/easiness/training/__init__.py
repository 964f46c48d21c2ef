"""Training one network: input, precision, optimizer, loop and observation."""

from easiness.training.images import ImageBank, global_contrast_normalization
from easiness.training.loop import EpochReport, Observer, train
from easiness.training.network import Network
from easiness.training.resolve import Precision, resolve, resolve_device

__all__ = [
    "EpochReport",
    "ImageBank",
    "Network",
    "Observer",
    "Precision",
    "global_contrast_normalization",
    "resolve",
    "resolve_device",
    "train",
]
