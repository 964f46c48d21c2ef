"""Outcomes that somebody else has measured: which items which model got right, read from a table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from easiness.csv_cells import from_cell
from easiness.data.outcome_forms import ROLES, as_texts, table_at
from easiness.data.tables.table import INTEGER, MISSING, Table, is_value, number_in
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import check_names, reading
from easiness.lazy import pd
from easiness.regular_file import at_home

MOST_MODELS = 1000
"""Models of which each has a run; more are trials."""

_MEASURES = (("right",), ("score",), ("count", "correct"))
_TRIAL = ["item", "model", "trial"]
_ROWS = [*_TRIAL, "count", "correct", "answer"]
_OF_ITEMS = ("text", "key", "group")
_WORDS = (*_TRIAL, *_OF_ITEMS, "answer", "error")
_NO_ERROR = (*MISSING, "false", "0", "none")
_MOST = 2**31 - 1
_FILL = "fill it in, or leave the row out"
_WHOLE = (lambda value: value.between(0, _MOST) & (value % 1 == 0), "write a whole number")
_NUMBERS: Mapping[str, tuple[Callable[[pd.Series[float]], pd.Series[bool]], str]] = {
    "right": (lambda value: value.isin((0, 1)), "write 0 or 1"),
    "score": (lambda value: value.between(0, 1), "write a number from 0 to 1"),
    "count": _WHOLE,
    "correct": _WHOLE,
}
"""The roles of numbers: which can be, and what to do about others."""


@dataclass(frozen=True, eq=False)
class OutcomeTable:
    """Outcomes of K items, as a table says them.

    ``rows`` has, in the order of the table, ``item`` (position in ``items``, int64), ``model`` (str),
    ``trial`` (str or None), ``count`` (trials, int64), ``correct`` (those that are right, or the sum of their
    scores, float64) and ``answer`` (str or None). ``items`` has ``id`` (int64, or str), in the order of first
    appearance, where present ``text``, ``key`` and ``group``, and columns of metadata: float64, or str and
    None. ``num_errors`` trials errored and are in no row.
    """

    rows: pd.DataFrame
    items: pd.DataFrame
    num_errors: int
    notes: tuple[str, ...]


def read_outcomes(
    table: Any,
    *,
    columns: Mapping[str, str],
    errors: Literal["leave-out", "wrong"],
    model: str | None = "model",
) -> OutcomeTable:
    """The outcomes in a file, in the files of one form below a folder, or in a data frame.

    ``columns`` are names of columns by role (`ROLES`); columns without a role are metadata. A trial errored
    where its outcome is missing or the column ``error`` says something: it is left out, or wrong. Rows are
    of the ``model`` where no column names theirs; None refuses them.

    Raises:
        BadInput: a table that says no outcomes, or contradicts itself.
    """
    if isinstance(table, str | Path):
        content, names, notes = table_at(at_home(table), columns)
    else:
        content, names, notes = table_of_frame(table, "table"), dict(columns), []
    roles = _roles(content, names)
    if model is None:
        content.check_column(roles.get("model", "model"), "; there are several models that rows may join")
    cells = _measured(content, roles)
    is_error = cells["correct"].isna() | cells["error"].notna()
    num_errors = int(cells["count"][is_error].sum())
    if errors == "wrong" and num_errors:
        notes.append(f"trials that errored and count as wrong: {num_errors:,}")
        cells["correct"] = cells["correct"].mask(is_error, 0)
        is_error, num_errors = is_error & False, 0
    num_items = cells["item"].nunique()
    cells = _with_trials(content, roles, cells, is_error)
    if not {*_NUMBERS} & {*roles}:
        notes += _notes_on_keys(cells)
    _check_trials(content, cells, are_counts="count" in roles)
    item, ids = pd.factorize(cells["item"])
    if num_lost := num_items - len(ids):
        notes.append(f"items left out, without a trial that did not error: {num_lost:,}")
    items = _items(content, roles, cells.assign(item=item), ids, notes)
    if "model" not in roles:
        cells["model"] = cells["model"].fillna(model)
    rows = cells.assign(item=item)[_ROWS].reset_index(drop=True).astype({"item": np.int64, "count": np.int64})
    sizes = rows[["model", "item"]].drop_duplicates()["model"].value_counts()
    if num_fewer := int((sizes < len(items)).sum()):
        some = f"{num_fewer:,} of {len(sizes):,} models have not all of the {len(items):,} items"
        notes.append(f"{some} ({sizes.index[-1]:.80} has {sizes.iloc[-1]:,})")
    return OutcomeTable(rows, items, num_errors, tuple(notes))


def _with_trials(
    table: Table, roles: Mapping[str, str], cells: pd.DataFrame, is_error: pd.Series[bool]
) -> pd.DataFrame:
    """The rows of trials that did not error."""
    rest = cells[~is_error & (cells["count"] > 0)]
    if rest["item"].nunique() < 2:  # too few to leave a mistake out
        counts = cells["count"].map("{:.0f}".format)
        remedy = "write how many trials there were, or leave the row out"
        _check(table, cells["count"] > 0, roles.get("count", "count"), counts, remedy)
    if rest.empty:
        num = int(cells["count"].sum())
        problem = f"all {num:,} trials errored" if num else "no rows"
        raise BadInput(f"{table.where}: {problem}; give some that did not error, or --errors wrong")
    return rest


def _notes_on_keys(cells: pd.DataFrame) -> list[str]:
    """A note on the keys that no answer to any item is."""
    items = cells[~cells["key"].isin(cells["answer"])].drop_duplicates("item")
    if items.empty:
        return []
    some = "1 item has" if len(items) == 1 else f"{len(items):,} items have"
    item, key = items.iloc[0][["item", "key"]]
    return [f"{some} a key that nobody answered ({item:.80}: {key!r:.80})"]


def check_models(outcomes: OutcomeTable, where: object) -> None:
    """Make sure that there are no more models than runs can be kept of."""
    num = outcomes.rows["model"].nunique()
    if num > MOST_MODELS:
        problem = f"{num:,} models, of which each would be a run, and at most {MOST_MODELS:,} can be"
        raise BadInput(f"{where}: {problem}; take them as trials with --trials-are models")


def table_of_frame(frame: Any, where: str) -> Table:
    """The table in a data frame of pandas or polars."""
    import pyarrow as pa

    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    if not isinstance(frame, pd.DataFrame):
        what = f"{where}: {type(frame).__name__} is no table"
        raise BadInput(f"{what}; give a path, or a data frame of pandas or polars")
    with reading(where, "give each column one name, and values of one kind", "no table of columns"):
        table = pa.Table.from_pandas(frame, preserve_index=False)
    return Table(where, table.schema, len(frame), lambda row: f"{where}: row {row}", table.column)


def _roles(table: Table, columns: Mapping[str, str]) -> dict[str, str]:
    """The columns by role; of those that may say what is right the ones that do."""
    for role, name in columns.items():
        if role not in ROLES:
            raise BadInput(f"--columns {role}: unknown{nearest(role, ROLES)}; name {', '.join(ROLES)}")
        table.check_column(name, f"; name one, as in --columns {role}=NAME")
        if list(columns.values()).count(name) > 1:
            raise BadInput(f"--columns {role}={name}: named for two roles; name another for one of them")
    roles = dict(columns)
    for role, names in ROLES.items():
        free = [name for name in names if name in table.names and name not in roles.values()]
        if role not in roles and free:
            roles[role] = free[0]
    table.check_column(roles.get("item", "item"), "; name that of items by --columns item=NAME")
    if "correct" in roles and not {"count", "right"} & {*roles}:
        roles["right"] = roles.pop("correct")
    measures = [one for one in _MEASURES if {*one} <= {*roles}]
    measures = [one for one in measures if {*one} & {*columns}] or measures
    if len(measures) > 1:
        (first, *_), (second, *_) = measures[:2]
        remedy = f"name the one to take, as in --columns {first}={roles[first]}"
        raise BadInput(f"{table.where}: both {roles[first]} and {roles[second]}; {remedy}")
    if not measures and not {"answer", "key"} <= {*roles}:
        problem = "no column right, nor score, nor both count and correct, nor both answer and key"
        remedy = f"name them by --columns; its columns are {shorten(table.names, 20)}"
        raise BadInput(f"{table.where}: {problem}; {remedy}")
    no_measure = {*_NUMBERS}.difference(*measures)
    return {role: name for role, name in roles.items() if role not in no_measure}


def cells_in(table: Table, name: str | None, missing: Collection[str] = ("",)) -> pd.Series[Any]:
    """The cells of a column as texts; None where they are ``missing``, in small letters, or it is."""
    if name is None:
        return pd.Series([None] * table.num_rows, dtype=object)
    if not is_value(table.kind(name)):
        raise BadInput(f"{table.where}: column {name} holds {table.kind(name)}; give texts or numbers")
    cells = as_texts(table, name).combine_chunks().dictionary_encode()
    words = [None if word.lower() in missing else from_cell(word) for word in cells.dictionary.to_pylist()]
    places = cells.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return pd.Series(np.array([*words, None], object)[places], dtype=object)


def _check(table: Table, good: pd.Series[bool], name: str, cells: pd.Series[Any], remedy: str) -> None:
    """Refuse the first row that is not good, with its cell."""
    if not good.all():
        row = int(good.argmin())
        text = f"{cells[row]!r:.80}" if isinstance(cells[row], str) else "empty"
        raise BadInput(f"{table.name_at(row)}: the {name} is {text}; {remedy}")


def _measured(table: Table, roles: Mapping[str, str]) -> pd.DataFrame:
    """The cells of `_WORDS`, and how many trials a row is of and how many are right, NaN if unknown."""
    missing = {"error": _NO_ERROR}
    cells = pd.DataFrame(
        {role: cells_in(table, roles.get(role), missing.get(role, ("",))) for role in _WORDS}
    )
    for role in [role for role in ("item", "model") if role in roles]:
        _check(table, cells[role].notna(), role, cells[role], _FILL)
        check_names(cells[role].unique(), f"{table.where}: {role}s")
    numbers = {}
    for role, (is_good, remedy) in _NUMBERS.items():
        if role in roles:
            texts = cells_in(table, roles[role], MISSING)
            words = {word: number_in(word) for word in texts.dropna().unique()}
            numbers[role] = texts.map(words).astype(np.float64)
            may_lack = texts.isna() & (role != "count")
            _check(table, is_good(numbers[role]) | may_lack, roles[role], texts, remedy)
    if "count" in numbers:
        is_part = ~(numbers["correct"] > numbers["count"])
        _check(table, is_part, roles["correct"], texts, "write at most the count of the row")
        return cells.assign(**numbers)
    if numbers:
        return cells.assign(count=1.0, correct=next(iter(numbers.values())))
    answers, keys = cells["answer"], cells["key"]
    _check(table, keys.notna(), roles["key"], keys, _FILL)
    if not keys.isin(answers.dropna()).any():
        remedy = "write both in the same form, or name others by --columns"
        raise BadInput(f"{table.where}: no answer is a key, such as {keys[0]!r:.80}; {remedy}")
    return cells.assign(count=1.0, correct=(answers == keys).astype(np.float64).where(answers.notna()))


def _check_trials(table: Table, cells: pd.DataFrame, *, are_counts: bool) -> None:
    """Make sure that no trial of an item and a model is there twice."""
    again = cells.duplicated(_TRIAL) & (cells["trial"].notna() | are_counts)
    if again.any():
        row = cells.index[int(again.argmax())]
        names = cells[_TRIAL].fillna("")
        first = cells.index[int(names.eq(names.loc[row]).all(axis=1).argmax())]
        trial = ", ".join(f"{role} {name!r:.80}" for role, name in names.loc[row].items() if name)
        remedy = "add their counts up" if are_counts else "keep one, or number the trials"
        place = table.name_at(row)
        other = table.name_at(first).removeprefix(f"{place.rpartition(': ')[0]}: ")
        raise BadInput(f"{place}: {trial} is in {other} too; {remedy}")


def _items(
    table: Table, roles: Mapping[str, str], cells: pd.DataFrame, ids: Any, notes: list[str]
) -> pd.DataFrame:
    """The table of items, of which all rows have to say the same."""
    integers = all(map(INTEGER.fullmatch, ids))
    items = pd.DataFrame({"id": ids.astype(np.int64) if integers else pd.Series(ids, dtype=object)})
    others = [name for name in dict.fromkeys(table.names) if name and name not in roles.values()]
    metadata = [
        name
        for name in others
        if name not in ("id", *_OF_ITEMS) and table.names.count(name) == 1 and is_value(table.kind(name))
    ]
    unusable = [name for name in others if name not in metadata]
    for name in (*(role for role in _OF_ITEMS if role in roles), *metadata):
        is_metadata = name in metadata
        column = cells_in(table, name)[cells.index] if is_metadata else cells[name]
        known = pd.DataFrame({"item": cells["item"], "value": column}).dropna().drop_duplicates()
        again = known["item"].duplicated()
        if is_metadata and again.any():
            unusable.append(name)
        elif again.any():
            row = known.index[int(again.argmax())]
            which = f"item {ids[known.loc[row, 'item']]!r:.80} has another {name} than before"
            raise BadInput(f"{table.name_at(row)}: {which}; give other ids to other items")
        else:
            texts = known.set_index("item")["value"].reindex(items.index)
            numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
            are_numbers = is_metadata and np.isfinite(numbers[texts.notna()]).all()
            items[name] = numbers if are_numbers else texts.where(texts.notna(), None)
    if unusable:
        problem = "they differ within items or are no values"
        notes.append(f"columns left out, since {problem}: {shorten(unusable, 9)}")
    return items
