"""Columns that may explain what is hard: of the table, of a file beside it, and measured of the examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from easiness.data import (
    Dataset,
    LabelledExamples,
    LabelReader,
    column_values,
    is_value,
    open_table,
    written_in,
)
from easiness.errors import BadInput, nearest, shorten
from easiness.inputs import track
from easiness.lazy import Array, Floats, Integers, Singles, pd
from easiness.regular_file import at_home
from easiness.runs import has_held_out, positions_in
from easiness.spec import Split
from easiness.store import Run

AUTO = "auto"
"""The name that stands for all that can be measured of the examples."""

MOST_VALUES = 50  # of a column of texts
_PER_CLUSTER, _NUM_NEAREST = 50, 8  # examples, on average; and those that show what is in a cluster


@dataclass(frozen=True, eq=False)
class ColumnSources:
    """Where columns of the examples ``ids`` of a run are: ``data`` of their split, and values ``beside``.

    Columns [K] are numbers, NaN where one is missing, or objects, ``None`` where one is.
    """

    run: Run
    split: Split
    data: Dataset | None
    why_none: str
    beside: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def measures(self) -> dict[str, Array]:
        """The numbers that the kind of the examples measures, and of rows of a table their columns."""
        if self.data is None:
            return {}
        data, kind = self.data, self.data.kind
        at = positions_in(data, self.run, self.split)
        if kind.table is not None:
            return _columns_of_rows(data, at)
        if kind.measures is None:
            return {}
        measure, traits = kind.measures, data.traits
        numbers = data.stored.map(lambda value: measure(value, traits))
        rows = pd.DataFrame(list(track(numbers, "measuring examples", len(data)))).iloc[at]
        return {str(name): rows[name].to_numpy(np.float64) for name in rows if rows[name].nunique() > 1}

    @property
    def usual(self) -> tuple[str, ...]:
        """The names that are asked for by default."""
        return (*self.beside, AUTO)

    def columns(self, names: Sequence[str]) -> dict[str, Array]:
        """The columns of these names, each once; `AUTO` stands for all `measures`."""
        values: dict[str, Array] = {}
        for name in names:
            values |= self.measures if name == AUTO else {name: self._column(name)}
        return values

    def _column(self, name: str) -> Array:
        table = None if self.data is None else self.data.columns
        if name in self.beside:
            return self.beside[name]
        if table is not None and name in table.names:
            assert self.data is not None
            return table.cells(name, self.data.ids[positions_in(self.data, self.run, self.split)])
        if name in self.measures:
            return self.measures[name]
        names = [*self.beside, *(() if table is None else table.names), *self.measures]
        there = f"there are {shorten(names, 20)}" if names else self.why_none or "there is none"
        remedy = "name others, or give a table of id and columns with --metadata"
        raise BadInput(f"{self.run.path}: no column {name}{nearest(name, names)}; {there}: {remedy}")


def _columns_of_rows(data: Dataset, at: Integers) -> dict[str, Array]:
    """The columns that rows of a table were made of; of vectors that are none, their length."""
    rows = np.stack(data.values(at)).astype(np.float64)
    assert data.kind.table is not None
    if not data.traits.of_columns:
        return {"length": np.linalg.norm(rows, axis=1)}
    columns = data.kind.table(rows, data.traits)
    return {
        one.name: np.array([one.text(row) or None for row in rows[:, one.at]], object)
        if one.texts
        else rows[:, one.at.start]
        for one in columns
    }


def metadata_columns(run: Run, file: Path, split: Split) -> dict[str, Array]:
    """The columns of a table of ``id`` and others, for the examples of a split of a run.

    Rows of the other split are passed over, and examples without a row have no value.
    """
    table, ids = open_table(at_home(file)), run.ids if split == "train" else run.examples(split)[0]
    table.check_column("id", "; give a table of id and other columns")
    noun = "item" if run.is_outcomes else "training example" if split == "train" else "held-out example"
    examples = LabelledExamples(str(run.path), ids, np.zeros(len(ids), np.int64), (), noun)
    reader = LabelReader(examples, "")
    other: Split = "held_out" if split == "train" else "train"
    is_there = not run.is_outcomes and has_held_out(run)
    others = {str(one) for one in run.examples(other)[0].tolist()} if is_there else set()
    others -= {str(one) for one in ids.tolist()}
    rows: dict[int, int] = {}
    for row, name in enumerate(written_in(table, "id")):
        if name.strip() in others:
            continue
        at = reader.position(table.name_at(row), name)
        if at in rows:
            place = f"{table.name_at(row)}: the id {name!r:.80} is in {table.place_at(rows[at])} already"
            raise BadInput(f"{place}; keep one of them")
        rows[at] = row
    if not rows:
        raise BadInput(f"{file}: names none of the examples of {run.path}; give a table of their ids")
    columns = {}
    for name in table.names:
        if name not in ("id", "") and is_value(table.kind(name)):
            cells = column_values(table, name)
            columns[name] = np.full(len(ids), None if cells.dtype == object else np.nan, cells.dtype)
            columns[name][[*rows]] = cells[[*rows.values()]]
    return columns


def why_left_out(values: Array, strata: Integers) -> str:
    """Why a column [K] can tell nothing beside the ``strata`` [K]; empty where it can."""
    known = pd.notna(values)
    codes, texts = pd.factorize(values[known])
    num = len(texts)
    if num < 2:
        return "has one value"
    if pd.Series(codes).groupby(strata[known]).nunique().max() < 2:
        return "is the label, or follows from it"
    if values.dtype == object and num == known.sum():
        return "has another value for each example"
    if values.dtype == object and num > MOST_VALUES:
        return f"has {num:,} values, more than {MOST_VALUES}"
    return ""


def numbers_to_adjust(columns: Mapping[str, Array]) -> Floats | None:
    """Columns as numbers [K, A], finite: a category as one for each value, what is missing as one more."""
    parts = []
    for values in columns.values():
        frame = pd.get_dummies(pd.Series(values), drop_first=True, dummy_na=True)
        if values.dtype != object:
            missing = np.isnan(values)
            usual = np.nanmean(values)
            frame = pd.DataFrame({"value": np.where(missing, usual, values), "missing": missing})
        parts.append(frame.to_numpy(np.float64))
    return np.hstack(parts) if parts else None


def clusters(unit: Singles) -> tuple[Array, dict[str, Integers]]:
    """Numbers of clusters of unit vectors [K, D], as texts [K], and the positions nearest to each centre."""
    from sklearn.cluster import MiniBatchKMeans

    num = min(max(len(unit) // _PER_CLUSTER, 2), MOST_VALUES)
    fit = MiniBatchKMeans(num, n_init=3, random_state=0).fit(unit)
    far = np.linalg.norm(unit - fit.cluster_centers_[fit.labels_], axis=1)
    order = np.lexsort((far, fit.labels_))
    first = {str(one): order[fit.labels_[order] == one][:_NUM_NEAREST] for one in range(num)}
    return fit.labels_.astype(str).astype(object), first
