"""Texts in files of their own, which are read whole."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from easiness.errors import BadInput
from easiness.inputs import Positions, StoredTexts, Unreadable, from_texts, in_threads
from easiness.regular_file import UTF_8, read_regular

SUFFIXES = frozenset({".txt"})
MOST_BYTES = 2**26
"""Of one file: a longer text is more than anything reads at a time."""


class TextFiles:
    """The texts in the files ``root / files[i]``, as they are."""

    def __init__(self, root: Path, files: Sequence[str], encoding: str | None) -> None:
        self._root = root
        self._files = files
        self._encoding = encoding

    def name(self, position: int) -> str:
        """The path of a file."""
        return str(self._root / self._files[position])

    def unreadable(self) -> Positions:
        """Positions of files that cannot be read, are empty, or are in another encoding."""
        return np.array([at for at, one in enumerate(self._texts) if isinstance(one, Unreadable)], np.int64)

    def stored(self, kept: Positions) -> StoredTexts:
        """The texts at some positions."""
        texts = [self._texts[at] for at in kept.tolist()]
        if not texts:
            raise BadInput(f"{self._root}: no text in it can be read; give some that can")
        bad = [
            (one, self._files[at])
            for one, at in zip(texts, kept.tolist(), strict=True)
            if isinstance(one, Unreadable)
        ]
        if bad:
            raise Unreadable(bad[0][0].name, bad[0][0].reason, [name for _, name in bad[1:]])
        return from_texts(texts, str(self._root), lambda at: self.name(int(kept[at])))

    @cached_property
    def _texts(self) -> list[str | Unreadable]:
        return list(in_threads(self._read, self._files))

    def _read(self, file: str) -> str | Unreadable:
        path = self._root / file
        try:
            content = read_regular(path, MOST_BYTES)
            text = content.decode(self._encoding or UTF_8)
        except OSError as error:
            return Unreadable(str(path), f"the file cannot be read: {error.strerror}")
        except UnicodeError as error:
            line = content[: getattr(error, "start", 0)].count(10) + 1
            hint = "" if self._encoding else " (--encoding names its own, such as latin-1)"
            return Unreadable(str(path), f"line {line} is not in {self._encoding or 'UTF-8'}{hint}")
        return text if text.strip() else Unreadable(str(path), "the text is empty")
