"""Labelled examples: images as one uint8 tensor, labels, class names, stable ids and a fingerprint."""

from easiness.data.dataset import Dataset
from easiness.data.load import load_dataset

__all__ = ["Dataset", "load_dataset"]
