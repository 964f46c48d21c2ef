"""The decisions of several people on the labels of a run, how far they agree, and those of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from easiness import show
from easiness.analysis import kappa
from easiness.data import ACTIONS, DROP, KEEP, RELABEL, UNKNOWN, UNSURE, Decisions, LabelledExamples
from easiness.errors import BadInput, shorten
from easiness.lazy import Figure, Integers, pd
from easiness.regular_file import at_home
from easiness.runs import decisions_of_people
from easiness.spec import Split
from easiness.store import Run

_MOST = 20  # rows that are shown; files have all
_ON = {"wrong": "wrong or not", "label": "class"}
_ENDS = "value", "low", "high"
_BOTH = ("agreed", "low", "high"), ("kappa", "kappa_low", "kappa_high")

ANSWER_COLUMN = "said"
"""The column with what each person said."""

NOT_SEEN, NOT_SURE = -2, -1
"""Codes of who has not looked at an example, and of who is not sure of it."""

TIES, MAJORITIES, NOBODY, ALL_AGREE = range(4)
"""How the people stand to an example, in the order of the file: there is no majority, it is against somebody,
nobody has looked, or all say the same."""


@dataclass(frozen=True, eq=False)
class PeopleAgreement(show.Result):
    """The decisions of people on labels ``of`` a split, as ``codes``: a row an example, a column a person.

    A code is the label that the example should have, the number of classes where it is to be dropped, one
    more where it is wrong and no class is given, or `NOT_SEEN` or `NOT_SURE`. ``decisions`` is the file of
    decisions of all, without the columns that ``differ`` between files, and ``standing`` [n] how people stand
    to each of its rows.

    ``between`` says how far each two people agree, and behind these all, where they are more; it is empty
    where it is one person. For ``people`` it has a row on whether labels are ``wrong``, and one on the
    ``label`` that is right: the ``num`` examples decided by all of them, and what `Kappa` says of these.
    """

    of: LabelledExamples = field(repr=False)
    codes: pd.DataFrame = field(repr=False)
    decisions: pd.DataFrame = field(repr=False)
    standing: Integers = field(repr=False)
    differ: tuple[str, ...]
    between: pd.DataFrame = field(repr=False)

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(map(str, self.codes))

    def _num(self, *standing: int) -> int:
        return int(np.isin(self.standing, standing).sum())

    @property
    def text(self) -> str:
        """``115 of 120 examples are decided, 7 of them against somebody; 5 are undecided``."""
        num, num_open, num_unseen = len(self.standing), self._num(TIES, NOBODY), self._num(NOBODY)
        against = f", {self._num(MAJORITIES):,} of them against somebody" if len(self.people) > 1 else ""
        text = f"{num - num_open:,} of {show.quantity(num, 'example')} are decided{against}"
        if not num_open:
            return text
        why = f" ({num_unseen:,} of them by nobody)" if 0 < num_unseen < num_open else ""
        return f"{text}; {num_open:,} {'is' if num_open == 1 else 'are'} undecided{why}"

    def table(self) -> pd.DataFrame:
        """The file of decisions, a row an example that a file lists: columns as in the files of each.

        First come examples without a majority, whose ``action`` is empty, then those decided against
        somebody, those that nobody decided, and those on which all agree. ``by`` has the names of all who
        looked, joined by a plus, ``time`` is the last of theirs, and ``said`` what each said. Other columns
        are kept where they are the same in all files.
        """
        return self.decisions

    def document(self) -> Any:
        def of(row: dict[Any, Any]) -> dict[str, Any] | None:
            share, beyond = (
                {end: row[name] for end, name in zip(_ENDS, names, strict=True)} for names in _BOTH
            )
            kappa = None if math.isnan(row["kappa"]) else beyond
            return {"num": row["num"], "agreed": share, "kappa": kappa} if row["num"] else None

        rows = self.between.to_dict("records")
        between = [
            {"people": list(wrong["people"]), "wrong": of(wrong), "label": of(label)}
            for wrong, label in zip(rows[::2], rows[1::2], strict=True)
        ]
        return {"people": list(self.people), "agreement": between, "decisions": super().document()}

    def figure(self) -> Figure:
        """How often each person said what."""
        table, colors = self._answers(), (show.FAINT, show.HARD, show.TRAIN, show.EASY)
        series = {name: (table[name].tolist(), color) for name, color in zip(ACTIONS, colors, strict=True)}
        return show.bars(table["person"].tolist(), series, "examples")

    def frames(self) -> list[show.Frame]:
        note = "Examples by what each says of them."
        if self.differ:
            note += f" Columns that are not the same in all files are left out: {shorten(self.differ)}."
        table = self._answers()
        columns = {str(name): show.counts() for name in table} | {"person": show.names()}
        people = show.Frame(show.sentence_case(self.text), note, table, columns)
        agreeing = [self._agreeing()] if len(self.people) > 1 else []
        return [people, *agreeing, *([self._differing()] if self._num(TIES, MAJORITIES) else [])]

    def _answers(self) -> pd.DataFrame:
        num, own = len(self.of.classes), self.of.labels[self.codes.index]
        codes = self.codes.to_numpy().T
        masks = {
            "looked at": codes != NOT_SEEN,
            "keep": codes == own,
            "relabel": (codes >= 0) & (codes != own) & (codes != num),
            "drop": codes == num,
            "unsure": codes == NOT_SURE,
        }
        counts = {name: mask.sum(axis=1) for name, mask in masks.items()}
        return pd.DataFrame({"person": self.people, **counts})

    def _agreeing(self) -> show.Frame:
        note = (
            "On whether the label is wrong, and on the class that is right (to drop counts as one), among "
            "examples on which all of them are sure. Kappa is the agreement beyond chance, Cohen's of two "
            "and Fleiss' of more: 1 is full agreement, 0 what chance gives, and undefined where all answers "
            "are the same."
        )
        columns = {
            "between": show.names(),
            "on": show.names(),
            "num": show.counts(title="examples"),
            "agreed": show.shares(title="agree"),
            "low": show.intervals(1, title="95 %", high="high"),
            "kappa": show.names(),
            "kappa_low": show.intervals(title="95 %", high="kappa_high"),
        }
        names = [", ".join(some) if len(some) == 2 else f"all {len(some)}" for some in self.between["people"]]
        data = self.between.assign(between=names, on=self.between["on"].map(_ON))
        if (left := len(data) // 2 - _MOST) > 0:  # all people together come last
            note += f" {show.count(left)} more pairs are in the JSON file."
            data = pd.concat([data[: 2 * _MOST - 2], data[-2:]])
        kappa = data["kappa"].map(show.number).where(data["kappa"].notna(), None)
        kappa = kappa.mask(data["agreed"].notna() & data["kappa"].isna(), "undefined")
        data = data.assign(kappa=kappa, low=100 * data["low"], high=100 * data["high"])
        return show.Frame("How far people agree", note, data, columns)

    def _differing(self) -> show.Frame:
        """The first examples on which people differ, or are not sure."""
        num = self._num(TIES, MAJORITIES)
        data = self.decisions.head(min(num, _MOST))
        action = data["action"].replace("", "undecided")
        verdict = data["class"].where(data["action"] == RELABEL, action)
        data = data.assign(decided=verdict, **{"class": np.array(self.of.classes, object)[data["was"]]})
        which = f"The first {_MOST} of {show.count(num)}" if num > _MOST else f"All {show.count(num)}"
        note = f"{which}, those without a majority first; the class is that of the run."
        columns = dict.fromkeys(("id", "class", "decided", ANSWER_COLUMN), show.names())
        return show.Frame("Decided differently", note, data, columns)


def agreement(run: Run, files: Sequence[Path], split: Split = "train") -> PeopleAgreement:
    """The decisions of people on the labels of a run: how far they agree, and what their majority says.

    A person is who stands in the column ``by``, or the name of a file that names nobody; whose decisions are
    in several files is one person still, and unsure where no file decides. Examples on which somebody is
    unsure do not count for the agreement with this person. A file in which nothing is decided says what there
    is to look at, and what other columns are to be kept. The table has what more than half of those who
    looked at an example say; ``unsure`` where all are, and nothing where there is no such majority.
    """
    paths = [at_home(one) for one in files]
    real = [path.resolve() for path in paths]
    for path, count in zip(paths, map(real.count, real), strict=True):
        if count > 1:
            raise BadInput(f"{path}: is given twice; give each file once")
    by_name: dict[str, Decisions] = {}
    for path in paths:
        for name, decisions in decisions_of_people(run, path, split).items():
            before = by_name.get(name)
            by_name[name] = decisions if before is None else _together(before, decisions, name, path)
    if not any(map(len, by_name.values())):
        raise BadInput(
            f"{', '.join(map(str, paths))}: nothing is decided there; write keep, relabel, drop or unsure in "
            "the column action"
        )
    return _agreement(by_name)


def _agreement(by_name: Mapping[str, Decisions]) -> PeopleAgreement:
    first = next(iter(by_name.values()))
    of, num = first.of, len(first.of.classes)
    rows = [{"at": at, **row} for decisions in by_name.values() for at, row in decisions.other_cells.items()]
    cells = pd.DataFrame(rows).replace("", None).groupby("at", sort=False)
    others, differ = cells.first().fillna(""), cells.nunique().gt(1).any()
    at, differing = others.index.to_numpy(np.int64), (*map(str, differ.index[differ]),)
    others = others.drop(columns=[*differing, ANSWER_COLUMN], errors="ignore").reset_index(drop=True)
    people = {name: decisions for name, decisions in by_name.items() if len(decisions)}

    def of_all(column: str, nothing: Any) -> pd.DataFrame:
        columns = {name: pd.Series(getattr(one, column), one.at) for name, one in people.items()}
        return pd.DataFrame(columns).reindex(at).fillna(nothing)

    actions = of_all("actions", "")
    codes = of_all("labels", NOT_SEEN).replace(UNKNOWN, num + 1).astype(np.int64)
    codes = codes.mask(actions == DROP, num).mask(actions == UNSURE, NOT_SURE)
    own, votes = of.labels[at], codes.where(codes != NOT_SEEN)
    code, looks = votes.mode(axis=1)[0], votes.notna().sum(axis=1)
    num_votes = votes.eq(code, axis=0).sum(axis=1)
    has_majority, unanimous = (code >= 0) & (2 * num_votes > looks), (num_votes == looks) & (looks > 0)
    standing = np.select([looks == 0, ~has_majority, unanimous], [NOBODY, TIES, ALL_AGREE], MAJORITIES)
    majority = code.where(has_majority | unanimous, NOT_SEEN).to_numpy(np.int64)
    answers = [
        {name: one for name, one in row.items() if one != NOT_SEEN} for row in codes.to_dict("records")
    ]
    words = [
        "; ".join(f"{name}: {_in_words(of, one, label)}" for name, one in row.items())
        for row, label in zip(answers, own.tolist(), strict=True)
    ]
    says = {UNSURE: majority == NOT_SURE, "": majority < 0, KEEP: majority == own, DROP: majority == num}
    rows_of_all = Decisions(
        first.split,
        first.data,
        of,
        at=at,
        actions=np.select([*says.values()], [*says], default=RELABEL).astype(object),
        labels=np.where((majority < 0) | (majority >= num), UNKNOWN, majority),
        by=np.array(["+".join(map(str, row)) for row in answers], object),
        times=of_all("times", "").max(axis=1).to_numpy(object),
    ).table()
    order = np.argsort(standing, kind="stable")
    table = pd.concat([rows_of_all, others], axis=1).assign(**{ANSWER_COLUMN: words})
    table = table.iloc[order].reset_index(drop=True)
    return PeopleAgreement(of, codes, table, standing[order], differing, _between(codes, own))


def _together(one: Decisions, other: Decisions, name: str, path: Path) -> Decisions:
    """The decisions of one person in two files; where one of them says unsure, that in the other."""
    both = one.and_those(other)
    rows = pd.DataFrame({"at": both.at, "action": both.actions, "label": both.labels})[both.sure]
    twice = rows.drop_duplicates().loc[lambda rows: rows.duplicated("at", keep=False)]
    for at in twice["at"].head(1).tolist():
        actions = twice.loc[twice["at"] == at, "action"].tolist()
        raise BadInput(
            f"{path}: {name!r} says {actions[-1]} of the example {str(one.of.ids[at])!r}, and "
            f"{actions[0]} in another file; keep one of them, or write another name in the column by"
        )
    order = np.argsort(~both.sure, kind="stable")
    first = np.zeros(len(both), np.bool_)
    first[order[np.unique(both.at[order], return_index=True)[1]]] = True
    return both.part(first)


def _in_words(of: LabelledExamples, code: int, own: int) -> str:
    num = len(of.classes)
    if code in (NOT_SURE, own):
        return UNSURE if code == NOT_SURE else KEEP
    if code >= num:
        return (DROP, "wrong")[code - num]
    name = of.classes[code]
    return name if name.strip() and name not in (*ACTIONS, "wrong") else f"class {name!r}"


def _between(codes: pd.DataFrame, own: Integers) -> pd.DataFrame:
    """How far each pair agrees, then all where they are more."""
    people, rows = tuple(map(str, codes)), []
    for group in [*combinations(people, 2), *([people] if len(people) > 2 else [])]:
        sure = (codes[[*group]] >= 0).all(axis=1).to_numpy()
        answers = codes.loc[sure, [*group]].to_numpy().T
        for on, some in (("wrong", np.asarray(answers != own[sure], np.int64)), ("label", answers)):
            cells: dict[str, Any] = {"people": group, "on": on, "num": 0}
            if (result := kappa(some)) is not None:
                cells |= dict(zip(_BOTH[0], result.agreement, strict=True), num=result.num)
                cells |= zip(_BOTH[1], result.kappa or (), strict=False)
            rows.append(cells)
    return pd.DataFrame(rows, columns=["people", "on", "num", *_BOTH[0], *_BOTH[1]])
