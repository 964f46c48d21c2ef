"""Slices of the examples by how much harder they are than their class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import Slice
from easiness.data import Dataset
from easiness.lazy import Array, Figure, Floats, Integers, pd
from easiness.spec import Split
from easiness.store import Row, Run
from easiness.studies.patterns import Patterns

SLOPE, NEIGHBOURHOOD = "slope", "neighbourhood"
_SENTENCES, _FEWEST, _MOST, _ROWS = 3, 5, 12, 20  # slices in words, in figures, in tables to read
_EXAMPLES, _LONGEST = 8, 32  # of a slice; letters of a line of the figure
_MEANS = 8  # columns before those of means
_FAR = 0.25  # ranks beyond which an example is at an end of a slope, of -0.5 to 0.5


@dataclass(frozen=True, eq=False)
class Explanation(show.Result):
    """The ``slices`` of a run by how much harder their examples are than others of their class.

    ``parts`` are the slices by rows, two of a pair. ``columns`` [K] are those looked at and those
    held ``equal``; ``left_out`` says why some tell nothing. ``hard`` [K] is the mean of the ``score``. With
    features there are ``patterns``, and positions ``nearest`` to the centre of each neighbourhood.
    """

    run: Run = field(repr=False)
    data: Dataset | None = field(repr=False)
    row: Row | None
    split: Split
    score: str
    noun: str
    equal: tuple[str, ...]
    slices: pd.DataFrame = field(repr=False)
    parts: Sequence[Sequence[Slice]] = field(repr=False)
    columns: Mapping[str, Array] = field(repr=False)
    left_out: Mapping[str, str] = field(repr=False)
    hard: Floats = field(repr=False)
    nearest: Mapping[str, Integers] = field(repr=False)
    patterns: Patterns | None = field(repr=False)
    notes: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """A row for each slice, the surest difference first; of equal ones pairs last, and the largest first.

        ``column`` and ``value``, of a pair joined by `` x ``; ``slope`` is the highest less the lowest by a
        line. ``examples``; ``effect`` is how much harder than others of the class (of a pair: than both
        foretell), from ``low`` to ``high`` in 95 of 100; ``p_adjusted`` holds over all rows, and ``named``
        says whether it is at most 0.05. ``least`` is the least effect that is named in 80 of 100. Then means
        of the slice: ``error_rate``, and where they are known ``difficulty`` and ``p_wrong``.
        """
        return self.slices

    @property
    def ids(self) -> Array:
        return self.run.ids if self.split == "train" else self.run.examples(self.split)[0]

    @property
    def notices(self) -> Sequence[str]:
        texts = [f"{name} {why}" for name, why in self.left_out.items()]
        return [*self.notes, *([f"Left out: {'; '.join(texts)}."] if texts else [])]

    @property
    def headline(self) -> str:
        """The three columns, or pairs, that matter in a sentence each, or that none does; then the reach."""
        first = self.slices.iloc[self.named_rows].drop_duplicates("column").index[:_SENTENCES]
        none = f"None of {show.quantity(len(self.slices), 'slice')} is harder or easier beyond chance."
        single = [len(one) == 1 and one[0].value != SLOPE for one in self.parts]
        rows = self.slices[single].dropna(subset="least").sort_values("least")
        rows = rows.iloc[[0, -1]] if len(rows) else rows
        ends = " to ".join(f"{row.least:.2f} ({row.examples:,} {self.noun}s)" for row in rows.itertuples())
        reach = [f"A difference of {ends} would be named in 80 of 100."] if ends else []
        return "\n".join([*(map(self.sentence, first) if len(first) else [none]), *reach])

    def sentence(self, at: int) -> str:
        """A row of the table in a sentence."""
        row: dict[Any, Any] = self.slices.iloc[at].to_dict()
        sign, more = (-1, "less") if row["effect"] < 0 else (1, "more")
        size, low, high = show.number(sign * row["effect"]), *sorted((sign * row["low"], sign * row["high"]))
        is_error = self.score == "error_rate"
        by = f"are wrong {size} {more} often" if is_error else f"have {size} {more} {self.score}"
        which = " and ".join(f"{one.column} {one.value}" for one in self.parts[at])
        beside = show.enumeration([*(["class"] if self.run.classes else []), *self.equal])
        text = f"{which} {by} than others{f' of their {beside}' if beside else ''}"
        if row["value"] == SLOPE:
            text = f"the highest {row['column']} {by} than with the lowest"
        elif len(self.parts[at]) > 1:
            text = f"{which} {by} than both foretell"
        return f"{show.sentence_case(self.noun)}s with {text} ({show.interval_text(low, high)})."

    @property
    def named_rows(self) -> list[int]:
        """The rows that are named."""
        return [*map(int, np.flatnonzero(self.slices["named"]))]

    @property
    def num_shown(self) -> int:
        """The number of the first rows that are shown: those named, or a few."""
        most = min(max(len(self.named_rows), _FEWEST), _MOST)
        return int(self.slices["effect"].head(most).notna().sum())

    def examples_of(self, at: int) -> Integers:
        """Positions of examples of a row: nearest to the centre of a neighbourhood, else the hardest.

        They are the easiest where the slice is easier.
        """
        one, *others = self.parts[at]
        if one.column == NEIGHBOURHOOD and not others:
            return self.nearest[one.value]
        sign = -1 if self.slices["effect"].iloc[at] < 0 else 1
        weights = np.prod([part.weights for part in self.parts[at]], axis=0)
        weights, sign = (sign * weights, 1) if one.value == SLOPE else (weights, sign)
        members = np.flatnonzero((weights > _FAR) & np.isfinite(self.hard))
        return members[np.argsort(-sign * self.hard[members], kind="stable")][:_EXAMPLES]

    def document(self) -> Any:
        of = {"model": self.run.network, "split": self.split, **(self.row.argument if self.row else {})}
        of_all = {"hard": self.score, "adjusted": list(self.equal), "left_out": dict(self.left_out)}
        nearest = {value: self.ids[at].tolist() for value, at in self.nearest.items()}
        others = {} if self.patterns is None else {**self.patterns.document(), "neighbourhoods": nearest}
        return {**of, **others, **of_all, "slices": super().document()}

    def figure(self) -> Figure:
        """The first slices with their intervals."""
        first = self.slices[["effect", "low", "high"]].head(self.num_shown).to_numpy()
        parts = self.parts[: self.num_shown]
        names = ["\n".join(f"{one.column}: {one.value}"[:_LONGEST] for one in several) for several in parts]
        label = f"{self.score.replace('_', ' ')} beyond others"
        figure = show.dots_with_intervals(names, {"": (first.tolist(), show.HARD)}, label)
        figure.axes[0].axvline(0, color=show.INK, linewidth=0.8, linestyle=":")
        return figure

    def frames(self) -> list[show.Frame]:
        effect = show.numbers(2, title="harder by", low="low", high="high", with_sign=True)
        columns = {"column": show.names(), "value": show.names(), "examples": show.counts(), "effect": effect}
        columns |= {"p_adjusted": show.numbers(3, title="p"), "least": show.numbers(2, title="least named")}
        columns |= {name: show.numbers(2) for name in self.slices.columns[_MEANS:]}
        beside = show.enumeration(["others of their class" if self.run.classes else "others", *self.equal])
        note = (
            f"The first of {show.quantity(len(self.slices), 'slice')}. Harder: {self.score} beyond {beside}; "
            "of a pair beyond what both foretell, of a slope from lowest to highest. p is over all slices; "
            "what is least named is found in 80 of 100. This goes along with hardness, and need not cause it."
        )
        noun = self.noun if self.run.tags is None else "question"
        title = f"What goes along with hardness of {show.quantity(len(self.ids), noun)}"
        others = [] if self.patterns is None else self.patterns.frames()
        return [show.Frame(title, note, self.slices.head(_ROWS), columns), *others]
