"""The images of a run, decoded before anything is measured or trained: an unreadable one shows at once."""

from __future__ import annotations

import shutil
from collections import deque
from functools import partial
from pathlib import Path
from typing import TypeAlias

from easiness.errors import BadInput
from easiness.inputs import DecodedPhotos, Values, counted
from easiness.runs.cost import cached_bytes
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.show import size_text

ReadyImages: TypeAlias = dict[str, Values]
"""Images by the name of their split."""


def ready_images(plan: Plan, cache: Path | None, out: Path, progress: Progress) -> ReadyImages:
    """The images that a run in ``out`` takes, every one of them decoded once.

    Photos are put into the folder ``cache``, or held in memory without one. Those that do not fit are only
    checked, unless that was done when the data were loaded (``skip_unreadable``).

    Raises:
        BadInput: an image is unreadable, or there is no room for the photos.
        RunFailed: the cache cannot be written.
    """
    check_room(plan, cache, out)
    images: ReadyImages = {}
    for name, split in plan.data.splits.items():
        tell = partial(progress.cached, split.split, total=len(split))
        images[name] = split.packed(plan.recipe, cache, tell)
        if isinstance(images[name], DecodedPhotos) and not plan.data.load_options.skip_unreadable:
            decoded = counted(split.stored.map(lambda _: None), "checking images", len(split))
            deque(decoded, maxlen=0)
    return images


def check_room(plan: Plan, cache: Path | None, out: Path) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        BadInput: the photos to be cached need more than is free.
    """
    needed = cached_bytes(plan.data, plan.recipe, cache)
    place = next(folder for folder in out.absolute().parents if folder.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise BadInput(
            f"{out}: the cached photos need about {size_text(needed)} and {size_text(free)} are "
            "free; make room, use --limit, or --cache off"
        )
