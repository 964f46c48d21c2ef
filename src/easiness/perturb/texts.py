"""Texts as perturbations take and give them, and the words in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from easiness.errors import BadInput
from easiness.perturb.by_id import plain_ids
from easiness.perturb.kind import Ids

Change = Callable[[list[str], object], list[str]]
"""Makes of the words of a text, and the example's id, as many words."""

_WORD = re.compile(r"\w+(?:(?:['’.-]|(?<=\d),(?=\d))\w+)*")


def changed_words(texts: Sequence[str], ids: Ids | None, what: str, change: Change) -> list[str]:
    """Texts with other words in the places of their words; what stands between stays where it is.

    A word is a run of letters and digits, with the apostrophes, hyphens and points in it: ``don't``, ``U.S``,
    ``1,000``. Where a script has no spaces between words, a run of its letters counts as one.

    Args:
        texts: to change.
        ids: one per text.
        what: the perturbation, as errors call it.
        change: makes the words.

    Raises:
        BadInput: there are no ids, or not as many as texts.
    """
    named = list(plain_ids(ids, f"{what}: needs ids, one per text; what it draws comes from them"))
    if len(named) != len(texts):
        raise BadInput(f"{len(named)} ids for {len(texts)} texts: give one id per text")
    return [_changed(text, example, change) for text, example in zip(texts, named, strict=True)]


def _changed(text: str, example: object, change: Change) -> str:
    between, words = _WORD.split(text), _WORD.findall(text)
    made = iter(change(words, example))
    return between[0] + "".join(next(made) + part for part in between[1:])
