"""Labelled examples: images, labels, class names, stable ids and a fingerprint."""

from easiness.data.dataset import Dataset
from easiness.data.load import load_dataset
from easiness.data.working.images import WorkingImages, working_images
from easiness.data.working.photos import Photos

__all__ = ["Dataset", "Photos", "WorkingImages", "load_dataset", "working_images"]
