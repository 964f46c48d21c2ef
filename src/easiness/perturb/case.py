"""Case: words of a text in the other case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from easiness.errors import BadInput
from easiness.perturb.by_id import check_seed, random_bits
from easiness.perturb.kind import Ids, Kind
from easiness.perturb.texts import changed_words


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
        """The texts with some words in the other case; ``ids`` are integers or texts, one per text.

        Raises:
            BadInput: there are no ids, or they are something else.
        """
        if self.share == 0:
            return list(texts)
        return changed_words(texts, ids, "case", self._some)

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
