"""The decisions of several people on the labels of a run, how far they agree, and those of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import kappa
from easiness.data import (
    ACTIONS,
    DROP,
    KEEP,
    RELABEL,
    UNKNOWN,
    UNSURE,
    Decisions,
    LabelledExamples,
    decisions_by_person,
)
from easiness.errors import BadInput, shorten
from easiness.lazy import Figure, Integers, pd
from easiness.regular_file import at_home
from easiness.spec import Split

_MOST = 20  # rows that are shown; files have all
_ON = {"wrong": "wrong or not", "label": "class"}
_ENDS = "value", "low", "high"
_BOTH = ("agreed", "low", "high"), ("kappa", "kappa_low", "kappa_high")
_COLUMNS = {
    "between": show.names(),
    "on": show.names(),
    "num": show.counts(title="examples"),
    "agreed": show.shares(title="agree"),
    "low": show.intervals(1, title="95 %", high="high"),
    "chance": show.shares("Share that agrees by chance."),
    "kappa": show.names(),
    "kappa_low": show.intervals(title="95 %", high="kappa_high"),
}
_KAPPA = (
    "Kappa is the agreement beyond chance, Cohen's of two and Fleiss' of more: 1 is full agreement, 0 what "
    "chance gives, and undefined where all answers are the same."
)

ANSWER_COLUMN = "said"
"""The column with what each person said."""

_NOT_LOOKED, _NOT_SURE = -2, -1

TIES, MAJORITIES, NOBODY, ALL_AGREE = range(4)
"""How the people stand to an example, in the order of the file: there is no majority, it is against somebody,
nobody has looked, or all say the same."""


@dataclass(frozen=True, eq=False)
class PeopleAgreement(show.Result):
    """The decisions of people on labels ``of`` a split: ``counts`` of them, a row a ``person``.

    ``decisions`` is the file of decisions of all, without the columns that ``differ`` between files, and
    ``standing`` [n] how people stand to each of its rows. ``between`` says how far each two agree, and behind
    these all, where they are more: on whether labels are ``wrong``, and on the ``label`` that is right.
    """

    of: LabelledExamples = field(repr=False)
    counts: pd.DataFrame = field(repr=False)
    decisions: pd.DataFrame = field(repr=False)
    standing: Integers = field(repr=False)
    differ: tuple[str, ...]
    between: pd.DataFrame = field(repr=False)

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(map(str, self.counts["person"]))

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
        are kept where they are the same in all files. With several tags an example, ``tag`` is behind ``id``.
        """
        return self.decisions

    def document(self) -> Any:
        def of(row: dict[Any, Any]) -> dict[str, Any] | None:
            share, beyond = (
                {end: row[name] for end, name in zip(_ENDS, names, strict=True)} for names in _BOTH
            )
            kappa = None if pd.isna(row["kappa"]) else beyond
            return {"num": row["num"], "agreed": share, "kappa": kappa} if row["num"] else None

        between: dict[Any, dict[str, Any]] = {}
        for row in self.between.to_dict("records"):
            between.setdefault(row["people"], {"people": list(row["people"])})[row["on"]] = of(row)
        return {
            "people": list(self.people),
            "agreement": [*between.values()],
            "decisions": super().document(),
        }

    def figure(self) -> Figure:
        """How often each person said what."""
        colors = (show.FAINT, show.HARD, show.TRAIN, show.EASY)
        series = {
            name: (self.counts[name].tolist(), color) for name, color in zip(ACTIONS, colors, strict=True)
        }
        return show.bars(list(self.people), series, "examples")

    def frames(self) -> list[show.Frame]:
        note = "Examples by what each says of them."
        if self.differ:
            note += f" Columns that are not the same in all files are left out: {shorten(self.differ)}."
        columns = {str(name): show.counts() for name in self.counts} | {"person": show.names()}
        people = show.Frame(show.sentence_case(self.text), note, self.counts, columns)
        note = (
            "On whether the label is wrong, and on the class that is right (to drop counts as one), among "
            "examples on which all of them are sure."
        )
        agreeing = [agreement_frame(self.between, note)] if len(self.people) > 1 else []
        return [people, *agreeing, *([self._differing()] if self._num(TIES, MAJORITIES) else [])]

    def _differing(self) -> show.Frame:
        """The first examples on which people differ, or are not sure."""
        num = self._num(TIES, MAJORITIES)
        data = self.decisions.head(min(num, _MOST))
        action = data["action"].replace("", "undecided")
        verdict = data["class"].where(data["action"] == RELABEL, action)
        data = data.assign(decided=verdict, **{"class": np.array(self.of.classes, object)[data["was"]]})
        which = f"The first {_MOST} of {show.count(num)}" if num > _MOST else f"All {show.count(num)}"
        note = f"{which}, those without a majority first; the class is that of the run."
        columns = dict.fromkeys(("class", "decided", ANSWER_COLUMN), show.names())
        return show.Frame("Decided differently", note, data, show.id_columns(data) | columns)


def agreement(of: LabelledExamples, data: str, files: Sequence[Path], split: Split) -> PeopleAgreement:
    """The decisions of people on labels of the ``data``: how far they agree, and what their majority says.

    A person is who stands in the column ``by``, or the name of a file that names nobody; whose decisions are
    in several files is one person still, and unsure where no file decides. Examples on which somebody is
    unsure do not count for the agreement with this person. A file in which nothing is decided says what there
    is to look at, and what other columns are to be kept. The table has what more than half of those who
    looked at an example say; ``unsure`` where all are, and nothing where there is no such majority.
    """
    paths = [at_home(one) for one in files]
    for path in paths:
        if [one.resolve() for one in paths].count(path.resolve()) > 1:
            raise BadInput(f"{path}: is given twice; give each file once")
    parts = [
        (path, name, part)
        for path in paths
        for name, part in decisions_by_person(path, of, split, data).items()
    ]
    answers = pd.concat(
        [one.rows().assign(by=name, file=str(path)) for path, name, one in parts], ignore_index=True
    )
    if answers.empty:
        raise BadInput(
            f"{', '.join(map(str, paths))}: nothing is decided there; write keep, relabel, drop or unsure in "
            "the column action"
        )
    rows = [{"at": at, **row} for _, _, one in parts for at, row in one.other_cells.items()]
    cells = pd.DataFrame(rows).replace("", None).groupby("at", sort=False)
    others, differ = cells.first().fillna(""), cells.nunique().gt(1).any()
    others = others.drop(columns=[*differ.index[differ], ANSWER_COLUMN], errors="ignore")
    _, _, first = parts[0]
    return _agreement(first, _once(answers, first.of.ids), others, (*map(str, differ.index[differ]),))


def _once(answers: pd.DataFrame, ids: Any) -> pd.DataFrame:
    """One answer of each person to an example: where one of several files says unsure, that of the others."""
    sure = answers[answers["action"] != UNSURE].drop_duplicates(["at", "by", "action", "label"])
    again = sure.duplicated(["at", "by"])
    for row in sure[again].head(1).itertuples():
        before = sure[(sure["at"] == row.at) & (sure["by"] == row.by)]["action"].iloc[0]
        raise BadInput(
            f"{row.file}: {row.by!r} says {row.action} of the example {str(ids[row.at])!r}, and {before} in "
            "another file; keep one of them, or write another name in the column by"
        )
    order = np.argsort(answers["action"] == UNSURE, kind="stable")
    return answers.iloc[order].drop_duplicates(["at", "by"]).sort_index()


def _agreement(
    first: Decisions, answers: pd.DataFrame, others: pd.DataFrame, differing: tuple[str, ...]
) -> PeopleAgreement:
    """The result from the ``answers`` of each person, and the ``others`` cells of each example."""
    of, num, at = first.of, len(first.of.classes), others.index.to_numpy(np.int64)
    own, people = of.labels[at], tuple(answers["by"].unique())
    answers = answers.iloc[np.argsort(pd.factorize(answers["by"])[0], kind="stable")]
    is_drop, is_unsure = answers["action"] == DROP, answers["action"] == UNSURE
    cells = answers["label"].replace(UNKNOWN, num + 1).mask(is_drop, num).mask(is_unsure, _NOT_SURE)
    votes = answers.assign(code=cells).pivot(index="at", columns="by", values="code")
    votes = votes.reindex(index=at, columns=[*people])
    code, looks = votes.mode(axis=1)[0], votes.notna().sum(axis=1)
    num_votes = votes.eq(code, axis=0).sum(axis=1)
    has_majority, unanimous = (code >= 0) & (2 * num_votes > looks), (num_votes == looks) & (looks > 0)
    standing = np.select([looks == 0, ~has_majority, unanimous], [NOBODY, TIES, ALL_AGREE], MAJORITIES)
    majority = code.where(has_majority | unanimous, _NOT_LOOKED).to_numpy(np.int64)
    is_own = answers["label"] == of.labels[answers["at"]]
    words = answers["action"].where(is_drop | is_unsure, _words(of)[answers["label"]])
    words = answers["by"] + ": " + words.mask(is_own & ~is_unsure, KEEP)
    by, texts = (
        one.groupby(answers["at"]).agg(between.join).reindex(at, fill_value="").to_numpy(object)
        for one, between in ((answers["by"], "+"), (words, "; "))
    )
    actions = {UNSURE: majority == _NOT_SURE, "": majority < 0, KEEP: majority == own, DROP: majority == num}
    table = replace(
        first,
        at=at,
        actions=np.select([*actions.values()], [*actions], default=RELABEL).astype(object),
        labels=np.where((majority < 0) | (majority >= num), UNKNOWN, majority),
        by=by,
        times=answers.groupby("at")["time"].max().reindex(at, fill_value="").to_numpy(object),
    ).table()
    table = pd.concat([table, others.reset_index(drop=True)], axis=1).assign(**{ANSWER_COLUMN: texts})
    order = np.argsort(standing, kind="stable")
    counts = pd.crosstab(answers["by"], answers["action"]).reindex(people, columns=ACTIONS, fill_value=0)
    counts.insert(0, "looked at", counts.sum(axis=1))
    counts = counts.rename_axis("person").reset_index()
    groups = [*combinations(people, 2), *([people] if len(people) > 2 else [])]
    labels = {one: votes[one][votes[one] >= 0] for one in people}
    is_wrong = {one: label != of.labels[label.index] for one, label in labels.items()}
    between = agreement_between(groups, {"wrong": is_wrong, "label": labels})
    table = of.unfold(table.iloc[order].reset_index(drop=True))
    return PeopleAgreement(of, counts, table, standing[order], differing, between)


def _words(of: LabelledExamples) -> npt.NDArray[np.object_]:
    """Names of classes, told apart from actions, and last the word for an `UNKNOWN` one."""
    texts = {*ACTIONS, "wrong"}
    names = [name if name.strip() and name not in texts else f"class {name!r}" for name in of.classes]
    return np.array([*names, "wrong"], object)


def agreement_between(
    groups: Iterable[tuple[str, ...]], answers: Mapping[str, Mapping[str, pd.Series[Any]]]
) -> pd.DataFrame:
    """A row for each group of ``people``, and what they agree ``on``: ``num`` examples, and how far.

    ``answers`` to each question are codes by example, of each person who is sure.
    """
    rows = []
    for people, on in product(groups, answers):
        both = pd.concat([answers[on][one] for one in people], axis=1, join="inner", keys=people)
        ways = both.groupby([*people]).size()
        cells: dict[str, Any] = {"people": people, "on": on, "num": 0}
        if (result := kappa(np.array([*ways.index]).T, ways.to_numpy())) is not None:
            cells |= dict(zip(_BOTH[0], result.agreement, strict=True), num=result.num, chance=result.chance)
            cells |= zip(_BOTH[1], result.kappa or (), strict=False)
        rows.append(cells)
    return pd.DataFrame(rows, columns=["people", "on", "num", *_BOTH[0], "chance", *_BOTH[1]])


def agreement_frame(between: pd.DataFrame, note: str) -> show.Frame:
    """The frame of what `agreement_between` found."""
    names = [" and ".join(some) if len(some) == 2 else f"all {len(some)}" for some in between["people"]]
    data, num = between.assign(between=names, on=between["on"].map(_ON)), between["on"].nunique()
    if (left := len(data) // num - _MOST) > 0:  # all people together come last
        note += f" {show.count(left)} more pairs are in the JSON file."
        data = pd.concat([data[: num * (_MOST - 1)], data[-num:]])
    values = data["kappa"].map(show.number).where(data["kappa"].notna(), None)
    values = values.mask(data["agreed"].notna() & data["kappa"].isna(), "undefined")
    data = data.assign(kappa=values, low=100 * data["low"], high=100 * data["high"])
    columns = {name: column for name, column in _COLUMNS.items() if num > 1 or name != "on"}
    return show.Frame("How far people agree", f"{note} {_KAPPA}", data, columns)
