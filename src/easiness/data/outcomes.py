"""Outcomes that somebody else has measured: which items which model got right, read from a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.csv_cells import from_cell
from easiness.data.outcome_forms import ROLES, table_at
from easiness.data.tables.table import INTEGER, MISSING, Table, is_numbers, number_in
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import check_names, is_text, reading
from easiness.lazy import Floats, Integers, Mask, pd
from easiness.regular_file import at_home

MOST_MODELS = 1000
"""Models of which each has a run; more are trials."""

_MEASURES = (("right",), ("score",), ("count", "correct"))
_PAIRS = (("count", "correct"), ("answer", "key"))
_OF_ITEMS = ("text", "key", "group")
_NO_ERROR = (*MISSING, "false", "0", "none")
_MOST = 2**31


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


class _Words(NamedTuple):
    """The cells of a column: their places among ``words`` [W], -1 of empty ones."""

    codes: Integers
    words: list[str]

    def map(self, make: Callable[[str], Any], missing: Any, kind: npt.DTypeLike) -> npt.NDArray[Any]:
        values = np.empty(len(self.words) + 1, kind)
        values[:-1], values[-1] = [make(word) for word in self.words], missing
        return values[self.codes]

    def texts(self) -> npt.NDArray[np.object_]:
        return self.map(str, None, object)


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
        content, names, notes = _of_frame(table), dict(columns), []
    roles = _roles(content, names)
    if model is None:
        content.check_column(roles.get("model", "model"), "; there are several models that rows may join")
    words = {role: _words(content, name) for role, name in roles.items() if role not in _LIMITS}
    for role in words.keys() & {"item", "model"}:
        remedy = "fill it in, or leave the row out"
        _check(content, words[role].codes >= 0, role, words[role].texts(), remedy)
        check_names(words[role].words, f"{content.where}: {role}s")
    count, correct = _counts(content, roles, words)
    is_error = np.isnan(correct)
    if "error" in words:
        is_error |= words["error"].map(lambda word: word.lower() not in _NO_ERROR, False, np.bool_)
    num_errors = int(count[is_error].sum())
    if errors == "wrong" and num_errors:
        notes.append(f"trials that errored and count as wrong: {num_errors:,}")
        correct[is_error], is_error, num_errors = 0, np.zeros_like(is_error), 0
    takes = np.flatnonzero(~is_error & (count > 0))
    if not len(takes):
        raise BadInput(f"{content.where}: no trial that did not error; give some, or --errors wrong")
    _check_trials(content, words, takes, are_counts="count" in roles)
    item, ids = pd.factorize(words["item"].codes[takes])
    if num_lost := len(words["item"].words) - len(ids):
        notes.append(f"items left out, without a trial that did not error: {num_lost:,}")
    items = _items(content, roles, words, takes, item, ids, notes)
    rows = pd.DataFrame({"item": item.astype(np.int64)})
    for role, absent in (("model", model), ("trial", None), ("answer", None)):
        cells = words[role].texts() if role in words else np.full(len(count), absent, object)
        rows[role] = pd.Series(cells[takes], dtype=object)
    rows.insert(3, "count", count[takes].astype(np.int64))
    rows.insert(4, "correct", correct[takes])
    notes += _unequal(rows, len(items))
    return OutcomeTable(rows, items, num_errors, tuple(notes))


def check_models(outcomes: OutcomeTable, where: object) -> None:
    """Make sure that there are no more models than runs can be kept of."""
    num = outcomes.rows["model"].nunique()
    if num > MOST_MODELS:
        problem = f"{num:,} models, of which each would be a run, and at most {MOST_MODELS:,} can be"
        raise BadInput(f"{where}: {problem}; take them as trials with --trials-are models")


def _of_frame(frame: Any) -> Table:
    import pyarrow as pa

    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    if not isinstance(frame, pd.DataFrame):
        what = f"table: {type(frame).__name__} is no table"
        raise BadInput(f"{what}; give a path, or a data frame of pandas or polars")
    if frame.empty:
        raise BadInput("table: no rows; give one for each trial")
    with reading("table", "give each column a name, and values of one kind", "no table of columns"):
        table = pa.Table.from_pandas(frame, preserve_index=False)
    return Table("table", table.schema, len(frame), lambda row: f"table: row {row}", table.column)


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
    if "correct" in roles and not {"count", "right"} & {*roles}:
        roles["right"] = roles.pop("correct")
    measures = [one for one in _MEASURES if {*one} <= {*roles}]
    measures = [one for one in measures if {*one} & {*columns}] or measures
    if len(measures) > 1:
        (first, *_), (second, *_) = measures[:2]
        remedy = f"name the one to take, as in --columns {first}={roles[first]}"
        raise BadInput(f"{table.where}: both {roles[first]} and {roles[second]}; {remedy}")
    table.check_column(roles.get("item", "item"), "; name that of items by --columns item=NAME")
    for one, other in () if measures else (*_PAIRS, *(pair[::-1] for pair in _PAIRS)):
        if one in roles and other not in roles:
            raise BadInput(f"{table.where}: {roles[one]} without {other}; name it by --columns {other}=NAME")
    if not measures and "key" not in roles:
        some = f"its columns are {shorten(table.names, 20)}"
        raise BadInput(
            f"{table.where}: no column right, score, count or answer; name one by --columns; {some}"
        )
    no_measure = {*_LIMITS}.difference(*measures)
    roles = {role: name for role, name in roles.items() if role not in no_measure}
    for name in roles.values():
        table.check_column(name)
    return roles


def _words(table: Table, name: str) -> _Words:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = table.kind(name)
    if not _is_scalar(kind):
        raise BadInput(f"{table.where}: column {name} holds {kind}; give texts or numbers")
    texts = table.column(name).cast(kind).cast(pa.large_string())
    cells = pc.utf8_trim_whitespace(texts).combine_chunks().dictionary_encode()
    words = [from_cell(word) if word[:1] == "'" else word for word in cells.dictionary.to_pylist()]
    missing = {"", "nan"} if pa.types.is_floating(kind) else {""}
    places, unique = pd.factorize(
        np.array([None if word in missing else word for word in [*words, ""]], object)
    )
    codes = cells.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    return _Words(places[codes].astype(np.int64), unique.tolist())


def _is_scalar(kind: Any) -> bool:
    from pyarrow import types

    return is_text(kind) or is_numbers(kind) or bool(types.is_timestamp(kind) or types.is_date(kind))


def _check(table: Table, good: Mask, name: str, values: npt.NDArray[Any], remedy: str) -> None:
    """Refuse the first row that is not good, with its value."""
    if not good.all():
        value = values[int(good.argmin())]
        is_empty = value is None or value != value
        text = "empty" if is_empty else f"{value!r:.80}" if isinstance(value, str) else f"{value:g}"
        raise BadInput(f"{table.name_at(int(good.argmin()))}: the {name} is {text}; {remedy}")


def _numbers(table: Table, name: str) -> Floats:
    """The numbers [K] in a column, 1 and 0 of true and false; NaN of empty cells."""
    words = _words(table, name)
    is_good = words.map(lambda word: word.lower() in MISSING or number_in(word) is not None, True, np.bool_)
    _check(table, is_good, name, words.texts(), "write a number, or empty the cell")
    return words.map(number_in, math.nan, np.float64)


_Limit: TypeAlias = tuple[str, Callable[[Floats], Mask]]
_WHOLE: _Limit = (
    "write a whole number",
    lambda value: (np.floor(value) == value) & (value >= 0) & (value < _MOST),
)
_LIMITS: dict[str, _Limit] = {
    "right": ("write 0 or 1, or name the column of scores", lambda value: np.isin(value, (0, 1))),
    "score": ("write a number from 0 to 1", lambda value: (value >= 0) & (value <= 1)),
    "count": _WHOLE,
    "correct": _WHOLE,
}


def _counts(table: Table, roles: Mapping[str, str], words: Mapping[str, _Words]) -> tuple[Floats, Floats]:
    """How many trials each row [K] is of, and how many are right, NaN where that is not known."""
    values = {role: _numbers(table, roles[role]) for role in _LIMITS if role in roles}
    for role, value in values.items():
        remedy, is_good = _LIMITS[role]
        is_error = np.isnan(value) & (role != "count")
        _check(table, is_good(value) | is_error, roles[role], value, remedy)
    if "count" in values:
        count, correct = values["count"], values["correct"]
        _check(table, ~(correct > count), roles["correct"], correct, "write at most the count of the row")
        return count, correct
    ones = np.ones(table.num_rows)
    if values:
        return ones, next(iter(values.values()))
    answers, keys = words["answer"].texts(), words["key"].texts()
    _check(table, words["key"].codes >= 0, roles["key"], keys, "fill it in, or leave the row out")
    if not {*words["answer"].words} & {*words["key"].words}:
        remedy = "write both in the same form, or name others by --columns"
        raise BadInput(f"{table.where}: no answer is a key, such as {keys[0]!r:.80}; {remedy}")
    return ones, np.where(words["answer"].codes < 0, np.nan, answers == keys)


def _check_trials(table: Table, words: Mapping[str, _Words], takes: Integers, *, are_counts: bool) -> None:
    """Make sure that no trial of an item and a model is there twice."""
    codes = pd.DataFrame(
        {role: words[role].codes[takes] for role in ("item", "model", "trial") if role in words}
    )
    repeats = codes if are_counts else codes[codes.get("trial", pd.Series(-1, codes.index)) >= 0]
    repeats = repeats[repeats.duplicated()]
    if len(repeats):
        row = repeats.iloc[0]
        first = int((codes == row).all(axis=1).to_numpy().argmax())
        trial = ", ".join(f"{role} {words[role].words[row[role]]!r:.80}" for role in words if role in row)
        remedy = "add their counts up" if are_counts else "keep one, or number the trials"
        place = table.name_at(takes[repeats.index[0]])
        other = table.name_at(takes[first]).removeprefix(f"{place.rpartition(': ')[0]}: ")
        raise BadInput(f"{place}: {trial} is in {other} too; {remedy}")


def _items(
    table: Table,
    roles: Mapping[str, str],
    words: Mapping[str, _Words],
    takes: Integers,
    item: Integers,
    ids: Integers,
    notes: list[str],
) -> pd.DataFrame:
    """The table of items, of which all rows have to say the same."""
    names = np.array(words["item"].words, object)[ids]
    integers = all(INTEGER.fullmatch(name) for name in names)
    items = pd.DataFrame({"id": names.astype(np.int64) if integers else pd.Series(names, dtype=object)})
    others = [name for name in dict.fromkeys(table.names) if name and name not in roles.values()]
    unusable = [name for name in others if name in (*items, *_OF_ITEMS) or table.names.count(name) > 1]
    columns = {role: roles[role] for role in _OF_ITEMS if role in roles}
    columns |= {name: name for name in others if name not in unusable}
    for role, name in columns.items():
        is_metadata = role not in roles
        if is_metadata and not _is_scalar(table.kind(name)):
            unusable.append(name)
            continue
        cells = _words(table, name) if is_metadata else words[role]
        codes = cells.codes[takes]
        there = np.flatnonzero(codes >= 0)
        first = np.full(len(names), -1)
        first[item[there[::-1]]] = codes[there[::-1]]  # of several values for a place the last stays
        differs = there[codes[there] != first[item[there]]]
        if is_metadata and len(differs):
            unusable.append(name)
        elif len(differs):
            which = f"item {names[item[differs[0]]]!r:.80} has another {name} than before"
            raise BadInput(f"{table.name_at(takes[differs[0]])}: {which}; give other ids to other items")
        else:
            texts = pd.Series(_Words(first, cells.words).texts(), dtype=object)
            items[role] = _typed(texts) if is_metadata else texts
    if unusable:
        notes.append(
            f"columns left out, since they differ within items or are no values: {shorten(unusable, 9)}"
        )
    return items


def _typed(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers where all cells that say something are, else the cells."""
    numbers = pd.to_numeric(cells, errors="coerce").astype(np.float64)
    return numbers if np.isfinite(numbers[cells.notna()]).all() else cells


def _unequal(rows: pd.DataFrame, num_items: int) -> list[str]:
    """A note where a model has other items than the rest."""
    pairs = rows[["model", "item"]].drop_duplicates()["model"].value_counts()
    fewer = pairs[pairs < num_items]
    if fewer.empty:
        return []
    least = f"{fewer.index[-1]:.80} has {fewer.iloc[-1]:,}"
    return [f"{len(fewer):,} of {len(pairs):,} models have not all of the {num_items:,} items ({least})"]
