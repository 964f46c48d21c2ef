"""Texts in files of their own, which are read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from easiness.data.sources.splits import Split
from easiness.errors import BadInput
from easiness.inputs import TEXT, Unreadable, from_texts, in_threads
from easiness.regular_file import UTF_8, read_regular

SUFFIXES = frozenset({".txt"})
MOST_BYTES = 2**26
"""Of one file: a longer text is more than anything reads at a time."""


def text_split(
    root: Path,
    name: str,
    where: str,
    ids: list[str],
    labels: list[int],
    encoding: str | None,
    skip_unreadable: bool,
) -> Split:
    """The texts in the files ``root / ids[i]``, as they are; where ``skip_unreadable`` says so, those that
    can be read.

    Raises:
        BadInput: a file cannot be read, is empty, or is in another encoding.
    """

    def read(file: str) -> str | Unreadable:
        try:
            return _read(root / file, encoding)
        except Unreadable as error:
            return error

    texts: list[str] = []
    kept: list[int] = []
    unreadable: list[Unreadable] = []
    for at, text in enumerate(in_threads(read, ids)):
        if isinstance(text, str):
            texts.append(text)
            kept.append(at)
        else:
            unreadable.append(text)
    left_out = tuple(ids[at] for at in sorted(set(range(len(ids))) - set(kept)))
    if unreadable and not skip_unreadable:
        raise Unreadable(unreadable[0].name, unreadable[0].reason, left_out[1:])
    paths = [str(root / ids[at]) for at in kept]
    if not paths:
        raise BadInput(f"{where}: no text in it can be read; give some that can")
    return Split(
        name=name,
        where=where,
        stored=from_texts(texts, where, paths.__getitem__),
        ids=np.array([ids[at] for at in kept], object),
        labels=np.array([labels[at] for at in kept], np.int64),
        name_at=paths.__getitem__,
        unreadable=left_out,
        kind=TEXT,
    )


def _read(path: Path, encoding: str | None) -> str:
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise Unreadable(str(path), f"the file cannot be read: {error.strerror}") from None
    try:
        text = content.decode(encoding or UTF_8)
    except UnicodeError as error:
        before = content[: getattr(error, "start", 0)]
        hint = "" if encoding else " (--encoding names its own, such as latin-1)"
        raise Unreadable(
            str(path), f"line {before.count(10) + 1} is not in {encoding or 'UTF-8'}{hint}"
        ) from None
    if not text.strip():
        raise Unreadable(str(path), "the text is empty")
    return text
