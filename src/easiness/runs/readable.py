"""Whether the examples can be read, and all at once that cannot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from easiness.data import Dataset
from easiness.inputs import Unreadable, counted

LOOKED_FOR = 20.0
"""Seconds for which a dry run looks at examples."""


@contextmanager
def naming_unreadable(data: Dataset) -> Iterator[None]:
    """Within the block an error of one unreadable example becomes one of all, which are then looked for."""
    try:
        yield
    except Unreadable as error:
        others = [name for split in data.splits.values() for name in _unreadable(split, error.name)]
        raise Unreadable(error.name, error.reason, others) from None


def check_readable(data: Dataset, seconds: float = LOOKED_FOR) -> str:
    """Read the examples for so many seconds, unless that was done when they were loaded.

    The answer says how many were not looked at; it is empty where none were not.
    """
    splits = [split for split in data.splits.values() if hasattr(split.stored, "unreadable")]
    if data.load_options.skip_unreadable or not splits:
        return ""
    end, looked, total = time.monotonic() + seconds, 0, sum(map(len, splits))
    what = f"checking {data.kind.nouns}"
    with naming_unreadable(data):
        for split in splits:
            for _ in counted(split.stored.map(lambda _: None), what, total, looked):
                looked += 1
                if looked < total and time.monotonic() > end:
                    return (
                        f"{looked:,} of {total:,} {data.kind.nouns} were looked at; whether the others can "
                        "be read is seen before the training begins"
                    )
    return ""


def _unreadable(split: Dataset, known: str) -> Iterator[str]:
    """Names of the examples of a split that cannot be read, but for the one that is ``known``."""
    stored, by_path = split.stored, split.ids.dtype == object
    for at in stored.unreadable() if hasattr(stored, "unreadable") else ():
        if stored.name(at) != known:
            yield str(split.ids[at]) if by_path else stored.name(at)
