"""Votes of several people or models on the classes of items, in whatever form they come."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.label_files import (
    MOST_BYTES,
    UNKNOWN,
    UNSURE,
    Answer,
    LabelledExamples,
    LabelReader,
    answers_in_decisions,
    answers_to_tasks,
    read_label_file,
)
from easiness.data.outcome_forms import ROLES
from easiness.data.outcomes import cells_in, table_of_frame
from easiness.data.tables.splits import open_table
from easiness.data.tables.table import INTEGER, MISSING, Table
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import check_names, reading
from easiness.lazy import Integers, Mask, pd
from easiness.regular_file import at_home, read_regular

_ITEM = (*ROLES["item"], "example", "task")
_BY = ("by", "annotator", "worker", "who", *ROLES["model"])
_FORMS = "give columns item, by and label, or one of items and one for each person, or JSON of Label Studio"
_WHOLE = re.compile(r"(-?[0-9]+)(\.0+)?")  # a column with empty cells may make 3.0 of 3
_FEW = 10  # texts that no other person may have written, by chance

Texts = str | tuple[str, ...]
"""A text that names a class or several; or names, without any where somebody is unsure."""


@dataclass(frozen=True, eq=False)
class Annotations:
    """Votes of J people or models on K items, each for one of C classes or several, or unsure.

    ``ids`` [K] are int64 or str, ``people`` [J] and ``classes`` [C] names. ``votes`` has a row for each
    person, item and class that the person named there: ``item`` and ``by`` (positions, int64), ``label``
    (int64, `UNKNOWN` of somebody who is unsure) and ``share`` (float64, 1 / classes that the person named
    there). ``notes`` say what was left out, and what was taken for what.
    """

    ids: npt.NDArray[Any]
    people: tuple[str, ...]
    classes: tuple[str, ...]
    votes: pd.DataFrame
    notes: tuple[str, ...] = ()

    def among(self, ids: npt.NDArray[Any], classes: tuple[str, ...]) -> Annotations:
        """The same votes, beside more ``ids`` and ``classes``."""
        item = pd.Index(ids).get_indexer(self.ids.astype(ids.dtype))[self.votes["item"]]
        label = np.append(pd.Index(classes).get_indexer(pd.Index(self.classes)), UNKNOWN)[self.votes["label"]]
        votes = self.votes.assign(item=item, label=label)
        return replace(self, ids=ids, classes=classes, votes=votes)


@dataclass(frozen=True, eq=False)
class _Answers:
    """Answers as they are written: ``cells`` has a row each of ``item``, ``by`` and ``answer``.

    ``place_at`` names a row.
    """

    where: str
    cells: pd.DataFrame
    place_at: Callable[[int], str]
    notes: list[str]

    def are_votes(self) -> Mask:
        """The rows with an answer [n], of which each has to name who gave it to which item."""
        is_vote = self.cells["answer"].notna()
        if not is_vote.any():
            raise BadInput(f"{self.where}: no votes; {_FORMS}")
        for role in ("item", "by"):
            lacks = is_vote & self.cells[role].isna()
            if lacks.any():
                where = self.place_at(int(lacks.argmax()))
                raise BadInput(f"{where}: the {role} is empty; fill it in, or leave the row out")
        if num_empty := int((~is_vote).sum()):
            self.notes.append(f"empty answers, left out: {num_empty:,}")
        return is_vote.to_numpy()

    def says(self, row: int) -> str:
        item, by, text = (self.cells[role][row] for role in ("item", "by", "answer"))
        return f"{by!r:.80} says {_in_quotes(text)} of item {item!r:.80}"


def _in_quotes(text: Texts) -> str:
    return shorten(f"{one!r:.80}" for one in ((text,) if isinstance(text, str) else text or (UNSURE,)))


def read_annotations(source: Any, of: LabelledExamples | None = None, *, by: str = "") -> Annotations:
    """The votes in a file, or in a data frame of pandas or polars.

    They are a table of ``item,by,label``, one with a column of items and one for each person, a file of
    decisions, or JSON of Label Studio. Ids and classes are those ``of`` the examples, where these are known.
    Else items and people stand in the order in which they come, and classes are sorted. A table of items and
    labels alone has the answers of one person, whose name is ``by``, and a column ``class`` counts before it.

    Raises:
        BadInput: no votes, two answers of a person to an item, an item or a class that the examples have not.
    """
    reader = LabelReader(of, "") if of else None
    answers = _answers_in(source, of, by)
    is_vote = answers.are_votes()
    cells = answers.cells[is_vote]
    person, people = _places(answers.cells["by"], is_vote)
    check_names(people, f"{answers.where}: people")
    if reader is None:
        item, names = _places(answers.cells["item"], is_vote)
        check_names(names, f"{answers.where}: items")
        ids = np.array(names, np.int64 if all(map(INTEGER.fullmatch, names)) else np.str_)
    else:
        distinct = cells["item"].drop_duplicates()
        rows = zip(distinct.index, distinct, strict=True)
        positions = {name: reader.position(answers.place_at(row), name) for row, name in rows}
        item, ids = cells["item"].map(positions).to_numpy(np.int64), reader.of.ids
    text, texts = pd.factorize(cells["answer"])
    first = cells.index[np.unique(text, return_index=True)[1]].tolist()
    meanings = _meanings(dict(zip(texts, first, strict=True)), reader, answers)
    classes = tuple(sorted({*chain(*meanings)})) if of is None else of.classes
    check_names(classes, f"{answers.where}: classes")
    codes = {names: code for code, names in enumerate(dict.fromkeys(meanings))}
    answer = np.array([codes[names] for names in meanings])[text]
    votes = pd.DataFrame({"item": item, "by": person, "answer": answer}, index=cells.index)
    _check_repeats(votes, answers)
    places = {name: label for label, name in enumerate(classes)}
    labels = pd.Series([[places[name] for name in names] or [UNKNOWN] for names in codes])
    meaning = pd.DataFrame({"answer": labels.index, "label": labels, "share": 1 / labels.map(len)})
    votes = votes.drop_duplicates().merge(meaning.explode("label").astype({"label": np.int64}), how="left")
    return Annotations(ids, people, classes, votes.drop(columns="answer"), tuple(answers.notes))


def _answers_in(source: Any, of: LabelledExamples | None, by: str) -> _Answers:
    if not isinstance(source, str | os.PathLike):
        if isinstance(source, pd.DataFrame) and source.index.name:  # of a table that was pivoted
            source = source.reset_index()
        return _in_table(table_of_frame(source, "annotations"), of, by)
    path = at_home(source)
    with reading(path):
        has_tasks = path.suffix.lower() == ".json" and b'"annotations"' in read_regular(path, MOST_BYTES)
    if not has_tasks:
        return _in_table(open_table(path), of, by)
    return _answers_of(str(path), answers_to_tasks(path, of.classes if of else ()))


def _answers_of(where: str, answers: Iterable[Answer]) -> _Answers:
    rows = list(answers)
    places, num_drops = [row.where for row in rows], sum(row.is_drop for row in rows)
    notes = [f"answers that an item is of no class, taken for unsure: {num_drops:,}"] if num_drops else []
    return _Answers(where, pd.DataFrame(rows, columns=Answer._fields), places.__getitem__, notes)


def _in_table(table: Table, of: LabelledExamples | None, nobody: str) -> _Answers:
    if {"id", "label", "action"} <= {*table.names}:
        file = read_label_file(Path(table.where), table)
        return _answers_of(table.where, answers_in_decisions(file, of))
    missing = MISSING.difference(name.lower() for name in (of.classes if of else ())) | {""}
    item, by = (next((name for name in some if name in table.names), None) for some in (_ITEM, _BY))
    if by is None and "label" not in table.names and not nobody:
        return _in_columns(table, item or table.names[0], missing)
    label = "class" if nobody and "class" in table.names else "label"
    for name in (item or "item", label, *([by or "by"] if by or not nobody else [])):
        table.check_column(name, f"; {_FORMS}")
    columns = {"item": cells_in(table, item), "by": cells_in(table, by).fillna(nobody or None)}
    cells = pd.DataFrame({**columns, "answer": cells_in(table, label, missing)})
    return _Answers(table.where, cells, table.name_at, [])


def _in_columns(table: Table, item: str, missing: Collection[str]) -> _Answers:
    """The answers in a table with a column of items and one for each person."""
    people = [name for name in table.names if name not in ("", item)]
    if len(people) < 2:
        raise BadInput(f"{table.where}: no columns of people beside {item}; {_FORMS}")
    items, num = cells_in(table, item), table.num_rows
    columns = {name: cells_in(table, name, missing) for name in people}
    texts = {name: {*column.dropna()} for name, column in columns.items()}
    often = Counter(chain(*texts.values()))
    for name, own in texts.items():
        if len(own) >= _FEW and all(often[text] == 1 for text in own):
            problem = f"column {name} holds {len(own):,} texts, of which no other column has any"
            raise BadInput(f"{table.where}: {problem}; leave it out, if it is no person")
    parts = [pd.DataFrame({"item": items, "by": name, "answer": texts}) for name, texts in columns.items()]
    cells = pd.concat(parts, ignore_index=True)
    return _Answers(table.where, cells, lambda row: table.name_at(row % num), [])


def _plain(names: Iterable[str]) -> dict[str, str]:
    """Each name without spaces around it, and without the point where all are whole numbers."""
    wholes = {name: _WHOLE.fullmatch(name.strip()) for name in names}
    are_whole = all(wholes.values())
    return {name: whole[1] if are_whole and whole else name.strip() for name, whole in wholes.items()}


def _places(names: pd.Series[Any], is_vote: Mask) -> tuple[Integers, tuple[str, ...]]:
    """The positions [n] of names in rows with a vote among all such names, which stand as they come."""
    codes, words = pd.factorize(names)
    again, distinct = pd.factorize(pd.Series(_plain(words)))
    places, positions = np.unique(again[codes[is_vote]], return_inverse=True)
    return positions, tuple(distinct[places])


def _meanings(
    rows: Mapping[Texts, int], reader: LabelReader | None, answers: _Answers
) -> list[tuple[str, ...]]:
    """The classes that texts name, sorted; none of somebody who is unsure. ``rows`` are the first of each."""
    alone = {text for text in rows if isinstance(text, str)}

    def parts_of(text: str) -> tuple[str, ...]:
        parts = tuple(filter(None, map(str.strip, text.split(";"))))
        is_name = reader.labels_of(text) if reader else alone.isdisjoint(parts)
        return (text,) if is_name or not parts else parts

    parts = {text: parts_of(text) if isinstance(text, str) else text for text in rows}
    distinct = dict.fromkeys(chain(*parts.values()))
    names = _plain(part for part in distinct if part.lower() != UNSURE)
    if reader:
        labels = {part: reader.labels_of(part) for part in distinct}
        unknown = next((part for part in names if not labels[part]), None)
        if unknown is not None:
            row = next(row for text, row in rows.items() if unknown in parts[text])
            hint = nearest(unknown, reader.of.classes)
            problem = f"{answers.place_at(row)}: {answers.says(row)}, and {unknown!r:.80} is no class{hint}"
            raise BadInput(f"{problem}; give the name of a class, its index, or unsure")
        names = {part: reader.of.classes[some[0]] for part, some in labels.items() if some}
    if not names:
        raise BadInput(f"{answers.where}: nobody names a class; {_FORMS}")
    several = [text for text, some in parts.items() if some not in (text, (text,))]
    if several:
        answers.notes.append(f"texts that name several classes: {shorten(map(repr, several))}")
    return [tuple(sorted({names[part] for part in some if part in names})) for some in parts.values()]


def _check_repeats(votes: pd.DataFrame, answers: _Answers) -> None:
    """Refuse two different answers of a person to an item, and note those that are there twice."""
    is_repeat = votes.duplicated()
    differs = votes.duplicated(["item", "by"]) & ~is_repeat
    if differs.any():
        row = votes.index[int(differs.argmax())]
        is_own = votes[["item", "by"]].eq(votes.loc[row, ["item", "by"]]).all(axis=1)
        first = votes.index[int(is_own.argmax())]
        other, place = answers.cells["answer"][first], answers.place_at(first).rpartition(": ")[2]
        twice = f"{answers.says(row)}, and {_in_quotes(other)} in {place}"
        raise BadInput(f"{answers.place_at(row)}: {twice}; keep one of them")
    if is_repeat.any():
        num = int(is_repeat.sum())
        answers.notes.append(f"answers that a person gave to an item again, of which one counts: {num:,}")
