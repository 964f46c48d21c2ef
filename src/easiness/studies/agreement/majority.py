"""What most people say of each example, as one file of decisions, with where they differ first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data import ACTIONS, COLUMNS, DROP, KEEP, RELABEL, UNKNOWN, UNSURE, Decisions, Labelled

if TYPE_CHECKING:
    import pandas as pd

SAID = "said"
"""The column with what each person said."""

TIED, OUTVOTED, UNSEEN, AGREED = range(4)
"""How the people stand to an example, in the order of the file: there is no majority, it is against somebody,
nobody has looked, or all say the same."""

UNDECIDED = (TIED, UNSEEN)


@dataclass(frozen=True, eq=False)
class Answers:
    """What ``people`` said, by ``codes`` [people, n], of the examples at ``at`` [n] among those of a run.

    A code is the label that the example should have, the number of classes where it is to be dropped, one
    more where it is wrong and no class is given, or one of the two below.
    """

    NONE, UNSURE = -2, -1

    people: tuple[str, ...]
    at: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]
    of: Labelled = field(repr=False)

    def in_words(self, code: int, own: int) -> str:
        """What a code says of an example: what to do, or the class that it should have."""
        if code == self.UNSURE:
            return UNSURE
        num = len(self.of.classes)
        if code == own or code >= num:
            return KEEP if code == own else (DROP, "wrong")[code - num]
        name = self.of.classes[code]
        return name if name.strip() and name not in (*ACTIONS, "wrong") else f"class {name!r}"

    def said(self, row: int) -> str:
        """What each person said of the example at ``row``: ``ann: keep; bob: dog``."""
        own = int(self.of.labels[self.at[row]])
        codes = zip(self.people, self.codes[:, row].tolist(), strict=True)
        return "; ".join(f"{name}: {self.in_words(code, own)}" for name, code in codes if code != self.NONE)


class Merged(NamedTuple):
    """The file of decisions of all as a ``table``, with how people stand to each of its rows [n].

    ``differ`` are columns that are left out, since they are not the same in all files.
    """

    table: pd.DataFrame
    standing: npt.NDArray[np.int64]
    differ: tuple[str, ...]


def merged(answers: Answers, said: Mapping[str, Decisions]) -> Merged:
    """The decisions of more than half of those who looked at an example, those first on which people differ.

    Where there is no such majority the action is empty; where all who looked are unsure, it says so.
    """
    import pandas as pd

    votes = [_majority(column[column != Answers.NONE]) for column in answers.codes.T]
    codes, standing = (np.array(column, np.int64) for column in zip(*votes, strict=True))
    order = np.argsort(standing, kind="stable")
    whose = _whose(answers, said)
    first = next(iter(said.values()))
    own = answers.of.labels[answers.at]
    num = len(answers.of.classes)
    said_so = {UNSURE: codes == Answers.UNSURE, "": codes < 0, KEEP: codes == own, DROP: codes == num}
    actions = np.select([*said_so.values()], [*said_so], default=RELABEL).astype(object)
    decided = Decisions(
        first.split,
        first.data,
        answers.of,
        at=answers.at[order],
        actions=actions[order],
        labels=np.where((codes < 0) | (codes >= num), UNKNOWN, codes)[order],
        by=np.array([names for names, _ in whose], object)[order],
        times=np.array([time for _, time in whose], object)[order],
    )
    columns, differ = _other_columns(answers, said)
    columns[SAID] = np.array([answers.said(row) for row in range(len(codes))], object)
    others = pd.DataFrame({name: cells[order] for name, cells in columns.items()})
    return Merged(pd.concat([decided.table(), others], axis=1), standing[order], differ)


def _majority(codes: npt.NDArray[np.int64]) -> tuple[int, int]:
    """What more than half say, and how people stand to that."""
    if not len(codes):
        return Answers.NONE, UNSEEN
    code, num = Counter(codes.tolist()).most_common(1)[0]
    if code == Answers.UNSURE or 2 * num <= len(codes):
        return Answers.UNSURE if num == len(codes) and code == Answers.UNSURE else Answers.NONE, TIED
    return code, AGREED if num == len(codes) else OUTVOTED


def _whose(answers: Answers, said: Mapping[str, Decisions]) -> list[tuple[str, str]]:
    """The names of those who looked at each example, and when the last did."""
    times = [dict(zip(one.at.tolist(), one.times.tolist(), strict=True)) for one in said.values() if len(one)]

    def of(row: int, at: int) -> tuple[str, str]:
        seen = np.flatnonzero(answers.codes[:, row] != Answers.NONE).tolist()
        names = "+".join(answers.people[person] for person in seen)
        return names, max((times[person][at] for person in seen), default="")

    return [of(row, at) for row, at in enumerate(answers.at.tolist())]


def _other_columns(
    answers: Answers, said: Mapping[str, Decisions]
) -> tuple[dict[str, npt.NDArray[np.object_]], tuple[str, ...]]:
    """The columns that the files have beside, where they are the same in all, and the names of the others."""
    place = {at: row for row, at in enumerate(answers.at.tolist())}
    columns: dict[str, npt.NDArray[np.object_]] = {}
    differ: dict[str, None] = {}
    for at, name, cell in _cells(said):
        column = columns.setdefault(name, np.full(len(place), "", object))
        if column[place[at]] not in ("", cell):
            differ[name] = None
        column[place[at]] = cell
    kept = {name: column for name, column in columns.items() if name not in (*differ, *COLUMNS, SAID)}
    return kept, tuple(differ)


def _cells(said: Mapping[str, Decisions]) -> Iterator[tuple[int, str, str]]:
    for found in said.values():
        for at, row in found.listed.items():
            for name, cell in row.items():
                yield at, name, cell
