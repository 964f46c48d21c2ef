"""What several people decided on the labels of a run, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import Interval, Kappa, kappa
from easiness.data import ACTIONS, COLUMNS, DROP, KEEP, RELABEL, UNKNOWN, UNSURE, Decisions, Labelled
from easiness.errors import BadInput, shorten
from easiness.regular_file import at_home
from easiness.runs import decisions_of_people
from easiness.spec import Split
from easiness.store import Run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_MOST = 20  # rows that are shown; files have all
_ON = {"wrong": "wrong or not", "label": "class"}

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
    listed = (one for found in said.values() for one in found.listed.items())
    for at, name, cell in ((at, name, cell) for at, row in listed for name, cell in row.items()):
        column = columns.setdefault(name, np.full(len(place), "", object))
        if column[place[at]] not in ("", cell):
            differ[name] = None
        column[place[at]] = cell
    kept = {name: column for name, column in columns.items() if name not in (*differ, *COLUMNS, SAID)}
    return kept, tuple(differ)


class Between(NamedTuple):
    """How far ``people`` agree on whether labels are ``wrong``, and on the ``label`` that is right.

    ``None`` where no example was decided by all of them.
    """

    people: tuple[str, ...]
    wrong: Kappa | None
    label: Kappa | None

    @property
    def text(self) -> str:
        """``ann, bob``, or ``all 3``."""
        return ", ".join(self.people) if len(self.people) == 2 else f"all {len(self.people)}"


@dataclass(frozen=True, eq=False)
class Agreement(show.Result):
    """What people decided on the labels of a ``split``: their ``answers``, what is ``merged`` of them.

    ``between`` says how far each two of them agree, and behind these all, where they are more. It is empty
    where it is one person.
    """

    answers: Answers = field(repr=False)
    merged: Merged = field(repr=False)
    between: tuple[Between, ...]
    split: Split

    @property
    def people(self) -> tuple[str, ...]:
        """The names of those who decided."""
        return self.answers.people

    @property
    def num_undecided(self) -> int:
        """How many examples have no decision of a majority."""
        return int(np.isin(self.merged.standing, UNDECIDED).sum())

    def _num(self, standing: int) -> int:
        return int((self.merged.standing == standing).sum())

    @property
    def text(self) -> str:
        """``115 of 120 examples are decided, 7 of them against somebody; 5 are undecided and come first``."""
        num, undecided = len(self.merged.standing), self.num_undecided
        against = f", {show.count(self._num(OUTVOTED))} of them against somebody" if self.between else ""
        found = f"{show.count(num - undecided)} of {show.counted(num, 'example')} are decided{against}"
        if not undecided:
            return found
        unseen = self._num(UNSEEN)
        why = f" ({show.count(unseen)} of them by nobody)" if 0 < unseen < undecided else ""
        return f"{found}; {show.count(undecided)} {'is' if undecided == 1 else 'are'} undecided{why}"

    def table(self) -> pd.DataFrame:
        """The file of decisions, a row an example that a file lists: columns as in the files of each.

        First come examples without a majority, whose ``action`` is empty, then those decided against
        somebody, those that nobody decided, and those on which all agree. ``by`` has the names of all who
        looked, joined by a plus, ``time`` is the last of theirs, and ``said`` what each said. Other columns
        are kept where they are the same in all files.
        """
        return self.merged.table

    def document(self) -> Any:
        """The value of the JSON file: how far people agree, and the rows."""
        between = [
            {"people": list(one.people), "wrong": _document(one.wrong), "label": _document(one.label)}
            for one in self.between
        ]
        return {"people": list(self.people), "agreement": between, "decisions": super().document()}

    def figure(self) -> Figure:
        """Kappa of each two people and of all, with its interval; of one person, how often what was said."""
        shown = _shown(self.between)
        figure, axes = show.new_axes(5.2, 1.3 + 0.35 * max(len(shown), 1))
        if not shown:
            (_, _, *said), (name, _, *counts) = _counts(self.answers)
            axes.barh(said, [int(cell.replace(",", "")) for cell in counts], color=show.TRAIN)
            axes.set(xlabel="examples")
            axes.set_ylabel(name, parse_math=False)
            return figure
        for shift, on, color in ((-0.12, "wrong", show.HARD), (0.12, "label", show.TRAIN)):
            found = [(row + shift, getattr(one, on)) for row, one in enumerate(shown)]
            points = [(row, one.kappa) for row, one in found if one is not None and one.kappa is not None]
            errors = [[one.value - one.low, one.high - one.value] for _, one in points]
            axes.errorbar(
                [one.value for _, one in points],
                [row for row, _ in points],
                xerr=np.reshape(errors, (-1, 2)).T,
                fmt="o",
                color=color,
                label=_ON[on],
            )
        axes.set_yticks(range(len(shown)), [one.text for one in shown], parse_math=False)
        axes.set(xlabel="kappa, with its 95 % interval", ylim=(len(shown) - 0.5, -0.5))
        axes.set_xlim(right=1.02)
        show.legend_above(axes, 2)
        return figure

    def sections(self) -> list[show.Section]:
        """Who decided what, how far people agree, and the first examples on which they do not."""
        agreeing = [_agreeing(self)] if self.between else []
        return [_people(self), *agreeing, *_differing(self)]


def _document(found: Kappa | None) -> Any:
    if found is None:
        return None
    kappa = None if found.kappa is None else found.kappa._asdict()
    return {"num": found.num, "agreed": found.agreed._asdict(), "kappa": kappa}


def _shown(between: Sequence[Between]) -> list[Between]:
    """The first pairs, and all people together, which come last."""
    return [*between[: _MOST - 1], *between[_MOST - 1 :][-1:]]


def _counts(answers: Answers) -> list[list[str]]:
    """How often each person says what, below a header."""
    num, own = len(answers.of.classes), answers.of.labels[answers.at]
    rows = [["person", "looked at", "keep", "relabel", "drop", "unsure"]]
    for name, codes in zip(answers.people, answers.codes, strict=True):
        dropped, unsure = codes == num, codes == Answers.UNSURE
        relabelled = (codes >= 0) & (codes != own) & ~dropped
        said = (codes != Answers.NONE, codes == own, relabelled, dropped, unsure)
        rows.append([name, *(show.count(int(one.sum())) for one in said)])
    return rows


def _people(found: Agreement) -> show.Section:
    note = "Examples by what each says of them."
    if found.merged.differ:
        note += f" Columns that are not the same in all files are left out: {shorten(found.merged.differ)}."
    return show.Section(show.capitalized(found.text), note, _counts(found.answers))


def _agreeing(found: Agreement) -> show.Section:
    rows = [["between", "on", "examples", "agree", "95 %", "kappa", "95 %"]]
    for one in _shown(found.between):
        rows += [[one.text, name, *_cells(getattr(one, on))] for on, name in _ON.items()]
    left = len(found.between) - _MOST
    note = (
        "On whether the label is wrong, and on the class that is right (to drop counts as one), among "
        "examples on which all of them are sure. Kappa is the agreement beyond chance, Cohen's of two and "
        "Fleiss' of more: 1 is full agreement, 0 what chance gives, and undefined where all answers are the "
        "same."
    )
    note += f" {show.count(left)} more pairs are in the JSON file." if left > 0 else ""
    return show.Section("How far people agree", note, rows)


def _cells(found: Kappa | None) -> list[str]:
    if found is None:
        return ["0", "", "", "", ""]
    agreed = found.agreed
    cells = [show.count(found.num), show.percent(agreed.value), _percents(agreed)]
    if found.kappa is None:
        return [*cells, "undefined", ""]
    return [*cells, show.number(found.kappa.value), show.interval_text(found.kappa.low, found.kappa.high)]


def _percents(one: Interval) -> str:
    return f"{100 * one.low:.1f} to {100 * one.high:.1f}"


def _differing(found: Agreement) -> list[show.Section]:
    """The first examples on which people differ, or are not sure."""
    num = int(np.isin(found.merged.standing, (TIED, OUTVOTED)).sum())
    if not num:
        return []
    rows = [["id", "class", "decided", "said"]]
    classes = np.array(found.answers.of.classes, object)
    for row in found.table().head(min(num, _MOST)).to_dict("records"):
        action = row["action"]
        decided = row["class"] if action == "relabel" else action or "undecided"
        rows.append([str(row["id"]), str(classes[row["was"]]), str(decided), str(row["said"])])
    which = f"The first {_MOST} of {show.count(num)}" if num > _MOST else f"All {show.count(num)}"
    note = f"{which}, those without a majority first; the class is that of the run."
    return [show.Section("Decided differently", note, rows)]


def agreement(run: Run, files: Sequence[Path], split: Split = "train") -> Agreement:
    """The decisions of people on the labels of a run: how far they agree, and what their majority says.

    A person is who stands in the column ``by``, or the name of a file that names nobody; whose decisions are
    in several files is one person still, and unsure where no file decides. Examples on which somebody is
    unsure do not count for the agreement with this person. A file in which nothing is decided says what there
    is to look at, and what other columns are to be kept. The table is the file of decisions of all: what more
    than half of those who looked at an example say, and nothing, which is undecided, where there is no such
    majority.
    """
    paths = [at_home(one) for one in files]
    _check_different(paths)
    said: dict[str, Decisions] = {}
    for path in paths:
        for name, found in decisions_of_people(run, path, split).items():
            said[name] = found if name not in said else _together(said[name], found, name, path)
    if not any(map(len, said.values())):
        raise BadInput(
            f"{', '.join(map(str, paths))}: nothing is decided there; write keep, relabel, drop or unsure in "
            "the column action"
        )
    answers = _answers(said)
    return Agreement(answers, merged(answers, said), tuple(_agreements(answers)), split)


def _check_different(paths: Sequence[Path]) -> None:
    seen = set()
    for path in paths:
        if (real := path.resolve()) in seen:
            raise BadInput(f"{path}: is given twice; give each file once")
        seen.add(real)


def _together(one: Decisions, other: Decisions, name: str, path: Path) -> Decisions:
    """The decisions of one person in two files; where one of them says unsure, that in the other."""
    before = {at: row for row, at in enumerate(one.at.tolist())}
    kept, new = np.ones(len(one), bool), np.array([at not in before for at in other.at.tolist()], bool)
    for row in np.flatnonzero(~new & other.sure).tolist():
        at = int(other.at[row])
        there = before[at]
        if one.actions[there] == UNSURE:
            kept[there], new[row] = False, True
        elif (one.actions[there], one.labels[there]) != (other.actions[row], other.labels[row]):
            raise BadInput(
                f"{path}: {name!r} says {other.actions[row]} of the example {str(one.of.ids[at])!r}, and "
                f"{one.actions[there]} in another file; keep one of them, or write another name "
                "in the column by"
            )
    return one.part(kept).and_those(other.part(new))


def _answers(said: Mapping[str, Decisions]) -> Answers:
    """What each who decided said of each example that any file lists, in the order of the files."""
    of = next(iter(said.values())).of
    at = [*dict.fromkeys(at for found in said.values() for at in found.listed)]
    place = {position: row for row, position in enumerate(at)}
    classes, people = of.classes, {name: found for name, found in said.items() if len(found)}
    codes = np.full((len(people), len(at)), Answers.NONE, np.int64)
    for row, found in enumerate(people.values()):
        code = np.where(found.labels == UNKNOWN, len(classes) + 1, found.labels)
        code = np.where(found.actions == DROP, len(classes), code)
        code = np.where(found.actions == UNSURE, Answers.UNSURE, code)
        codes[row, [place[one] for one in found.at.tolist()]] = code
    return Answers(tuple(people), np.array(at, np.int64), codes, of)


def _agreements(answers: Answers) -> Iterator[Between]:
    """Of each pair, then of all where they are more."""
    groups: list[tuple[int, ...]] = [*combinations(range(len(answers.people)), 2)]
    if len(answers.people) > 2:
        groups.append(tuple(range(len(answers.people))))
    own = answers.of.labels[answers.at]
    for group in groups:
        codes = answers.codes[list(group)]
        both = (codes >= 0).all(axis=0)
        codes = codes[:, both]
        wrong = np.asarray(codes != own[both], np.int64)
        names = tuple(answers.people[one] for one in group)
        yield Between(names, kappa(wrong), kappa(codes))
