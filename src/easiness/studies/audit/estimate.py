"""How many labels are wrong and how many are left, from what was seen of those drawn by a design."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import analysis, show
from easiness.lazy import Figure, Floats, Integers, Mask, pd
from easiness.spec import Split

CONFIDENCE = 0.95
LABEL = "label"
_TWO_SIDED = (1 + CONFIDENCE) / 2
_DIGITS = 8  # of the checksum of a row
_CUTS = (100, 1_000, 10_000)


@dataclass(frozen=True, eq=False)
class Design:
    """So many ``looks`` were drawn from ``strata`` with a ``seed``; ``num_known`` examples had been decided.

    Where ``at_most`` is a share, they were drawn one by one, to stop when no more are left wrong.
    """

    strata: analysis.Strata
    looks: int
    seed: int
    num_known: int
    at_most: float | None

    def text(self) -> str:
        """Everything in one line, as `parse` reads it."""
        target = "" if self.at_most is None else f" at_most={self.at_most!r}"
        names = ("sizes", "shares", "expected")
        strata = " ".join(f"{name}={_join(getattr(self.strata, name))}" for name in names)
        return f"looks={self.looks} seed={self.seed} known={self.num_known}{target} {strata}"

    def cell(self, data: str, split: str, name: object, order: str, stratum: str) -> str:
        """Cell of an example in the column ``draw``: the design, and a digest of the row.

        The version of the ``data`` counts; their name may change.
        """
        row = "\n".join((self.text(), data.rpartition("@")[2], split, str(name), order, stratum))
        return f"{self.text()} check={hashlib.sha256(row.encode()).hexdigest()[:_DIGITS]}"

    def ranks(self) -> Integers:
        """The ranks [looks] of the examples drawn among those that are not known."""
        draw = analysis.draw_fixed if self.at_most is None else analysis.draw_in_sequence
        return draw(self.strata, self.looks, np.random.default_rng(self.seed))


def parse(cell: str) -> Design | None:
    """The design that a cell tells; ``None`` where it tells none."""
    words = dict(word.split("=", 1) for word in cell.split() if "=" in word)
    try:
        sizes = np.array([int(one) for one in words["sizes"].split("+")], np.int64)
        shares, expected = (np.array(words[name].split("+"), np.float64) for name in ("shares", "expected"))
        target = float(words["at_most"]) if "at_most" in words else None
        looks, seed, num_known = (int(words[name]) for name in ("looks", "seed", "known"))
        strata = analysis.Strata(sizes, shares, expected)
    except (KeyError, ValueError, OverflowError):
        return None
    if not (len(sizes) == len(shares) == len(expected)) or not (target is None or 0 < target < 1):
        return None
    sound = (sizes > 0) & (shares > 0) & (shares <= 1) & (expected >= 0) & (expected <= 1)
    return Design(strata, looks, seed, num_known, target) if sound.all() else None


def round_strata(strata: analysis.Strata) -> analysis.Strata:
    """The strata as a file tells them: what is drawn by them and what is read is then the same."""
    both = (np.array(_join(one).split("+"), np.float64) for one in (strata.shares, strata.expected))
    return analysis.Strata(strata.sizes, *both)


def _join(values: npt.NDArray[Any]) -> str:
    return "+".join(f"{one:.6g}" if isinstance(one, float) else str(one) for one in values.tolist())


def looks_needed(strata: analysis.Strata, strata_seen: Integers, wrong: Mask, left: int) -> float | None:
    """How many more looks can be expected until no more than ``left`` wrong labels can be left.

    ``None`` where that cannot be expected.
    """
    total = float(left + wrong.sum() + 1)
    if total > strata.sizes.sum():
        return 0
    wealth = analysis.wealth_of_looks(strata, strata_seen, wrong, np.array([total]))
    so_far = wealth.log[-1].max() if len(strata_seen) else 0.0
    growth = float(wealth.growth[0])
    return max(-math.log(1 - CONFIDENCE) - so_far, 0) / growth if growth > 1e-5 else None


@dataclass(frozen=True, eq=False)
class Audit(show.Result):
    """Estimates for the ``num_examples`` labels of a ``split`` from what was seen of those drawn.

    ``looks`` has a row for each drawn, up to the ``first_open`` one, and ``before`` one for each decided
    before the draw: the position ``at`` of an example in the split, and whether its label was seen to be
    ``wrong`` or nobody was sure (``unsure``); of those drawn also the number of the ``stratum``. ``behind``
    counts answers behind the first undecided row. ``rank`` [num_examples] is the place of each in the list of
    suspects, from 0, or ``None`` where the list is not that of which they were drawn.
    """

    num_examples: int
    split: Split = field(repr=False)
    design: Design = field(repr=False)
    looks: pd.DataFrame = field(repr=False)
    before: pd.DataFrame = field(repr=False)
    first_open: str = field(repr=False)
    behind: int = field(repr=False)
    rank: Integers | None = field(repr=False)
    noun: str = field(default=LABEL, repr=False)

    @property
    def unsure(self) -> int:
        """Number of labels, known ones too, of which nobody could tell."""
        return int(self.looks["unsure"].sum() + self.before["unsure"].sum())

    @property
    def known_wrong(self) -> int:
        """How many labels were known to be wrong before anything was drawn."""
        return int(self.before["wrong"].sum())

    @property
    def corrections(self) -> int:
        """How many wrong labels somebody has seen, which can be mended."""
        return int(self.looks["wrong"].sum()) + self.known_wrong

    @property
    def _not_right(self) -> Mask:
        """Was the label seen to be wrong, or may it be? [n] of those drawn."""
        return (self.looks["wrong"] | self.looks["unsure"]).to_numpy(np.bool_)

    @property
    def _strata(self) -> Integers:
        return self.looks["stratum"].to_numpy(np.int64)

    @cached_property
    def whole(self) -> dict[str, Any]:
        """The number of wrong labels in the whole split, as the first row of the table."""
        whole = self._part("all", None)
        if self.design.at_most is None:
            return whole
        strata, right = self.design.strata, ~self.looks["wrong"].to_numpy(np.bool_)
        sound = analysis.most_wrong_in_sequence(strata.flip(), self._strata, right, (_TWO_SIDED,))[-1, 0]
        low = self.known_wrong + int(strata.sizes.sum() - sound)
        high = self._most_in_sequence[1]
        middle = None if whole["wrong"] is None else float(np.clip(whole["wrong"], low, high))
        return whole | {"wrong": middle, "low": low, "high": high}

    @cached_property
    def at_most(self) -> int:
        """No more labels are wrong, with 95 % confidence: a bound from one side."""
        if self.design.at_most is not None:
            return self._most_in_sequence[0]
        sizes, looks, wrong, unsure = self._counts(None)
        return self._beside + analysis.most_wrong(sizes, looks, wrong + unsure, CONFIDENCE)

    @property
    def left_at_most(self) -> int:
        """No more are wrong when those seen are mended, with 95 % confidence."""
        return self.at_most - self.corrections

    @property
    def enough(self) -> bool | None:
        """Are no more left than was asked for? ``None`` where nothing was."""
        target = self.design.at_most
        return None if target is None else self.left_at_most <= target * self.num_examples

    @property
    def more_looks(self) -> int | None:
        """How many more looks are likely needed; ``None`` where nothing says so."""
        target = self.design.at_most
        if target is None or self.enough:
            return 0
        left = int(target * self.num_examples) - int(self.before["unsure"].sum())
        more = looks_needed(self.design.strata, self._strata, self._not_right, left)
        return None if more is None else math.ceil(more)

    @cached_property
    def parts(self) -> list[dict[str, Any]]:
        """The whole, each stratum, and the first suspects and all others at a few cuts: rows of the table."""
        strata, counts, rows = self.design.strata, self._counts(None), [self.whole]
        for at in range(len(strata.sizes)) if len(strata.sizes) > 1 else ():
            expected = f", {show.percent(float(strata.expected[at]))} expected" * (self.noun == LABEL)
            name = f"stratum {at + 1}{expected}"
            rows.append(self._estimate(name, counts[:, at : at + 1], np.ones(1), self.before[:0]))
        for cut in _CUTS:
            if self.rank is not None and cut < self.num_examples:
                rows.append(self._part(f"first {cut:,} suspects", self.rank < cut))
                rows.append(self._part("all others", self.rank >= cut))
        return rows

    def _part(self, name: str, mask: Mask | None) -> dict[str, Any]:
        """Estimate for the examples ``mask`` [num_examples], or of all."""
        design, before, counts = self.design, self.before, self._counts(mask)
        # how probable it was for each stratum to be looked at
        num_drawn = design.looks if design.at_most is None else None
        chance = analysis.chance_of_a_look(design.strata, len(self.looks), num_drawn)
        if mask is not None:
            sizes, looks = self._counts(None)[:2]
            chance = chance * analysis.chance_within(sizes, looks, counts[0])
            before = before[mask[before["at"]]]
        return self._estimate(name, counts, chance, before)

    def _counts(self, mask: Mask | None) -> Integers:
        """Examples, looks, wrong and unsure ones seen [4, H] of each stratum, as far as in the ``mask``."""
        looks, strata = self.looks, self.design.strata
        sizes = strata.sizes
        if mask is not None and self.rank is not None:
            looks = looks[mask[looks["at"]]]
            in_order = np.argsort(self.rank)
            unknown = in_order[~np.isin(in_order, self.before["at"])]
            sizes = np.add.reduceat(mask[unknown].astype(np.int64), strata.ends - strata.sizes)
        rows = looks, looks[looks["wrong"]], looks[looks["unsure"]]
        return np.stack([sizes, *(np.bincount(one["stratum"], minlength=len(sizes)) for one in rows)])

    def _estimate(self, name: str, counts: Integers, chance: Floats, before: pd.DataFrame) -> dict[str, Any]:
        """Estimate from the `_counts` of what was drawn from, beside what was decided ``before``.

        There was a ``chance`` [H] to look at any example of it in each stratum.
        """
        there = counts[0] > 0
        sizes, looks, wrong, unsure = counts[:, there]
        known_wrong, num = int(before["wrong"].sum()), int(sizes.sum())
        low = known_wrong + num - analysis.most_wrong(sizes, looks, looks - wrong, _TWO_SIDED)
        high = analysis.most_wrong(sizes, looks, wrong + unsure, _TWO_SIDED)
        high += known_wrong + int(before["unsure"].sum())
        middle = analysis.wrong_in_strata(sizes, looks, wrong, unsure, chance[there]) if num else 0.0
        if middle is not None:
            middle = float(np.clip(known_wrong + middle, low, high))
        is_fixed = self.design.at_most is None
        return {
            "part": name,
            "examples": num + len(before),
            "looked_at": int(looks.sum()),
            "wrong_seen": int(wrong.sum()),
            "wrong": middle,
            "low": low if is_fixed else None,
            "high": high if is_fixed else None,
        }

    @property
    def _beside(self) -> int:
        """How many known labels are wrong, or may be."""
        return int(self.before[["wrong", "unsure"]].to_numpy().sum())

    @cached_property
    def _most_in_sequence(self) -> list[int]:
        """No more labels are wrong, where one may stop: from one side, in an interval."""
        levels = CONFIDENCE, _TWO_SIDED
        most = analysis.most_wrong_in_sequence(self.design.strata, self._strata, self._not_right, levels)
        return [self._beside + int(one) for one in most[-1]]

    def table(self) -> pd.DataFrame:
        """A row for all labels, for each stratum, and for the first suspects and all others at a few cuts.

        ``part``, ``examples``, ``looked_at``, ``wrong_seen``, ``wrong`` (empty where nothing sure was seen),
        ``low``, ``high``.
        """
        return pd.DataFrame(self.parts)

    def document(self) -> dict[str, Any]:
        design, whole = self.design, self.whole
        left = None if whole["wrong"] is None else whole["wrong"] - self.corrections
        return {
            "split": self.split,
            "num_examples": self.num_examples,
            **{name: whole[name] for name in ("wrong", "low", "high")},
            "confidence": CONFIDENCE,
            "at_most": self.at_most,
            **{name: whole[name] for name in ("looked_at", "wrong_seen")},
            "unsure": self.unsure,
            "known": len(self.before),
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
        series = {"wrong": (shares.to_numpy().tolist(), show.HARD)}
        label = f"{self.noun}s that are wrong (%), with 95 % confidence"
        figure = show.dots_with_intervals(table["part"].tolist(), series, label)
        figure.axes[0].set_xlim(left=0)
        return figure

    def frames(self) -> list[show.Frame]:
        table, whole = self.table(), self.whole
        wrong = ["–" if one["wrong"] is None else show.count(round(one["wrong"])) for one in self.parts]
        columns = {
            "part": show.names(),
            "examples": show.counts(title=f"{self.noun}s"),
            "looked_at": show.counts(title="looked at"),
            "wrong_seen": show.counts(title="wrong seen"),
            "wrong": show.names(),
            "low": show.counts(),
            "high": show.counts(),
        }
        by = (
            f"From {show.quantity(whole['looked_at'], 'look')} at {self.noun}s drawn by chance, "
            f"{show.count(whole['wrong_seen'])} of them wrong"
        )
        if num := len(self.before):
            by += f", and {show.count(num)} known before, {show.count(self.known_wrong)} of them wrong"
        order = "p_wrong" if self.noun == LABEL else "their order"
        note = f"{self.summary()} {by}. It holds whatever {order} is worth."
        notices = tuple(self._notices())
        title = f"How many {self.noun}s are wrong"
        return [show.Frame(title, note, table.assign(wrong=wrong), columns, notices)]

    def summary(self) -> str:
        whole, num = self.whole, self.num_examples
        of = f"{'' if self.split == 'train' else 'held-out '}{self.noun}s"
        about = "nobody can say how many are wrong"
        if whole["wrong"] is not None:
            verb = "is" if round(whole["wrong"]) == 1 else "are"
            about = f"about {round(whole['wrong']):,} ({show.percent(whole['wrong'] / num)}) {verb} wrong"
        text = (
            f"Of {num:,} {of} {about}: {whole['low']:,} to {whole['high']:,} with 95 % confidence, and at "
            f"most {self.at_most:,} ({show.percent(self.at_most / num)}) from one side."
        )
        if self.corrections:
            left = f"{self.left_at_most:,} ({show.percent(self.left_at_most / num)})"
            corrections = show.quantity(self.corrections, "correction")
            text += f" After your {corrections} at most {left} are left (95 %)."
        return text

    def _notices(self) -> list[str]:
        texts = list[str]()
        if self.enough is not None:
            texts.append(self._whether_to_go_on())
        elif self.first_open:
            texts.append(
                f"{self.whole['looked_at']:,} of the {self.design.looks:,} drawn were looked at, the first "
                "ones. The interval is wider, and right unless what was seen made you stop."
            )
        if self.behind:
            texts.append(
                f"{show.quantity(self.behind, 'answer')} behind the first undecided row ({self.first_open}) "
                "do not count; decide that one, with unsure where you cannot tell."
            )
        if self.unsure:
            texts.append(
                f"Of {show.count(self.unsure)} nobody is sure: the low number counts them right, the high "
                "ones wrong."
            )
        if self.rank is None:
            texts.append(
                "The list of suspects is another than when the examples were drawn, so there is nothing on "
                "its first ones."
            )
        return texts

    def _whether_to_go_on(self) -> str:
        target = show.chosen_percent(self.design.at_most or 0)
        holds = "The bounds hold at every look."
        if self.enough:
            return f"At most {target} are left: you can stop. {holds}"
        more, rows = self.more_looks, self.design.looks - self.whole["looked_at"]
        if more is None or more > self.num_examples:
            return (
                f"More than {target} may be left, and what was seen makes it likely that more are: mend the "
                f"suspects first, and draw anew with what you decided (--known). {holds}"
            )
        go_on = f"about {show.quantity(more, 'more look')} are likely needed, and {rows:,} rows are left"
        if more > rows:
            go_on += "; after those, draw anew with what you decided (--known)"
        return f"More than {target} may be left, go on: {go_on}. {holds}"
