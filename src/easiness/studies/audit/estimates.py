"""The numbers of an audit: how many labels are wrong, in all and in parts of the list of suspects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import (
    chance_of_a_look,
    chance_within,
    most_wrong,
    most_wrong_in_sequence,
    wrong_in_strata,
)
from easiness.studies.audit.drawing import CONFIDENCE, looks_needed
from easiness.studies.audit.reading import Answers

_TWO_SIDED = (1 + CONFIDENCE) / 2
_CUTS = (100, 1_000, 10_000)

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """Of ``num`` labels ``wrong`` are, ``low`` to ``high`` with 95 % confidence, or ``None``.

    ``looked_at`` were drawn and seen, and ``wrong_seen`` of them are. ``wrong`` is ``None`` where nobody was
    sure of any.
    """

    part: str
    num: int
    looked_at: int
    wrong_seen: int
    wrong: float | None
    low: int | None
    high: int | None


@dataclass(frozen=True, eq=False)
class Estimates:
    """What the ``answers`` of an audit say of ``num_examples`` labels.

    ``rank`` [num_examples] is the place of each in the list of suspects, from 0, or ``None`` where the list
    is not that of which they were drawn.
    """

    num_examples: int
    answers: Answers
    rank: Positions | None

    @property
    def looked_at(self) -> int:
        """How many of the examples drawn were looked at."""
        return len(self.answers.at)

    @property
    def wrong_seen(self) -> int:
        """How many of them have a wrong label."""
        return int(self.answers.wrong.sum())

    @property
    def unsure(self) -> int:
        """Of how many, known ones too, nobody could tell."""
        return int(self.answers.unsure.sum() + self.answers.known_unsure.sum())

    @property
    def known_wrong(self) -> int:
        """How many labels were known to be wrong before anything was drawn."""
        return int(self.answers.known_wrong.sum())

    @property
    def corrected(self) -> int:
        """How many wrong labels somebody has seen, which can be mended."""
        return self.wrong_seen + self.known_wrong

    @cached_property
    def whole(self) -> Estimate:
        """The number of wrong labels in the whole split."""
        if self.answers.design.at_most is None:
            return self._part("all", None)
        return self._in_sequence()

    @property
    def low(self) -> int:
        """With `high` an interval that holds the number of wrong labels with 95 % confidence."""
        return self.whole.low or 0

    @property
    def high(self) -> int:
        """See `low`."""
        return self.num_examples if self.whole.high is None else self.whole.high

    @cached_property
    def at_most(self) -> int:
        """No more labels are wrong, with 95 % confidence: a bound from one side."""
        seen = self.answers
        beside = self.known_wrong + int(seen.known_unsure.sum())
        if seen.design.at_most is None:
            sizes, looks, wrong, unsure = self._counts(None)
            return beside + most_wrong(sizes, looks, wrong + unsure, CONFIDENCE)
        return beside + self._most_in_sequence[0]

    @property
    def left(self) -> float | None:
        """How many labels can be expected to be wrong when those seen are mended."""
        return None if self.whole.wrong is None else self.whole.wrong - self.corrected

    @property
    def left_at_most(self) -> int:
        """No more are left then, with 95 % confidence."""
        return self.at_most - self.corrected

    @property
    def enough(self) -> bool | None:
        """Are no more left than was asked for? ``None`` where nothing was."""
        target = self.answers.design.at_most
        return None if target is None else self.left_at_most <= target * self.num_examples

    @property
    def more_looks(self) -> int | None:
        """How many more looks are likely needed; ``None`` where nothing says so."""
        seen, target = self.answers, self.answers.design.at_most
        if target is None or self.enough:
            return 0
        left = int(target * self.num_examples) - int(seen.known_unsure.sum())
        more = looks_needed(seen.design.strata, seen.strata, seen.wrong | seen.unsure, left)
        return None if more is None else int(np.ceil(more))

    def first(self, num: int) -> tuple[Estimate, Estimate] | None:
        """How many labels are wrong among the first ``num`` suspects, and among the others.

        ``None`` where the list of suspects is another than that of which the examples were drawn.
        """
        if self.rank is None:
            return None
        above = self.rank < num
        return self._part(f"first {num:,} suspects", above), self._part("all others", ~above)

    def parts(self) -> list[Estimate]:
        """The whole, each stratum, and the first suspects and all others at a few cuts."""
        strata = self.answers.design.strata
        counts, parts = self._counts(None), [self.whole]
        for at in range(len(strata.sizes)) if len(strata.sizes) > 1 else ():
            name = f"stratum {at + 1}, {show.percent(float(strata.expected[at]))} expected"
            parts.append(self._estimate(name, counts[:, at : at + 1], np.ones(1)))
        for cut in _CUTS:
            if cut < self.num_examples:
                parts += self.first(cut) or ()
        return parts

    def _part(self, name: str, chosen: Mask | None) -> Estimate:
        """What is known of the examples ``chosen`` [num_examples], or of all."""
        seen = self.answers
        known = np.ones(len(seen.known_at), np.bool_) if chosen is None else chosen[seen.known_at]
        beside = known, known & seen.known_wrong, known & seen.known_unsure
        chance, counts = self._chance, self._counts(chosen)
        if chosen is not None:
            sizes, looks = self._counts(None)[:2]
            chance = chance * chance_within(sizes, looks, counts[0])
        return self._estimate(name, counts, chance, *(int(which.sum()) for which in beside))

    @cached_property
    def _chance(self) -> Floats:
        """How probable it was for each stratum [H] to be looked at."""
        design = self.answers.design
        return chance_of_a_look(
            design.strata, self.looked_at, design.looks if design.at_most is None else None
        )

    def _counts(self, chosen: Mask | None) -> Positions:
        """Examples, looks, wrong and unsure ones seen [4, H] of each stratum, as far as it is chosen."""
        seen, strata = self.answers, self.answers.design.strata
        drawn, sizes = np.ones(len(seen.at), np.bool_), strata.sizes
        if chosen is not None and self.rank is not None:
            drawn = chosen[seen.at]
            in_order = np.argsort(self.rank)
            unknown = in_order[~np.isin(in_order, seen.known_at)]
            sizes = np.add.reduceat(chosen[unknown].astype(np.int64), strata.ends - strata.sizes)
        which = drawn, drawn & seen.wrong, drawn & seen.unsure
        return np.stack([sizes, *(np.bincount(seen.strata[one], minlength=len(sizes)) for one in which)])

    def _estimate(
        self,
        name: str,
        counts: Positions,
        chance: Floats,
        num_known: int = 0,
        known_wrong: int = 0,
        known_unsure: int = 0,
    ) -> Estimate:
        """Of a part, with `_counts` of what was drawn from, beside what is known of it.

        There was a ``chance`` [H] to look at any example of it in each stratum.
        """
        there = counts[0] > 0
        sizes, looks, wrong, unsure = counts[:, there]
        num = int(sizes.sum())
        low = known_wrong + num - most_wrong(sizes, looks, looks - wrong, _TWO_SIDED)
        high = known_wrong + known_unsure + most_wrong(sizes, looks, wrong + unsure, _TWO_SIDED)
        middle = wrong_in_strata(sizes, looks, wrong, unsure, chance[there]) if num else 0.0
        if middle is not None:
            middle = float(np.clip(known_wrong + middle, low, high))
        seen = int(looks.sum()), int(wrong.sum())
        bounds = (low, high) if self.answers.design.at_most is None else (None, None)
        return Estimate(name, num + num_known, *seen, middle, *bounds)

    @cached_property
    def _most_in_sequence(self) -> tuple[int, int]:
        """No more of the labels drawn from are wrong: from one side, and in an interval."""
        seen = self.answers
        arguments = seen.design.strata, seen.strata, seen.wrong | seen.unsure
        one, two = most_wrong_in_sequence(*arguments, (CONFIDENCE, _TWO_SIDED))[-1].tolist()
        return one, two

    def _in_sequence(self) -> Estimate:
        """The whole, where one may stop at any look."""
        seen, strata = self.answers, self.answers.design.strata
        part = self._part("all", None)
        right = most_wrong_in_sequence(strata.turned(), seen.strata, ~seen.wrong, (_TWO_SIDED,))[-1, 0]
        low = self.known_wrong + int(strata.sizes.sum() - right)
        high = self.known_wrong + int(seen.known_unsure.sum()) + self._most_in_sequence[1]
        middle = None if part.wrong is None else float(np.clip(part.wrong, low, high))
        return replace(part, wrong=middle, low=low, high=high)
