"""Which labels to look at, as a file to fill in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Strata, draw_fixed, draw_in_sequence, stratify, wealth_of_looks
from easiness.data import DRAWN, Decisions
from easiness.errors import BadInput
from easiness.spec import Split, command_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KNOWN = "known"
"""The stratum of an example that had been decided before."""

LOOKS = 100
CONFIDENCE = 0.95

_TIMES = 2  # as many draws as can be expected to be needed
_MORE = 50
_DIGITS = 8  # of the checksum of a row
_HINTS = ("suggested", "suggested_class", "p_wrong")

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Design:
    """So many ``looks`` were drawn from ``strata`` with a ``seed``; ``known`` examples had been decided.

    Where ``at_most`` is a share, they were drawn one by one, to stop when no more are left wrong.
    """

    strata: Strata
    looks: int
    seed: int
    known: int
    at_most: float | None

    def text(self) -> str:
        """Everything in one line, as `parse` reads it."""
        strata = self.strata
        target = "" if self.at_most is None else f" at_most={self.at_most!r}"
        return (
            f"looks={self.looks} seed={self.seed} known={self.known}{target} "
            f"sizes={_listed(strata.sizes)} shares={_listed(strata.shares)} "
            f"expected={_listed(strata.expected)}"
        )

    def cell(self, data: str, split: str, name: object, order: str, stratum: str) -> str:
        """What the row of an example has in the column ``draw``: the design, and a digest of the row.

        Of the ``data`` the version counts; their name may change.
        """
        row = "\n".join((self.text(), data.rpartition("@")[2], split, str(name), order, stratum))
        return f"{self.text()} check={hashlib.sha256(row.encode()).hexdigest()[:_DIGITS]}"


def parse(cell: str) -> Design | None:
    """The design that a cell tells; ``None`` where it tells none."""
    said = dict(word.split("=", 1) for word in cell.split() if "=" in word)
    try:
        sizes = np.array([int(one) for one in said["sizes"].split("+")], np.int64)
        shares, expected = (np.array(said[name].split("+"), np.float64) for name in ("shares", "expected"))
        target = None if "at_most" not in said else float(said["at_most"])
        looks, seed, known = (int(said[name]) for name in ("looks", "seed", "known"))
        design = Design(Strata(sizes, shares, expected), looks, seed, known, target)
    except (KeyError, ValueError, OverflowError):
        return None
    alike = len(sizes) == len(shares) == len(expected)
    sound = alike and (sizes > 0).all() and (shares > 0).all() and ((expected >= 0) & (expected <= 1)).all()
    return design if sound and (shares <= 1).all() and (target is None or 0 < target < 1) else None


def rounded(strata: Strata) -> Strata:
    """The strata as a file tells them: what is drawn by them and what is read is then the same."""
    both = (np.array(_listed(one).split("+"), np.float64) for one in (strata.shares, strata.expected))
    return Strata(strata.sizes, *both)


def _listed(values: npt.NDArray[Any]) -> str:
    return "+".join(f"{one:.6g}" if isinstance(one, float) else str(one) for one in values.tolist())


@dataclass(frozen=True, eq=False)
class Drawn(show.Result):
    """Examples of a ``split`` to look at, drawn by a ``design``, a row each in ``rows``, first one first.

    Behind them are those that had been decided before. ``needed`` is how many looks can be expected to do,
    where one stops when the bound is low enough.
    """

    split: Split
    data: str
    num_examples: int
    design: Design = field(repr=False)
    rows: pd.DataFrame = field(repr=False)
    blind: bool
    needed: float | None = None
    run: Path | None = None
    listing = "rows"

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        """How to look at the labels, and how to read what was seen."""
        blind = ["--blind"] if self.blind else []
        steps = []
        for output in (one for one in outputs if one.suffix == ".csv"):
            page = output.with_suffix(".html")
            looking = command_line("report", self.run, "--decide", output, *blind, "-o", page)
            reading = command_line("audit", self.run, "--decided", output)
            steps.append(f"look at them: {looking} (or write the actions into {output}); then {reading}")
        return steps

    def table(self) -> pd.DataFrame:
        """The file to fill in: columns as of decisions, then how each was drawn.

        ``id``, ``label``, ``class``, ``was``, ``action`` (empty), ``by``, ``time``, ``split``, ``data``, what
        is ``suggested`` and how probable (unless ``blind``), ``order``, ``stratum`` and ``draw``.
        """
        return self.rows.drop(columns=list(_HINTS) if self.blind else [])

    def by_stratum(self) -> pd.DataFrame:
        """A row a stratum, from the top of the list: its examples, looks, and wrong labels foretold."""
        import pandas as pd

        strata = self.design.strata
        drawn = self.rows["stratum"][self.rows["stratum"] != KNOWN].astype(np.int64)
        return pd.DataFrame(
            {
                "stratum": np.arange(1, len(strata.sizes) + 1),
                "examples": strata.sizes,
                "looks": np.bincount(drawn - 1, minlength=len(strata.sizes)),
                "expected_wrong": strata.expected * strata.sizes,
            }
        )

    def figure(self) -> Figure:
        """The share of all examples and of all looks that each stratum has."""
        table = self.by_stratum()
        series = {
            f"of the {name}": ((100 * table[name] / table[name].sum()).tolist(), color)
            for name, color in (("examples", show.FAINT), ("looks", show.HARD))
        }
        names = [f"stratum {one}" for one in table["stratum"]]
        return show.bars(names, series, "share (%); the most suspicious stratum first")

    def frames(self) -> list[show.Frame]:
        """The strata, and how many looks each is given."""
        columns = {
            "stratum": show.counts(),
            "examples": show.counts(),
            "looks": show.counts(),
            "expected_wrong": show.numbers(1, title="wrong, expected"),
        }
        title = "Labels to look at, drawn by chance"
        return [show.Frame(title, self._note(), self.by_stratum(), columns)]

    def _note(self) -> str:
        design = self.design
        known = f" {show.count(design.known)} are known and were not drawn." if design.known else ""
        of = f"{show.count(design.looks)} of {show.count(self.num_examples)} labels were drawn by chance"
        if whole := design.looks == self.num_examples - design.known:
            which = "All the other" if known else "All"
            of = f"{which} {show.counted(design.looks, 'label')} are to be looked at"
        if design.at_most is None and whole:
            return f"{of}.{known}"
        if design.at_most is None:
            return f"{of}, more where p_wrong leaves it open.{known} Look at all of them."
        enough = f"at most {show.chosen_percent(design.at_most)} can be said to be left wrong"
        first = "more of the suspects first" if known else "the suspects first (--known)"
        likely = f"that may need a look at most of them: decide {first}"
        if self.needed is not None and self.needed <= design.looks:
            likely = f"about {show.count(math.ceil(self.needed))} looks are likely to do"
        return (
            f"{of}, one after another.{known} Look at them in their order, and stop when {enough}: {likely}. "
            "The answer may be asked for at any time."
        )


def design_of(
    p_wrong: npt.NDArray[np.float64], num_examples: int, looks: int | None, at_most: float | None, seed: int
) -> tuple[Design, float | None]:
    """How to draw from a list of suspects with falling probabilities, and the looks likely needed.

    ``num_examples`` counts those that are known too.
    """
    num_known = num_examples - len(p_wrong)
    if at_most is None:
        looks = min(LOOKS if looks is None else looks, len(p_wrong))
        return Design(rounded(stratify(p_wrong, looks)), looks, seed, num_known, None), None
    without_any = -math.log(1 - CONFIDENCE) / max(at_most, 1 / num_examples)
    strata = rounded(stratify(p_wrong, math.ceil(without_any)))
    needed = looks_needed(
        strata, np.zeros(0, np.int64), np.zeros(0, np.bool_), math.floor(at_most * num_examples)
    )
    if looks is None:
        looks = math.ceil(_TIMES * (3 * without_any if needed is None else needed)) + _MORE
    return Design(strata, min(looks, len(p_wrong)), seed, num_known, at_most), needed


def looks_needed(strata: Strata, drawn: Positions, wrong: npt.NDArray[np.bool_], left: int) -> float | None:
    """How many more looks can be expected until no more than ``left`` wrong labels can be left.

    ``None`` where that cannot be expected.
    """
    total = float(left + wrong.sum() + 1)
    if total > strata.sizes.sum():
        return 0
    found = wealth_of_looks(strata, drawn, wrong, np.array([total]))
    so_far = found.log[-1].max() if len(drawn) else 0.0
    growth = float(found.growth[0])
    return max(-math.log(1 - CONFIDENCE) - so_far, 0) / growth if growth > 1e-5 else None


def drawn_ranks(design: Design) -> Positions:
    """The ranks [looks] of the examples drawn among those that are not known."""
    rng = np.random.default_rng(design.seed)
    draw = draw_fixed if design.at_most is None else draw_in_sequence
    return draw(design.strata, design.looks, rng)


def rows_of(
    ranked: pd.DataFrame, design: Design, split: Split, data: str, known: Decisions | None
) -> pd.DataFrame:
    """The rows of an audit's file, of a table of suspects with those that are not known, and those known."""
    import pandas as pd

    ranks = drawn_ranks(design)
    rows = ranked.iloc[ranks].reset_index(drop=True)
    strata = (design.strata.of(ranks) + 1).astype(str).astype(object)
    order = np.arange(1, len(ranks) + 1).astype(str).astype(object)
    empty = np.full(len(rows), "", object)
    columns: dict[str, Any] = {name: rows[name] for name in ("id", "label", "class")}
    columns |= {"was": rows["label"], "action": empty, "by": empty, "time": empty}
    columns |= {"split": split, "data": data, **{name: rows[name] for name in _HINTS}}
    columns |= {"order": order, "stratum": strata}
    table = pd.DataFrame(columns)
    if known is not None:
        decided = known.table()
        decided[[*_HINTS, "order"]] = None
        decided["stratum"] = KNOWN
        table = pd.concat([table.astype(object), decided.astype(object)], ignore_index=True)[list(table)]
        table["order"] = table["order"].fillna("")
    table["draw"] = [
        design.cell(data, split, *row)
        for row in zip(*(table[name].tolist() for name in ("id", *DRAWN[:2])), strict=True)
    ]
    return table


def check_request(looks: int | None, at_most: float | None, seed: int) -> None:
    """Make sure that a draw can be made."""
    if looks is not None and looks < 1:
        raise BadInput(f"--looks {looks}: give a whole number from 1 on")
    if at_most is not None and not 0 < at_most < 1:
        raise BadInput(f"--at-most {at_most:g}: give a share above 0 and below 1, such as 0.01 or 1%")
    if seed < 0:
        raise BadInput(f"--seed {seed}: give a whole number from 0 on")
