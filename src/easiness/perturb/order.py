"""Order: the words of a text in random order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from easiness.errors import BadInput
from easiness.perturb.by_id import check_seed, random_bits
from easiness.perturb.kind import Ids, Kind
from easiness.perturb.texts import changed_words

WHOLE = 0
"""The window that is the whole text."""


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
        """The texts with their words in other order; ``ids`` are integers or texts, one per text.

        Raises:
            BadInput: there are no ids, or they are something else.
        """
        if self.window == 1:
            return list(texts)
        return changed_words(texts, ids, "order", self._shuffled)

    def _shuffled(self, words: list[str], example: object) -> list[str]:
        keys = random_bits(example, self.seed, len(words)).tolist()
        window = int(self.window) or max(1, len(words))
        places = sorted(range(len(words)), key=lambda at: (at // window, keys[at], at))
        return [words[at] for at in places]


def _strength(level: float) -> float:
    return math.inf if level == WHOLE else level


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
    strength=_strength,
)
