"""What hardness goes along with: slices of the examples by how much harder they are than their class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from easiness import show
from easiness.analysis import Slice, SliceEffects
from easiness.data import Dataset
from easiness.lazy import Array, Figure, Floats, Integers, pd
from easiness.spec import Split
from easiness.store import Row, Run
from easiness.studies.patterns import Patterns

SLOPE, NEIGHBOURHOOD = "slope", "neighbourhood"
_SENTENCES, _SHOWN, _FEWEST, _ROWS = 3, 12, 5, 20  # slices in words, in the figure and at least, in the table
_LONGEST = 32  # letters of a line of the figure
_EXAMPLES = 8  # of each slice that is shown
_FAR = 0.25  # ranks beyond which an example is at an end of a slope, of -0.5 to 0.5
_DIFFERENT = {
    "error_rate": ("are wrong {} more often", "are wrong {} less often"),
    "difficulty": ("are harder by {}", "are easier by {}"),
    "p_wrong": ("are wrongly labelled {} more often", "are wrongly labelled {} less often"),
}
_MEANINGS = {
    "error_rate": "share of trials that are wrong",
    "difficulty": "difficulty",
    "p_wrong": "probability that the label is wrong",
}


@dataclass(frozen=True, eq=False)
class Hardness:
    """How hard K examples are: ``values`` [N, K] by trial as tested, and ``means`` [K] by name as shown."""

    values: Floats
    means: Mapping[str, Floats]


class Exhibit(NamedTuple):
    """A row of the table of slices, and positions of examples that show what is in the slice.

    ``ends`` are positions of the lowest and the highest value of a ``column``, of a pair the first, in it.
    """

    row: dict[Any, Any]
    positions: Integers
    column: str
    ends: tuple[int, int]

    @property
    def title(self) -> str:
        return f"{self.row['column']}: {self.row['value']}"


def slices_table(
    slices: Sequence[Slice], effects: SliceEffects, hard: Hardness
) -> tuple[pd.DataFrame, Integers]:
    """The rows of `Explanation.table`, and the positions of the slices in their order [S]."""
    names = {"column": [one.column for one in slices], "value": [one.value for one in slices]}
    numbers = {name: getattr(effects, name) for name in ("examples", "effect", "low", "high", "p_adjusted")}
    table = pd.DataFrame({**names, **numbers, "named": effects.is_named, "least": effects.least})
    weights = np.stack([one.weights for one in slices])
    is_group = table["value"] != SLOPE
    for name, values in hard.means.items():
        known = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            mean = weights[:, known] @ values[known] / weights[:, known].sum(axis=1)
        table[name] = np.where(is_group, mean, np.nan)
    is_pair = [bool(one.within) for one in slices]
    order = np.lexsort((-np.abs(effects.effect), is_pair, effects.p_adjusted))
    return table.iloc[order].reset_index(drop=True), order


def exhibits(
    table: pd.DataFrame,
    parts: Sequence[Sequence[Slice]],
    columns: Mapping[str, Array],
    hard: Floats,
    nearest: Mapping[str, Integers],
) -> list[Exhibit]:
    """The named rows of a table, or the first ones, with examples of their slices.

    They are nearest to the centre of a neighbourhood, else the hardest; the easiest where a slice is easier.
    """
    first = table.head(min(max(int(table["named"].sum()), _FEWEST), _SHOWN)).dropna(subset="effect")
    shown = []
    for row, several in zip(first.to_dict("records"), parts, strict=False):
        one, sign = several[0], -1 if row["effect"] < 0 else 1
        weights = np.prod([part.weights for part in several], axis=0)
        if row["value"] == SLOPE:
            weights, sign = sign * weights, 1
        members = np.flatnonzero((weights > _FAR) & np.isfinite(hard))
        order = members[np.argsort(-sign * hard[members], kind="stable")][:_EXAMPLES]
        inside = np.flatnonzero(one.weights != 0)
        values = columns[one.column][inside]
        ends = inside[np.argsort(values, kind="stable")[[0, -1]]]
        order = nearest[one.value] if one.column == NEIGHBOURHOOD and len(several) == 1 else order
        shown.append(Exhibit(row, order, one.column, (int(ends[0]), int(ends[1]))))
    return shown


@dataclass(frozen=True, eq=False)
class Explanation(show.Result):
    """The ``slices`` of a run by how much harder their examples are than others of their class.

    ``parts`` are the columns and values of each, two of a pair. ``columns`` [K] are those looked at and those
    ``adjusted`` for; ``left_out`` says why some tell nothing. ``exhibits`` are of the first rows. With
    features there are ``patterns``, and positions ``nearest`` to the centre of each neighbourhood. ``hard``
    [K] is the mean of the ``score``.
    """

    run: Run = field(repr=False)
    data: Dataset | None = field(repr=False)
    row: Row | None
    split: Split
    score: str
    noun: str
    adjusted: tuple[str, ...]
    slices: pd.DataFrame = field(repr=False)
    parts: Sequence[Sequence[tuple[str, str]]] = field(repr=False)
    columns: Mapping[str, Array] = field(repr=False)
    left_out: Mapping[str, str] = field(repr=False)
    exhibits: Sequence[Exhibit] = field(repr=False)
    hard: Floats = field(repr=False)
    nearest: Mapping[str, Integers] = field(repr=False)
    patterns: Patterns | None = field(repr=False)
    notes: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """A row for each slice, the surest difference first; of equally sure ones pairs last, and the largest.

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
        named = self.slices.index[self.slices["named"]]
        first = self.slices.loc[named].drop_duplicates("column").index[:_SENTENCES]
        none = f"None of {show.quantity(len(self.slices), 'slice')} is harder or easier beyond chance."
        return "\n".join([*(map(self.sentence, first) if len(first) else [none]), self._reach])

    def sentence(self, at: int) -> str:
        """What a row of the table says."""
        row: dict[Any, Any] = self.slices.iloc[at].to_dict()
        parts, sign = self.parts[at], -1 if row["effect"] < 0 else 1
        difference = _DIFFERENT[self.score][sign < 0].format(show.number(sign * row["effect"]))
        low, high = sorted((sign * row["low"], sign * row["high"]))
        which = " and ".join(f"{column} {value}" for column, value in parts)
        nouns, held = f"{self.noun}s", [*(["class"] if self.run.classes else []), *self.adjusted]
        text = f"{show.sentence_case(nouns)} with {which} {difference} than "
        text += "both foretell" if len(parts) > 1 else "others"
        text += f" of their {show.enumeration(held)}" if held and len(parts) == 1 else ""
        if row["value"] == SLOPE:
            which = f"with the highest {row['column']} {difference} than with the lowest"
            text = f"{show.sentence_case(nouns)} {which}"
        return f"{text} ({show.interval_text(low, high)})."

    @property
    def _reach(self) -> str:
        single = [len(one) == 1 and one[0][1] != SLOPE for one in self.parts]
        rows = self.slices[single].dropna(subset="least").sort_values("least")
        ends = (f"{row.least:.2f} ({row.examples:,} {self.noun}s)" for row in rows.iloc[[0, -1]].itertuples())
        return f"Differences of {' to '.join(ends)} would be named in 80 of 100." if len(rows) else ""

    def document(self) -> Any:
        of = {"model": self.run.network, "split": self.split, **(self.row.argument if self.row else {})}
        asked = {"hard": self.score, "adjusted": list(self.adjusted), "left_out": dict(self.left_out)}
        nearest = {value: self.ids[at].tolist() for value, at in self.nearest.items()}
        others = {} if self.patterns is None else {**self.patterns.document(), "neighbourhoods": nearest}
        return {**of, **others, **asked, "slices": super().document()}

    def figure(self) -> Figure:
        """The first slices with their intervals."""
        lines = [[f"{column}: {value}"[:_LONGEST] for column, value in one] for one in self.parts]
        names = ["\n".join(lines[at]) for at in range(len(self.exhibits))]
        estimates = [[one.row[name] for name in ("effect", "low", "high")] for one in self.exhibits]
        label = f"{self.score.replace('_', ' ')} beyond others"
        figure = show.dots_with_intervals(names, {"": (estimates, show.HARD)}, label)
        figure.axes[0].axvline(0, color=show.INK, linewidth=0.8, linestyle=":")
        return figure

    def figures(self) -> Mapping[str, Figure]:
        if self.patterns is None:
            return super().figures()
        return {"Slices, and 95 % intervals": self.figure(), "By frequency": self.patterns.figure()}

    def frames(self) -> list[show.Frame]:
        kinds = {
            "column": show.names(),
            "value": show.names(),
            "examples": show.counts(),
            "effect": show.numbers(2, title="harder by", low="low", high="high", with_sign=True),
            "p_adjusted": show.numbers(3, title="p, adjusted"),
            "least": show.numbers(2, title="least named"),
            **{name: show.numbers(2) for name in _MEANINGS},
        }
        num, most = len(self.slices), min(len(self.slices), _ROWS)
        held = show.enumeration(["others of their class" if self.run.classes else "others", *self.adjusted])
        note = (
            f"The first {most} of {show.quantity(num, 'slice')}. Harder: {_MEANINGS[self.score]}, beyond "
            f"{held}; of a pair beyond what both foretell, of a slope from lowest to highest. p is over all "
            "slices; what is least named is found in 80 of 100. All this goes along with hardness, and need "
            "not cause it."
        )
        columns = {name: kind for name, kind in kinds.items() if name in self.slices}
        title = f"What goes along with hardness of {show.quantity(len(self.ids), self.noun)}"
        others = [] if self.patterns is None else self.patterns.frames()
        return [show.Frame(title, note, self.slices.head(_ROWS), columns), *others]
