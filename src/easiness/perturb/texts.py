"""Transforms of texts: the order of their words, and the case."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from easiness.errors import BadInput
from easiness.perturb.kind import Ids, Kind, check_seed, plain_ids, random_bits

WHOLE = 0
"""The window that is the whole text."""

_Change = Callable[[list[str], object], list[str]]
"""Makes of the words of a text, and the example's id, as many words."""

_WORD = re.compile(r"\w+(?:(?:['’.-]|(?<=\d),(?=\d))\w+)*")


@dataclass(frozen=True)
class Order:
    """Words in random order within windows of ``window`` words (after Pham et al. 2021, who shuffle all).

    Windows lie side by side from the first word on; the last may be shorter. Punctuation and spaces stay
    where they are, and every word is kept. A window of 1 changes nothing, and 0 is the whole text. The order
    depends on the example's id and the ``seed`` alone, and may by chance be the one that was.

    Raises:
        BadInput: the window is no whole number, or it or the seed is negative.
    """

    window: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.window < math.inf or self.window % 1:
            raise BadInput(
                f"order window {self.window:g}: no whole number of words from 0; 1 changes nothing and 0 "
                "shuffles the whole text"
            )
        check_seed("order", self.seed)

    def __call__(self, texts: Sequence[str], *, ids: Ids | None = None) -> list[str]:
        """The texts with their words in other order; ``ids`` are integers or texts, one per text."""
        if self.window == 1:
            return list(texts)
        return _changed_words(texts, ids, "order", self._shuffled)

    def _shuffled(self, words: list[str], example: object) -> list[str]:
        keys = random_bits(example, self.seed, len(words)).tolist()
        window = int(self.window) or max(1, len(words))
        places = sorted(range(len(words)), key=lambda at: (at // window, keys[at], at))
        return [words[at] for at in places]


ORDER = Kind(
    "order",
    Order,
    (1, 2, 4, 8, WHOLE),
    neutral=1,
    label="window (words; 0: all)",
    seeded=True,
    clamped=False,
    digest="79687c096bd2ac42e8c249fc7cc39950d555dc70811a8fd6c488e81f3b2d7573",
    kinds=("text",),
    strength=lambda level: math.inf if level == WHOLE else level,
)


@dataclass(frozen=True)
class Case:
    """A ``share`` of the words of a text in the other case: lower case in capitals, all others in lower case.

    Of n words that have cases round(share * n) are changed, drawn by the example's id and the ``seed`` alone;
    those of a smaller share are among those of a larger one. A word stays as it is where its letters would
    not be the same without case, as the Turkish dotless i. 0 changes nothing. Networks that read words in
    lower case see no difference.

    Raises:
        BadInput: the share is outside [0, 1], or the seed is negative.
    """

    share: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise BadInput(f"case share {self.share}: not in [0, 1]; it is a share of words, 0 changes none")
        check_seed("case", self.seed)

    def __call__(self, texts: Sequence[str], *, ids: Ids | None = None) -> list[str]:
        """The texts with some words in the other case; ``ids`` are integers or texts, one per text."""
        if self.share == 0:
            return list(texts)
        return _changed_words(texts, ids, "case", self._some)

    def _some(self, words: list[str], example: object) -> list[str]:
        others = [_other_case(word) for word in words]
        able = [at for at, word in enumerate(words) if others[at] != word]
        keys = random_bits(example, self.seed, len(words)).tolist()
        first = sorted(able, key=lambda at: (keys[at], at))[: round(self.share * len(able))]
        chosen = set(first)
        return [others[at] if at in chosen else word for at, word in enumerate(words)]


def _other_case(word: str) -> str:
    other = word.upper() if word == word.lower() else word.lower()
    return other if other.casefold() == word.casefold() else word


CASE = Kind(
    "case",
    Case,
    (0, 0.25, 0.5, 1),
    neutral=0,
    label="share of words",
    seeded=True,
    clamped=False,
    digest="5f2e8c6682d6bbb1f1d6f85df3b7151426a06e7e52e80846684acb6e41455fee",
    kinds=("text",),
)


def _changed_words(texts: Sequence[str], ids: Ids | None, what: str, change: _Change) -> list[str]:
    """Texts with other words in the places of their words; what stands between stays where it is.

    A word is a run of letters and digits, with the apostrophes, hyphens and points in it: ``don't``, ``U.S``,
    ``1,000``. Where a script has no spaces between words, a run of its letters counts as one.
    """
    named = list(plain_ids(ids, f"{what}: needs ids, one per text; what it draws comes from them"))
    if len(named) != len(texts):
        raise BadInput(f"{len(named)} ids for {len(texts)} texts: give one id per text")
    return [_changed(text, example, change) for text, example in zip(texts, named, strict=True)]


def _changed(text: str, example: object, change: _Change) -> str:
    between, words = _WORD.split(text), _WORD.findall(text)
    made = iter(change(words, example))
    return between[0] + "".join(next(made) + part for part in between[1:])
