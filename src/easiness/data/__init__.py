"""Labelled examples: images, labels, class names, stable ids and a fingerprint."""

from easiness.data.checks import check_examples
from easiness.data.dataset import Dataset
from easiness.data.holdout import hold_out, merge_splits
from easiness.data.load import load_dataset, part_of
from easiness.data.picture_digests import DIGEST_BYTES, picture_digest, picture_digests
from easiness.data.relabelling import DROP, KEEP, RELABEL
from easiness.data.sources.file_facts import cache_folder
from easiness.data.working.images import WorkingImages, working_images
from easiness.data.working.sent_images import SentImages
from easiness.data.working.shared_images import SharedImages, share_images
from easiness.inputs import (
    DamagedCache,
    DecodedPhotos,
    HeldPhotos,
    Photos,
    Pixels,
    available_memory,
    average_blocks,
    cache_path,
    counted,
    fits,
    opened_cache,
    reading,
    reduce,
    tell,
    uncached_photos,
)

__all__ = [
    "DIGEST_BYTES",
    "DecodedPhotos",
    "DROP",
    "DamagedCache",
    "KEEP",
    "RELABEL",
    "HeldPhotos",
    "Pixels",
    "SentImages",
    "SharedImages",
    "available_memory",
    "average_blocks",
    "cache_folder",
    "cache_path",
    "check_examples",
    "counted",
    "fits",
    "hold_out",
    "merge_splits",
    "opened_cache",
    "part_of",
    "picture_digest",
    "picture_digests",
    "reading",
    "reduce",
    "share_images",
    "tell",
    "uncached_photos",
    "Dataset",
    "Photos",
    "WorkingImages",
    "load_dataset",
    "working_images",
]
