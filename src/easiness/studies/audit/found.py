"""How many labels are wrong and how many are left, from what was seen of those drawn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

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
from easiness.spec import Split
from easiness.studies.audit.drawing import CONFIDENCE, Design, Positions, looks_needed

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_TWO_SIDED = (1 + CONFIDENCE) / 2
_CUTS = (100, 1_000, 10_000)

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What was seen of the examples ``drawn``, up to the first that is undecided, and of those ``known``.

    Each row has the position ``at`` of an example in the ``split``, and whether its label was seen to be
    ``wrong`` or nobody was sure (``unsure``); of those drawn also the number of the ``stratum``. ``behind``
    counts answers behind the first undecided row, which is that of ``undecided``.
    """

    split: Split
    design: Design
    drawn: pd.DataFrame
    known: pd.DataFrame
    undecided: str
    behind: int

    @property
    def not_right(self) -> Mask:
        """Was the label seen to be wrong, or may it be? [n] of those drawn."""
        return (self.drawn["wrong"] | self.drawn["unsure"]).to_numpy(np.bool_)

    @property
    def strata(self) -> Positions:
        """The number of the stratum [n] of those drawn."""
        return self.drawn["stratum"].to_numpy(np.int64)


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
class Audited(show.Result):
    """What the ``answers`` of an audit say of the ``num_examples`` labels of a split.

    ``rank`` [num_examples] is the place of each in the list of suspects, from 0, or ``None`` where the list
    is not that of which they were drawn.
    """

    num_examples: int
    answers: Answers = field(repr=False)
    rank: Positions | None = field(repr=False)

    @property
    def unsure(self) -> int:
        """Of how many, known ones too, nobody could tell."""
        return int(self.answers.drawn["unsure"].sum() + self.answers.known["unsure"].sum())

    @property
    def known_wrong(self) -> int:
        """How many labels were known to be wrong before anything was drawn."""
        return int(self.answers.known["wrong"].sum())

    @property
    def corrected(self) -> int:
        """How many wrong labels somebody has seen, which can be mended."""
        return int(self.answers.drawn["wrong"].sum()) + self.known_wrong

    @cached_property
    def whole(self) -> Estimate:
        """The number of wrong labels in the whole split."""
        part = self._part("all", None)
        if self.answers.design.at_most is None:
            return part
        seen, strata = self.answers, self.answers.design.strata
        right = ~seen.drawn["wrong"].to_numpy(np.bool_)
        sound = most_wrong_in_sequence(strata.turned(), seen.strata, right, (_TWO_SIDED,))[-1, 0]
        low = self.known_wrong + int(strata.sizes.sum() - sound)
        high = self._beside + self._most_in_sequence[1]
        middle = None if part.wrong is None else float(np.clip(part.wrong, low, high))
        return replace(part, wrong=middle, low=low, high=high)

    @cached_property
    def at_most(self) -> int:
        """No more labels are wrong, with 95 % confidence: a bound from one side."""
        if self.answers.design.at_most is not None:
            return self._beside + self._most_in_sequence[0]
        sizes, looks, wrong, unsure = self._counts(None)
        return self._beside + most_wrong(sizes, looks, wrong + unsure, CONFIDENCE)

    @property
    def left_at_most(self) -> int:
        """No more are wrong when those seen are mended, with 95 % confidence."""
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
        left = int(target * self.num_examples) - int(seen.known["unsure"].sum())
        more = looks_needed(seen.design.strata, seen.strata, seen.not_right, left)
        return None if more is None else int(np.ceil(more))

    def first(self, num: int) -> tuple[Estimate, Estimate] | None:
        """How many labels are wrong among the first ``num`` suspects, and among the others.

        ``None`` where the list of suspects is another than that of which the examples were drawn.
        """
        if self.rank is None:
            return None
        above = self.rank < num
        return self._part(f"first {num:,} suspects", above), self._part("all others", ~above)

    @cached_property
    def parts(self) -> tuple[Estimate, ...]:
        """The whole, each stratum, and the first suspects and all others at a few cuts."""
        strata, nothing = self.answers.design.strata, self.answers.known[:0]
        counts, parts = self._counts(None), [self.whole]
        for at in range(len(strata.sizes)) if len(strata.sizes) > 1 else ():
            name = f"stratum {at + 1}, {show.percent(float(strata.expected[at]))} expected"
            parts.append(self._estimate(name, counts[:, at : at + 1], np.ones(1), nothing))
        for cut in _CUTS:
            if cut < self.num_examples:
                parts += self.first(cut) or ()
        return tuple(parts)

    def _part(self, name: str, chosen: Mask | None) -> Estimate:
        """What is known of the examples ``chosen`` [num_examples], or of all."""
        design, known = self.answers.design, self.answers.known
        # how probable it was for each stratum to be looked at
        fixed = design.looks if design.at_most is None else None
        chance, counts = chance_of_a_look(design.strata, len(self.answers.drawn), fixed), self._counts(chosen)
        if chosen is not None:
            sizes, looks = self._counts(None)[:2]
            chance, known = chance * chance_within(sizes, looks, counts[0]), known[chosen[known["at"]]]
        return self._estimate(name, counts, chance, known)

    def _counts(self, chosen: Mask | None) -> Positions:
        """Examples, looks, wrong and unsure ones seen [4, H] of each stratum, as far as it is chosen."""
        drawn, strata = self.answers.drawn, self.answers.design.strata
        sizes = strata.sizes
        if chosen is not None and self.rank is not None:
            drawn = drawn[chosen[drawn["at"]]]
            in_order = np.argsort(self.rank)
            unknown = in_order[~np.isin(in_order, self.answers.known["at"])]
            sizes = np.add.reduceat(chosen[unknown].astype(np.int64), strata.ends - strata.sizes)
        rows = drawn, drawn[drawn["wrong"]], drawn[drawn["unsure"]]
        return np.stack([sizes, *(np.bincount(one["stratum"], minlength=len(sizes)) for one in rows)])

    def _estimate(self, name: str, counts: Positions, chance: Floats, known: pd.DataFrame) -> Estimate:
        """What `_counts` of what was drawn from say, beside what is ``known`` of it.

        There was a ``chance`` [H] to look at any example of it in each stratum.
        """
        there = counts[0] > 0
        sizes, looks, wrong, unsure = counts[:, there]
        known_wrong, known_unsure = int(known["wrong"].sum()), int(known["unsure"].sum())
        num = int(sizes.sum())
        low = known_wrong + num - most_wrong(sizes, looks, looks - wrong, _TWO_SIDED)
        high = known_wrong + known_unsure + most_wrong(sizes, looks, wrong + unsure, _TWO_SIDED)
        middle = wrong_in_strata(sizes, looks, wrong, unsure, chance[there]) if num else 0.0
        if middle is not None:
            middle = float(np.clip(known_wrong + middle, low, high))
        seen = int(looks.sum()), int(wrong.sum())
        bounds = (low, high) if self.answers.design.at_most is None else (None, None)
        return Estimate(name, num + len(known), *seen, middle, *bounds)

    @property
    def _beside(self) -> int:
        """How many known labels are wrong, or may be."""
        return int(self.answers.known[["wrong", "unsure"]].to_numpy().sum())

    @cached_property
    def _most_in_sequence(self) -> tuple[int, int]:
        """No more of the labels drawn from are wrong, where one may stop: from one side, in an interval."""
        seen = self.answers
        arguments = seen.design.strata, seen.strata, seen.not_right
        one, two = most_wrong_in_sequence(*arguments, (CONFIDENCE, _TWO_SIDED))[-1].tolist()
        return one, two

    def table(self) -> pd.DataFrame:
        """A row for all labels, for each stratum, and for the first suspects and all others at a few cuts.

        ``part``, ``examples``, ``looked_at``, ``wrong_seen``, ``wrong`` (empty where nothing sure was seen),
        ``low``, ``high``.
        """
        import pandas as pd

        return pd.DataFrame(map(vars, self.parts)).rename(columns={"num": "examples"})

    def document(self) -> dict[str, Any]:
        """The value of the JSON file."""
        design, seen = self.answers.design, self.answers
        left = None if self.whole.wrong is None else self.whole.wrong - self.corrected
        return {
            "split": seen.split,
            "num_examples": self.num_examples,
            "wrong": self.whole.wrong,
            "low": self.whole.low,
            "high": self.whole.high,
            "confidence": CONFIDENCE,
            "at_most": self.at_most,
            "looked_at": self.whole.looked_at,
            "wrong_seen": self.whole.wrong_seen,
            "unsure": self.unsure,
            "known": len(seen.known),
            "known_wrong": self.known_wrong,
            "left": {"wrong": left, "at_most": self.left_at_most},
            "drawn": design.looks,
            "seed": design.seed,
            "sequential": design.at_most is not None,
            "asked_at_most": design.at_most,
            "enough": self.enough,
            "more_looks": None if design.at_most is None else self.more_looks,
            "parts": super().document(),
        }

    def figure(self) -> Figure:
        """The share of wrong labels in each part, with its interval."""
        table = self.table()
        table = table[table["examples"] > 0]
        shares = table[["wrong", "low", "high"]].astype(float).div(table["examples"] / 100, axis=0)
        label = "labels that are wrong (%), with 95 % confidence"
        series = {"wrong": (shares.to_numpy().tolist(), show.HARD)}
        figure = show.dots_with_intervals(table["part"].tolist(), series, label)
        figure.axes[0].set_xlim(left=0)
        return figure

    def frames(self) -> list[show.Frame]:
        """The answer in words, above its parts."""
        table = self.table()
        wrong = ["–" if one.wrong is None else show.count(round(one.wrong)) for one in self.parts]
        columns = {
            "part": show.names(),
            "examples": show.counts(title="labels"),
            "looked_at": show.counts(title="looked at"),
            "wrong_seen": show.counts(title="wrong seen"),
            "wrong": show.names(),
            "low": show.counts(),
            "high": show.counts(),
        }
        num_known = len(self.answers.known)
        by = (
            f" From {show.counted(self.whole.looked_at, 'look')} at labels drawn by chance, "
            f"{show.count(self.whole.wrong_seen)} of them wrong"
        )
        if num_known:
            by += f", and {show.count(num_known)} known before, {show.count(self.known_wrong)} of them wrong"
        note = f"{self.summary()}{by}. It holds whatever p_wrong is worth."
        notices = tuple(self._notices())
        return [show.Frame("How many labels are wrong", note, table.assign(wrong=wrong), columns, notices)]

    def summary(self) -> str:
        """The numbers to publish, in a sentence or two."""
        whole, num = self.whole, self.num_examples
        of = "labels" if self.answers.split == "train" else "held-out labels"
        about = "nobody can say how many are wrong"
        if whole.wrong is not None:
            verb = "is" if round(whole.wrong) == 1 else "are"
            about = f"about {round(whole.wrong):,} ({show.percent(whole.wrong / num)}) {verb} wrong"
        said = (
            f"Of {num:,} {of} {about}: {whole.low:,} to {whole.high:,} with 95 % confidence, and at most "
            f"{self.at_most:,} ({show.percent(self.at_most / num)}) from one side."
        )
        if self.corrected:
            left = f"{self.left_at_most:,} ({show.percent(self.left_at_most / num)})"
            corrections = show.counted(self.corrected, "correction")
            said += f" After your {corrections} at most {left} are left (95 %)."
        return said

    def _notices(self) -> list[str]:
        seen, said = self.answers, list[str]()
        if self.enough is not None:
            said.append(self._whether_to_go_on())
        elif seen.undecided:
            said.append(
                f"{self.whole.looked_at:,} of the {seen.design.looks:,} drawn were looked at, the first "
                "ones. The interval is wider, and right unless what was seen made you stop."
            )
        if seen.behind:
            said.append(
                f"{show.counted(seen.behind, 'answer')} behind the first undecided row ({seen.undecided}) "
                "do not count; decide that one, with unsure where you cannot tell."
            )
        if self.unsure:
            said.append(
                f"Of {show.count(self.unsure)} nobody is sure: the low number counts them right, the high "
                "ones wrong."
            )
        if self.rank is None:
            said.append(
                "The list of suspects is another than when the examples were drawn, so there is nothing on "
                "its first ones."
            )
        return said

    def _whether_to_go_on(self) -> str:
        target = show.chosen_percent(self.answers.design.at_most or 0)
        holds = "The bounds hold at every look."
        if self.enough:
            return f"At most {target} are left: you can stop. {holds}"
        more, rows = self.more_looks, self.answers.design.looks - self.whole.looked_at
        if more is None or more > self.num_examples:
            return (
                f"More than {target} may be left, and what was seen makes it likely that more are: mend the "
                f"suspects first, and draw anew with what you decided (--known). {holds}"
            )
        go_on = f"about {show.counted(more, 'more look')} are likely needed, and {rows:,} rows are left"
        if more > rows:
            go_on += "; after those, draw anew with what you decided (--known)"
        return f"More than {target} may be left, go on: {go_on}. {holds}"
