"""Columns that may explain what is hard: of the table, of a file beside it, and measured of the examples.

Each is numbers [K], NaN where one is missing, or objects, ``None`` where one is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from easiness.data import (
    Dataset,
    LabelledExamples,
    LabelReader,
    column_values,
    is_value,
    open_table,
    table_of_frame,
    written_in,
)
from easiness.errors import BadInput
from easiness.inputs import track
from easiness.lazy import Array, Floats, Integers, Singles, pd
from easiness.regular_file import at_home
from easiness.runs import has_held_out
from easiness.spec import Split
from easiness.store import Run

AUTO = "auto"
"""The name that stands for all that can be measured of the examples."""

_MOST_VALUES = 50  # of a column of texts
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PER_CLUSTER, _NUM_NEAREST = 50, 8  # examples, on average; and those that show what is in a cluster


def columns_of(names: Sequence[str], data: Dataset, at: Integers) -> dict[str, Array]:
    """Columns of the examples at positions ``at`` [K] of the data: of their table, else what is measured."""
    measures = cache(partial(_measures, data, at))
    values: dict[str, Array] = {}
    for name in names:
        try:
            values |= measures() if name == AUTO else {name: _by_time(data.cells(name)[at])}
        except BadInput:
            if name not in measures():
                raise
            values[name] = measures()[name]
    return values


def _measures(data: Dataset, at: Integers) -> dict[str, Array]:
    """The numbers that the kind of the examples measures, without those that are the same in all."""
    measure, traits = data.kind.measures, data.traits
    if measure is None:
        return {}
    numbers = data.stored.map(lambda value: measure(value, traits))
    rows = pd.DataFrame(track(numbers, "measuring examples", len(data)), dtype=np.float64)
    return {str(name): rows[name].to_numpy()[at] for name in rows if rows[name].nunique() > 1}


def metadata_columns(run: Run, source: Any, split: Split) -> dict[str, Array]:
    """The columns of a table, or DataFrame, of ``id`` and others, for the examples of a split of a run.

    Rows of the other split are passed over, and examples without a row have no value.
    """
    is_file = isinstance(source, str | os.PathLike)
    table = open_table(at_home(Path(source))) if is_file else table_of_frame(source, "metadata")
    ids, places = example_ids(run, split)
    table.check_column("id", "; give a table of id and other columns")
    others = example_ids(run, "train")[0] if split == "held_out" else ids[:0]
    if split == "train" and not run.is_outcomes and has_held_out(run):
        others = example_ids(run, "held_out")[0]
    passed_over = {*map(str, others.tolist())} - {*map(str, ids.tolist())}
    noun = "item" if run.is_outcomes else "example"
    reader = LabelReader(LabelledExamples(str(run.path), ids, np.zeros(len(ids), np.int64), (), noun), "")
    rows: dict[int, int] = {}
    for row, name in enumerate(written_in(table, "id")):
        if name.strip() not in passed_over:
            at = reader.position(table.name_at(row), name)
            if rows.setdefault(at, row) != row:
                problem = f"the id {name!r:.80} is in {table.place_at(rows[at])} already"
                raise BadInput(f"{table.name_at(row)}: {problem}; keep one of them")
    names = [name for name in table.names if name not in ("id", "") and is_value(table.kind(name))]
    if not rows or not names:
        lacks = "column of values" if rows else f"example of {run.path}"
        raise BadInput(f"{table.where}: has no {lacks}; give a table of id and other columns")
    columns = {name: column_values(table, name, np.array([*rows.values()])) for name in names}
    for name, one in columns.items():
        nothing = np.full(len(ids), None if one.dtype == object else np.nan, one.dtype)
        nothing[[*rows]] = one
        columns[name] = _by_time(nothing[places])
    return columns


def _by_time(values: Array) -> Array:
    """Days of more than `_MOST_VALUES` different ones by month, or else by year; other values as they are."""
    known = values[pd.notna(values)]
    if values.dtype != object or len({*known}) <= _MOST_VALUES or not all(map(_DAY.match, map(str, known))):
        return values
    months = np.array([None if one is None else str(one)[:7] for one in values], object)
    return months if len({*months}) <= _MOST_VALUES else np.array([one and one[:4] for one in months], object)


def example_ids(run: Run, split: Split) -> tuple[Array, Integers]:
    """The ids of the examples of a split, and which each row of the run is of [K]; of tags several are."""
    tags = run.tags_of(split)
    if tags is not None:
        return np.unique(tags.examples, return_inverse=True)
    ids = run.ids if split == "train" else run.examples(split)[0]
    return ids, np.arange(len(ids))


def why_left_out(values: Array, strata: Integers) -> str:
    """Why a column [K] can tell nothing beside the ``strata`` [K]; empty where it can."""
    known = pd.notna(values)
    codes, texts = pd.factorize(values[known])
    if len(texts) < 2:
        return "has one value" if len(texts) else "is empty"
    if pd.Series(codes).groupby(strata[known]).nunique().max() < 2:
        return "is the label, or follows from it"
    if values.dtype == object and len(texts) == known.sum():
        return "has another value for each example"
    if values.dtype == object and len(texts) > _MOST_VALUES:
        return f"has {len(texts):,} values, more than {_MOST_VALUES}"
    return ""


def numbers_to_adjust(columns: Mapping[str, Array]) -> Floats | None:
    """Columns as numbers [K, A], finite: categories as one a value, and what is missing as one more.

    Numbers are standardized, since of very unequal ones the small would be lost; infinite ones are missing.
    """
    parts = [
        pd.get_dummies(pd.Series(values), drop_first=True, dummy_na=True)
        if values.dtype == object
        else np.stack([_standardize(values), ~np.isfinite(values)], axis=1)
        for values in columns.values()
    ]
    return np.hstack(parts).astype(np.float64) if parts else None


def _standardize(values: Floats) -> Floats:
    """Numbers with mean 0 and standard deviation 1; 0 where one is not finite."""
    finite = pd.Series(np.where(np.isfinite(values), values, np.nan))
    finite /= finite.abs().max()  # whose squares may be too large
    return np.asarray(((finite - finite.mean()) / finite.std()).fillna(0), np.float64)


def clusters(unit: Singles) -> tuple[Array, dict[str, Integers]]:
    """Numbers of clusters of unit vectors [K, D], as texts [K], and the positions nearest to each centre."""
    from sklearn.cluster import MiniBatchKMeans

    num = min(max(len(unit) // _PER_CLUSTER, 2), _MOST_VALUES)
    fit = MiniBatchKMeans(num, n_init=3, random_state=0).fit(unit)
    order = np.argsort(np.linalg.norm(unit - fit.cluster_centers_[fit.labels_], axis=1), kind="stable")
    nearest = {str(one): order[fit.labels_[order] == one][:_NUM_NEAREST] for one in range(num)}
    return fit.labels_.astype(str).astype(object), nearest
