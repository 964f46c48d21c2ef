"""Votes of several people or models on the classes of items, in whatever form they come."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.data.label_files import (
    DROP,
    MOST_BYTES,
    RELABEL,
    UNKNOWN,
    UNSURE,
    LabelledExamples,
    LabelReader,
    LabelRow,
    action_in,
    answers_to_tasks,
)
from easiness.data.outcome_forms import ROLES
from easiness.data.outcomes import cells_in, table_of_frame
from easiness.data.tables.splits import open_table
from easiness.data.tables.table import INTEGER, Table
from easiness.errors import BadInput, nearest, shorten
from easiness.gate import check_names
from easiness.lazy import Integers, Mask, pd
from easiness.regular_file import at_home, read_regular

_ITEM = (*ROLES["item"], "example", "task")
_BY = ("by", "annotator", "worker", "who", *ROLES["model"])
_FORMS = "give columns item, by and label, or one of items and one for each person, or JSON of Label Studio"
_BETWEEN = ";"
_WHOLE = re.compile(r"(-?[0-9]+)(\.0+)?")  # a column with empty cells may make 3.0 of 3
_DECISION = ("id", "label", "class", "was", "action", "split")
_FEW = 10  # texts that may all differ by chance

Said = str | tuple[str, ...] | None
"""A text that names a class or several; or names, without any where somebody is unsure; or no answer."""


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


def read_annotations(source: Any, of: LabelledExamples | None = None) -> Annotations:
    """The votes in a file, or in a data frame of pandas or polars.

    They are a table of ``item,by,label``, one with a column of items and one for each person, a file of
    decisions, or JSON of Label Studio. Ids and classes are those ``of`` the examples, where these are known.
    Else items and people stand in the order in which they come, and classes are sorted.

    Raises:
        BadInput: no votes, two answers of a person to an item, an item or a class that the examples have not.
    """
    answers = _answers_in(source, of)
    is_vote = answers.are_votes()
    cells = answers.cells[is_vote]
    by, people = _numbered(answers.cells["by"], is_vote)
    if of is None:
        item, names = _numbered(answers.cells["item"], is_vote)
        ids = np.array(names, np.int64 if all(map(INTEGER.fullmatch, names)) else np.str_)
    else:
        item, names, ids = _positions(cells["item"], of, answers), [], of.ids
    said, texts = pd.factorize(cells["said"])
    first = cells.index[np.unique(said, return_index=True)[1]]
    meanings = _Meanings(texts, of)
    meant = [meanings.classes(text, answers, row) for text, row in zip(texts, first.tolist(), strict=True)]
    if not any(meant):
        raise BadInput(f"{answers.where}: nobody names a class; {_FORMS}")
    classes = _in_order(chain(*meant)) if of is None else of.classes
    for role, some in (("items", names), ("people", people), ("classes", classes)):
        check_names(some, f"{answers.where}: {role}")
    codes = {one: code for code, one in enumerate(dict.fromkeys(meant))}
    answer = np.array([codes[one] for one in meant])[said]
    votes = pd.DataFrame({"item": item, "by": by, "answer": answer}, index=cells.index)
    notes = [*answers.notes, *meanings.notes(), *_notes_on_repeats(votes, answers)]
    places = {name: label for label, name in enumerate(classes)}
    labels = [[places[name] for name in one] or [UNKNOWN] for one in codes]
    meaning = pd.DataFrame({"answer": range(len(labels)), "label": labels})
    meaning["share"] = 1 / meaning["label"].map(len)
    votes = votes.drop_duplicates().merge(meaning.explode("label").astype({"label": np.int64}), how="left")
    return Annotations(ids, tuple(people), classes, votes[["item", "by", "label", "share"]], tuple(notes))


@dataclass(frozen=True, eq=False)
class _Answers:
    """Answers of people as they are written: ``cells`` has a row each of ``item``, ``by`` and ``said``.

    ``place_at`` names a row.
    """

    where: str
    cells: pd.DataFrame
    place_at: Callable[[int], str]
    notes: list[str]

    def are_votes(self) -> Mask:
        """The rows with an answer [n], of which each has to name who gave it to which item."""
        is_vote = self.cells["said"].notna()
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
        """The words that a row holds."""
        item, by, said = (self.cells[role][row] for role in ("item", "by", "said"))
        return f"{self.place_at(row)}: {by!r:.80} of item {item!r:.80} says {_shown(said)}"


def _shown(said: Said) -> str:
    return f"{said!r:.80}" if isinstance(said, str) else shorten(map(repr, said or (UNSURE,)))


def _answers_in(source: Any, of: LabelledExamples | None) -> _Answers:
    if not isinstance(source, str | os.PathLike):
        if isinstance(source, pd.DataFrame) and source.index.name:  # of a table that was pivoted
            source = source.reset_index()
        return _of_table(table_of_frame(source, "annotations"), "annotations", of)
    path = at_home(source)
    if path.suffix.lower() == ".json" and _has_tasks(path):
        return _of_tasks(path, of)
    return _of_table(open_table(path), path.stem, of)


def _has_tasks(path: Path) -> bool:
    try:
        return b'"annotations"' in read_regular(path, MOST_BYTES)
    except OSError:
        return False  # what is wrong is told where it is read


def _of_tasks(path: Path, of: LabelledExamples | None) -> _Answers:
    answers = list(answers_to_tasks(path, of.classes if of else ()))
    where = [one.where for one in answers]
    cells = pd.DataFrame(answers, columns=["where", "item", "by", "said", "is_drop"])
    return _Answers(str(path), cells, where.__getitem__, _notes_on_drops(int(cells["is_drop"].sum())))


def _notes_on_drops(num: int) -> list[str]:
    return [f"answers that an item is of no class, taken for unsure: {num:,}"] if num else []


def _of_table(table: Table, stem: str, of: LabelledExamples | None) -> _Answers:
    item, by = (next((name for name in some if name in table.names), None) for some in (_ITEM, _BY))
    if "label" not in table.names and by is None:
        return _of_columns(table, item or table.names[0], is_known=of is not None)
    is_decision = "action" in table.names
    for role, name in (("item", item), ("label", None), ("by", "label" if is_decision else by)):
        table.check_column(name or role, f"; {_FORMS}")
    cells = pd.DataFrame({"item": cells_in(table, item, trim=False), "by": cells_in(table, by, trim=False)})
    if not is_decision:
        cells["said"] = cells_in(table, "label", trim=False)
        return _Answers(table.where, cells, table.name_at, [])
    actions, said = _decided(table, of)
    signatures = cells["by"].dropna().unique()
    cells["by"] = cells["by"].fillna(signatures[0] if len(signatures) == 1 else stem)
    return _Answers(table.where, cells.assign(said=said), table.name_at, _notes_on_drops(actions.count(DROP)))


def _of_columns(table: Table, item: str, *, is_known: bool) -> _Answers:
    """The answers in a table with a column of items and one for each person."""
    columns = {name: cells_in(table, name, trim=False) for name in table.names if name and name != item}
    if len(columns) < 2:
        raise BadInput(f"{table.where}: no columns of people beside {item}; {_FORMS}")
    texts = {name: {*column.dropna()} for name, column in columns.items()}
    often = pd.Series([*chain(*texts.values())]).value_counts()
    for name, own in texts.items():
        if not is_known and len(own) == columns[name].count() >= _FEW and (often[[*own]] == 1).all():
            problem = f"column {name} has another text in each row, and none that other columns have"
            raise BadInput(f"{table.where}: {problem}; leave it out, if it is no person")
    num, people = table.num_rows, [*columns]
    cells = pd.DataFrame(
        {
            "item": np.tile(cells_in(table, item, trim=False), len(people)),
            "by": np.repeat(np.array(people, object), num),
            "said": np.concatenate([column.to_numpy() for column in columns.values()]),
        }
    )
    return _Answers(table.where, cells, lambda row: table.name_at(row % num), [])


def _decided(table: Table, of: LabelledExamples | None) -> tuple[list[str], pd.Series[Any]]:
    """The action and the answer in each row of a file of decisions."""
    names = {name: name if name in table.names else None for name in _DECISION}
    cells = pd.DataFrame({name: cells_in(table, one, trim=False).fillna("") for name, one in names.items()})
    if len(splits := {split.strip() for split in cells["split"]} - {""}) > 1:
        raise BadInput(f"{table.where}: decisions on {len(splits)} splits; give those on one")
    if of is None:
        _check_pairs(table, cells)
    rows = [
        LabelRow(table.name_at(row), dict(zip(names, one, strict=True)))
        for row, one in enumerate(cells.itertuples(index=False))
    ]
    actions = [action_in(row) for row in rows]
    said = [_decision(row, action, of) for row, action in zip(rows, actions, strict=True)]
    return actions, pd.Series(said, dtype=object)


def _check_pairs(table: Table, cells: pd.DataFrame) -> None:
    """Make sure that labels and names of classes are pairs, where nothing else tells which of them counts."""
    pairs = cells[["label", "class"]][cells["class"] != ""].drop_duplicates()
    for column in pairs:
        again = pairs[column].duplicated()
        if again.any():
            label, name = pairs[again].iloc[0]
            problem = f"the label {label!r:.80} is the class {name!r:.80}, and another elsewhere"
            raise BadInput(
                f"{table.name_at(pairs.index[int(again.argmax())])}: {problem}; correct both, or give the run"
            )


def _decision(row: LabelRow, action: str, of: LabelledExamples | None) -> Said:
    cells = row.cells
    if action in (DROP, UNSURE):
        return ()
    if not action and not (cells["label"].strip() and cells["was"].strip()):
        return None
    if of is None:
        is_same, name = cells["label"].strip() == cells["was"].strip(), cells["class"] or cells["label"]
    else:
        reader = LabelReader(of, "")
        was = reader.labels_of(cells["was"])
        own = was[0] if was else UNKNOWN
        label = reader.label(row if was else LabelRow(row.where, {**cells, "was": ""}), action, own)
        is_same, name = label == own, of.classes[label or 0]
    if is_same and action in ("", RELABEL):
        return () if action else None
    return (name,)


def _numbered(names: pd.Series[Any], is_vote: Mask) -> tuple[Integers, list[str]]:
    """The positions [n] of names in rows with a vote among all such names, which stand as they come."""
    codes, words = pd.factorize(names)
    texts = [word.strip() for word in words]
    wholes = [_WHOLE.fullmatch(text) for text in texts]
    texts = [one[1] for one in wholes if one] if all(wholes) else texts
    again, distinct = pd.factorize(np.array(texts, object))
    used, positions = np.unique(again[codes[is_vote]], return_inverse=True)
    return positions, distinct[used].tolist()


def _positions(names: pd.Series[Any], of: LabelledExamples, answers: _Answers) -> Integers:
    codes, words = pd.factorize(names)
    rows = names.index[np.unique(codes, return_index=True)[1]].tolist()
    reader = LabelReader(of, "")
    at = [reader.position(answers.place_at(row), word) for row, word in zip(rows, words, strict=True)]
    return np.array(at, np.int64)[codes]


class _Meanings:
    """The classes that texts mean: those ``of`` the examples, by name or index, else one of each name."""

    def __init__(self, texts: Iterable[Said], of: LabelledExamples | None) -> None:
        self._reader = LabelReader(of, "") if of else None
        self._known = of.classes if of else ()
        self._alone = {text.strip() for text in texts if isinstance(text, str)}
        parts = {part.strip() for text in self._alone for part in text.split(_BETWEEN)}
        self._are_numbers = all(_WHOLE.fullmatch(part) or part.lower() in ("", UNSURE) for part in parts)
        self.several: list[str] = []

    def classes(self, said: str | tuple[str, ...], answers: _Answers, row: int) -> tuple[str, ...]:
        """The names of the classes that an answer names, sorted; none of somebody who is unsure."""
        parts = (said,) if isinstance(said, str) else said
        if isinstance(said, str) and _BETWEEN in said and self._are_several(said):
            parts = tuple(part for part in said.split(_BETWEEN) if part.strip())
            self.several.append(said)
        names = {part: self._name(part) for part in parts}
        for part, name in names.items():
            if name is None and part.strip().lower() != UNSURE:
                remedy = "give the name of a class, or its index, or unsure"
                hint = nearest(part, self._known)
                raise BadInput(f"{answers.says(row)}, and {part!r:.80} is no class{hint}; {remedy}")
        return tuple(sorted({name for name in names.values() if name is not None}))

    def notes(self) -> list[str]:
        some = f"texts that name several classes: {shorten(map(repr, self.several))}"
        return [some] if self.several else []

    def _are_several(self, text: str) -> bool:
        if self._reader is not None:
            return not self._reader.labels_of(text)
        return any(part.strip() in self._alone for part in text.split(_BETWEEN))

    def _name(self, part: str) -> str | None:
        text = part.strip()
        if self._reader is not None:
            labels = self._reader.labels_of(part)
            return self._known[labels[0]] if labels else None
        whole = _WHOLE.fullmatch(text) if self._are_numbers else None
        return None if text.lower() == UNSURE else whole[1] if whole else text


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The names in alphabetical order; numbers in that of their size."""
    distinct = {*names}
    are_numbers = all(map(INTEGER.fullmatch, distinct))
    return tuple(sorted(distinct, key=int if are_numbers else None))


def _notes_on_repeats(votes: pd.DataFrame, answers: _Answers) -> list[str]:
    """A note on answers that people gave again; two different ones of a person to an item are refused."""
    is_repeat = votes.duplicated()
    differs = votes.duplicated(["item", "by"]) & ~is_repeat
    if differs.any():
        row = votes.index[int(differs.argmax())]
        own = votes[["item", "by"]].eq(votes.loc[row, ["item", "by"]]).all(axis=1)
        first = votes.index[int(own.argmax())]
        place = answers.place_at(first).rpartition(": ")[2]
        other = _shown(answers.cells["said"][first])
        raise BadInput(f"{answers.says(row)}, and {other} in {place}; keep one of them")
    num = int(is_repeat.sum())
    return [f"answers that a person gave again to an item, of which one counts: {num:,}"] if num else []
