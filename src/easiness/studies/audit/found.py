"""The answers in an audit's file, and what they say: how many labels are wrong, and how many are left."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
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
from easiness.data import UNSURE, LabelReader, read_label_file
from easiness.errors import BadInput
from easiness.regular_file import at_home
from easiness.runs import data_version, decisions_on, labelled_examples
from easiness.spec import Split
from easiness.store import Run
from easiness.studies.audit.drawing import COLUMNS, CONFIDENCE, KNOWN, Design, looks_needed, parse

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_WRITE = "easiness audit RUN -o audit.csv writes one"

Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Answers:
    """What was seen of the first n examples drawn, up to the first that is undecided.

    ``at`` [n] are their positions among the examples of the ``split``, ``strata`` [n] those that they are of;
    labels were seen to be ``wrong`` [n], or nobody was ``unsure`` [n]. ``known_at`` [m], ``known_wrong`` and
    ``known_unsure`` are of those decided before. ``behind`` counts answers behind the first undecided row,
    which is that of ``undecided``.
    """

    split: Split
    design: Design
    at: Positions
    strata: Positions
    wrong: Mask
    unsure: Mask
    known_at: Positions
    known_wrong: Mask
    known_unsure: Mask
    undecided: str
    behind: int


@dataclass(frozen=True)
class _Row:
    where: str
    name: str
    at: int
    order: str
    stratum: str


def read_answers(
    run: Run,
    file: str | os.PathLike[str],
    split: Split | None,
    name_of: Callable[[Design, Split, Positions, int], str],
) -> Answers:
    """The answers in a file that an audit of the run wrote."""
    path = at_home(file)
    cells = _cells(path)
    split = split or _split(cells)
    decisions = decisions_on(run, path, split)
    design, rows = _rows(run, path, cells, split)
    known = [row for row in rows if row.stratum == KNOWN]
    known_at = np.array([row.at for row in known], np.int64)
    drawn = {int(row.order): row for row in rows if row.stratum != KNOWN}
    _check_whole(path, design, drawn, len(known), lambda look: name_of(design, split, known_at, look))
    actions = dict(zip(decisions.at.tolist(), decisions.actions.tolist(), strict=True))
    wrong = dict(zip(decisions.at.tolist(), decisions.wrong.tolist(), strict=True))
    in_order = [drawn[look] for look in range(1, design.looks + 1)]
    decided = [row.at in actions for row in in_order]
    first = decided.index(False) if False in decided else len(decided)
    _check_decided(in_order[0] if not first else None, [row for row in known if row.at not in actions])

    def seen(some: list[_Row]) -> tuple[Positions, Mask, Mask]:
        at = [row.at for row in some]
        unsure = np.array([actions[one] == UNSURE for one in at], np.bool_)
        return np.array(at, np.int64), np.array([wrong[one] for one in at], np.bool_), unsure

    strata = np.array([int(row.stratum) - 1 for row in in_order[:first]], np.int64)
    at, is_wrong, unsure = seen(in_order[:first])
    undecided = "" if first == len(in_order) else f"{in_order[first].where}, {in_order[first].name}"
    behind = sum(decided[first:])
    return Answers(split, design, at, strata, is_wrong, unsure, *seen(known), undecided, behind)


def _check_decided(first: _Row | None, known: list[_Row]) -> None:
    """Refuse where the ``first`` row or some ``known`` ones are undecided."""
    if first is not None:
        raise BadInput(
            f"{first.where}: the example {first.name!r}, the first one drawn, has no action, so none counts; "
            "write keep, relabel, drop or unsure"
        )
    if known:
        raise BadInput(
            f"{known[0].where}: the example {known[0].name!r} was decided before the draw, and has no action "
            "now; write it in"
        )


def _cells(path: Path) -> list[tuple[str, Mapping[str, str]]]:
    """Where each row is and what it has, those columns among it that make it an audit's."""
    read = read_label_file(path, once=COLUMNS)
    missing = next((name for name in ("split", *COLUMNS) if name not in read.columns), None)
    if missing is not None:
        raise BadInput(f"{path}: is no audit, without one column {missing!r}; {_WRITE}")
    return [(f"{path}: row {number}", row) for number, row in read.rows]


def _split(cells: list[tuple[str, Mapping[str, str]]]) -> Split:
    return "held_out" if any(row["split"].strip() == "held_out" for _, row in cells) else "train"


def _rows(
    run: Run, path: Path, cells: list[tuple[str, Mapping[str, str]]], split: Split
) -> tuple[Design, list[_Row]]:
    """The design, which all rows have to tell alike, and the rows."""
    reader, data = LabelReader(labelled_examples(run, split)), data_version(run)
    ids = labelled_examples(run, split).ids
    design = next(filter(None, (parse(row["draw"]) for _, row in cells)), None)
    if design is None:
        raise BadInput(f"{path}: no row tells in the column 'draw' how it was drawn; {_WRITE}")
    num = int(design.strata.sizes.sum())
    if num + design.known != len(ids) or not 0 < design.looks <= num:
        raise BadInput(
            f"{path}: was drawn from {num + design.known} labels, and there are {len(ids)}; {_WRITE}"
        )
    rows = []
    for where, row in cells:
        at = reader.position(row["id"], where)
        name = str(ids[at])
        if not row["draw"].strip():
            raise BadInput(
                f"{where}: the example {name!r} was not drawn, and would bend the answer; take the row out"
            )
        order, stratum = _whole(row["order"]), _whole(row["stratum"])
        sound = stratum == KNOWN or (
            _is_up_to(order, design.looks) and _is_up_to(stratum, len(design.strata.sizes))
        )
        if not sound or row["draw"].strip() != design.cell(data, split, name, order, stratum):
            raise BadInput(
                f"{where}: the example {name!r} was not drawn like this, as look {order or 'none'}; give "
                "the file that audit wrote, with nothing changed but the actions"
            )
        rows.append(_Row(where, name, at, order, stratum))
    return design, rows


def _whole(text: str) -> str:
    """A number without what a spreadsheet may have added to it."""
    return text.strip().removesuffix(".0")


def _is_up_to(text: str, most: int) -> bool:
    """Is it a number from 1 to ``most``, as we write them?"""
    return len(text) < 10 and text.isascii() and text.isdigit() and 1 <= int(text) <= most


def _check_whole(
    path: Path, design: Design, drawn: Mapping[int, _Row], num_known: int, name_of: Callable[[int], str]
) -> None:
    missing = [look for look in range(1, design.looks + 1) if look not in drawn]
    if missing:
        one, rest = f"look {missing[0]}{name_of(missing[0])}", len(missing) - 1
        which, it, row = (
            (f"{one} and {rest} more were", "them", "rows") if rest else (f"{one} was", "it", "row")
        )
        there = "are" if rest else "is"
        raise BadInput(
            f"{path}: {which} drawn and {there} not there, and without {it} the answer would be bent; put "
            f"the {row} back, with unsure where you cannot tell"
        )
    if num_known != design.known:
        raise BadInput(
            f"{path}: has {num_known} of the {design.known} rows that were known when it was drawn; put all "
            "of them back"
        )


_TWO_SIDED = (1 + CONFIDENCE) / 2
_CUTS = (100, 1_000, 10_000)

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
class Audited(show.Result):
    """What the ``answers`` of an audit say of the ``num_examples`` labels of a split.

    ``rank`` [num_examples] is the place of each in the list of suspects, from 0, or ``None`` where the list
    is not that of which they were drawn.
    """

    num_examples: int
    answers: Answers = field(repr=False)
    rank: Positions | None = field(repr=False)

    @property
    def wrong(self) -> float | None:
        """How many of them are estimated to be wrong; ``None`` where nobody was sure of any."""
        return self.whole.wrong

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

    def table(self) -> pd.DataFrame:
        """A row for all labels, for each stratum, and for the first suspects and all others at a few cuts.

        ``part``, ``examples``, ``looked_at``, ``wrong_seen``, ``wrong`` (empty where nothing sure was seen),
        ``low``, ``high``.
        """
        import pandas as pd

        columns = {"num": "examples"}
        return pd.DataFrame([vars(part) for part in self.parts()]).rename(columns=columns)

    def document(self) -> dict[str, Any]:
        """The value of the JSON file."""
        design, more = self.answers.design, self.more_looks
        return {
            "split": self.answers.split,
            "num_examples": self.num_examples,
            "wrong": self.wrong,
            "low": self.low,
            "high": self.high,
            "confidence": CONFIDENCE,
            "at_most": self.at_most,
            "looked_at": self.looked_at,
            "wrong_seen": self.wrong_seen,
            "unsure": self.unsure,
            "known": len(self.answers.known_at),
            "known_wrong": self.known_wrong,
            "left": {"wrong": self.left, "at_most": self.left_at_most},
            "drawn": design.looks,
            "seed": design.seed,
            "sequential": design.at_most is not None,
            "asked_at_most": design.at_most,
            "enough": self.enough,
            "more_looks": None if design.at_most is None else more,
            "parts": [show.defined(row) for row in self.table().to_dict("records")],
        }

    def figure(self) -> Figure:
        """The share of wrong labels in each part, with its interval."""
        parts = [part for part in self.parts() if part.num]
        figure, axes = show.new_axes(5.2, 1.0 + 0.28 * len(parts))
        for row, part in enumerate(parts):
            color = show.HARD if row == 0 else show.TRAIN
            if part.low is not None and part.high is not None:
                axes.hlines(
                    row, 100 * part.low / part.num, 100 * part.high / part.num, color=color, linewidth=3
                )
            if part.wrong is not None:
                axes.plot(100 * part.wrong / part.num, row, "o", color=show.INK, markersize=4)
        axes.set_yticks(range(len(parts)), [part.part for part in parts])
        axes.invert_yaxis()
        axes.set(xlabel="labels that are wrong (%), with 95 % confidence")
        axes.set_xlim(left=0)
        return figure

    def sections(self) -> list[show.Section]:
        """The answer in words, above its parts."""
        rows = [["part", "labels", "looked at", "wrong seen", "wrong", "low", "high"]]
        for part in self.parts():
            bounds = ["" if one is None else show.count(one) for one in (part.low, part.high)]
            counts = [show.count(one) for one in (part.num, part.looked_at, part.wrong_seen)]
            middle = "–" if part.wrong is None else show.count(round(part.wrong))
            rows.append([part.part, *counts, middle, *bounds])
        return [show.Section("How many labels are wrong", self._note(), rows, tuple(self._notices()))]

    def summary(self) -> str:
        """The numbers to publish, in a sentence or two."""
        of = "labels" if self.answers.split == "train" else "held-out labels"
        about = "nobody can say how many are wrong"
        if self.wrong is not None:
            share, verb = (
                show.percent(self.wrong / self.num_examples),
                "is" if round(self.wrong) == 1 else "are",
            )
            about = f"about {show.count(round(self.wrong))} ({share}) {verb} wrong"
        said = (
            f"Of {show.count(self.num_examples)} {of} {about}: "
            f"{show.count(self.low)} to {show.count(self.high)} with 95 % confidence, and at most "
            f"{show.count(self.at_most)} ({show.percent(self.at_most / self.num_examples)}) from one side."
        )
        if self.corrected:
            left = show.percent(self.left_at_most / self.num_examples)
            said += (
                f" After your {show.counted(self.corrected, 'correction')} at most "
                f"{show.count(self.left_at_most)} ({left}) are left (95 %)."
            )
        return said

    def _note(self) -> str:
        num_known = len(self.answers.known_at)
        by = (
            f" From {show.counted(self.looked_at, 'look')} at labels drawn by chance, "
            f"{show.count(self.wrong_seen)} of them wrong"
        )
        if num_known:
            by += f", and {show.count(num_known)} known before, {show.count(self.known_wrong)} of them wrong"
        return f"{self.summary()}{by}. It holds whatever p_wrong is worth."

    def _notices(self) -> list[str]:
        seen, said = self.answers, list[str]()
        if self.enough is not None:
            said.append(self._whether_to_go_on())
        elif seen.undecided:
            said.append(
                f"{show.count(self.looked_at)} of the {show.count(seen.design.looks)} drawn were looked at, "
                "the first ones. The interval is wider, and right unless what was seen made you stop."
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
        more, rows = self.more_looks, self.answers.design.looks - self.looked_at
        if more is None or more > self.num_examples:
            return (
                f"More than {target} may be left, and what was seen makes it likely that more are: mend the "
                f"suspects first, and draw anew with what you decided (--known). {holds}"
            )
        go_on = (
            f"about {show.counted(more, 'more look')} are likely needed, and {show.count(rows)} rows are left"
        )
        if more > rows:
            go_on += "; after those, draw anew with what you decided (--known)"
        return f"More than {target} may be left, go on: {go_on}. {holds}"
