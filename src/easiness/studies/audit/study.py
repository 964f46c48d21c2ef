"""``audit``: draw labels to look at, and say how many are wrong from what was seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np

from easiness import analysis, show
from easiness.data import AUDIT_COLUMNS, UNSURE, Decisions, LabelledExamples, read_decisions, splits_in
from easiness.engine import SEVERAL_RUNS, Later, Seed, Study, heading, share
from easiness.errors import BadInput
from easiness.lazy import Figure, Floats, Integers, pd
from easiness.runs import data_version, labelled_examples
from easiness.spec import Option, Split, command_line, setting
from easiness.store import Run
from easiness.studies.audit.certificate import Certificate
from easiness.studies.audit.estimate import (
    CONFIDENCE,
    LABEL,
    Audit,
    Design,
    looks_needed,
    parse,
    round_strata,
)
from easiness.studies.suspects import SuspectOptions, suspects

_LOOKS = 100
_TIMES, _MORE = 2, 50  # as many draws as are likely to do, and some more
_UNSAID = 0.1  # of the votes
_HINTS = ("suggested", "suggested_class", "p_wrong")
_WRITE = "easiness audit RUN -o audit.csv writes one"
_NO_ANSWER = ("", False, -1, "", "")
_CONSENSUS = Later("easiness.studies.labels:audited_consensus")

ITEM_LABEL = "item label"
"""The noun for a label of a consensus."""

KNOWN = "known"
"""The stratum of an example that had been decided before the draw."""


@dataclass(frozen=True, eq=False)
class AuditedList:
    """A list to draw from: labels of the examples ``of`` a split of ``data``, by how suspect they are.

    ``rank`` gives a row for each, most suspicious first: ``id``, ``label``, columns of ``context`` and
    ``hints``, and ``p_wrong``. ``paths`` are those of the runs, ``noun`` names a label.
    """

    of: LabelledExamples
    data: str
    rank: Callable[[], pd.DataFrame]
    paths: Sequence[Path]
    context: Sequence[str] = ("class",)
    hints: Sequence[str] = _HINTS
    noun: str = LABEL

    def ranked(self, before: Integers) -> tuple[pd.DataFrame, Integers]:
        """The list without those decided before, and the positions [K] of all in their order."""
        table = self.rank()
        order = pd.Index(self.of.ids).get_indexer(table["id"]).astype(np.int64)
        return table[~np.isin(order, before)].reset_index(drop=True), order


@dataclass(frozen=True, eq=False)
class AuditDraw(show.Result):
    """Examples of a ``split`` to look at, drawn by a ``design``, a row each in ``rows``, first one first.

    Behind them are those that had been decided before. ``likely_looks`` are likely to do, where one stops
    when the bound is low enough.
    """

    split: Split
    data: str
    num_examples: int
    design: Design = field(repr=False)
    rows: pd.DataFrame = field(repr=False)
    blind: bool
    likely_looks: float | None = None
    paths: Sequence[Path] = ()
    hints: Sequence[str] = _HINTS
    noun: str = LABEL
    listing = "rows"

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        blind = ["--blind"] if self.blind else []
        steps = []
        for output in (one for one in outputs if one.suffix == ".csv"):
            page = output.with_suffix(".html")
            looking = command_line("report", *self.paths, "--decide", output, *blind, "-o", page)
            reading = command_line("audit", *self.paths, "--decided", output)
            how = f"{looking} (or write the actions into {output})"
            if self.noun != LABEL:  # the page shows examples
                how = f"write the actions into {output}"
            if self.noun == ITEM_LABEL and not self.data.startswith(f"{self.paths[0].stem}@"):  # of a run
                page_of = command_line("report", "RUN", "--decide", output, *blind, "-o", page)
                how += f" (with examples of a run: {page_of})"
            steps.append(f"look at them: {how}; then {reading}")
        return steps

    def table(self) -> pd.DataFrame:
        """The file to fill in: columns as of decisions, then how each was drawn.

        ``id``, ``label``, ``class``, ``was``, ``action`` (empty), ``by``, ``time``, ``split``, ``data``, what
        is ``suggested`` and how probable (unless ``blind``), ``order``, ``stratum`` and ``draw``.
        """
        return self.rows.drop(columns=list(self.hints) if self.blind else [])

    def _by_stratum(self) -> pd.DataFrame:
        """A row a stratum, from the top of the list: its examples, looks, and wrong labels foretold."""
        sizes, expected = self.design.strata.sizes, self.design.strata.expected
        numbers = np.arange(1, len(sizes) + 1)
        looks = self.rows["stratum"].value_counts().reindex(numbers.astype(str), fill_value=0).to_numpy()
        columns = {"examples": sizes, "looks": looks, "expected_wrong": expected * sizes}
        return pd.DataFrame({"stratum": numbers, **columns})

    def figure(self) -> Figure:
        """The share of all examples and of all looks that each stratum has."""
        table = self._by_stratum()
        series = {
            f"of the {name}": ((100 * table[name] / table[name].sum()).tolist(), color)
            for name, color in (("examples", show.FAINT), ("looks", show.HARD))
        }
        names = [f"stratum {one}" for one in table["stratum"]]
        return show.bars(names, series, "share (%); the most suspicious stratum first")

    def frames(self) -> list[show.Frame]:
        columns = dict.fromkeys(("stratum", "examples", "looks"), show.counts())
        if self.noun == LABEL:  # of others nobody foretells how many are wrong
            columns["expected_wrong"] = show.numbers(1, title="wrong, expected")
        title = f"{show.sentence_case(self.noun)}s to look at, drawn by chance"
        return [show.Frame(title, self._note(), self._by_stratum(), columns)]

    def _note(self) -> str:
        design = self.design
        num_all = show.quantity(self.num_examples, self.noun)
        note = f"{show.count(design.looks)} of {num_all} were drawn by chance."
        if design.num_known:
            note += f" {show.count(design.num_known)} are known and were not drawn."
        if design.at_most is None:
            return f"{note} Look at all of them."
        likely = "that may need a look at most of them: decide the suspects first (--known)"
        if self.likely_looks is not None and self.likely_looks <= design.looks:
            likely = f"about {show.count(math.ceil(self.likely_looks))} looks are likely to do"
        return (
            f"{note} Look at them in their order, and stop when at most "
            f"{show.chosen_percent(design.at_most)} can be said to be left wrong: {likely}. The answer may "
            "be asked for at any time."
        )


@dataclass(frozen=True)
class AuditOptions:
    """Options of `audit`."""

    run: Annotated[
        tuple[Run | Path, ...],
        Option(
            "",
            "Folder of a run, or of outcomes of several models; or a file of `labels --annotations`.",
            python_type=str | Path | Run | Sequence[Run],
            takes_files=True,
            **SEVERAL_RUNS,
        ),
    ]
    looks: int | None = setting(
        "--looks", "How many labels to draw; 100 where --at-most does not say.", least=1
    )
    at_most: float | None = setting(
        "--at-most",
        "Draw labels in an order, to stop as soon as it is shown that at most this share is left wrong, "
        "such as 1%. The bound holds at every look.",
        metavar="P",
        read=share,
        within="(0, 1)",
    )
    seed: Seed = 0
    split: Split | None = setting(
        "--split",
        "Labels of the examples measured, or of the held-out split. Default: train, or what the file of "
        "--decided names.",
    )
    blind: bool = setting("--blind", "Hide what is suggested, and how probable it is.", default=False)
    known: Path | None = setting(
        "--known", "Decisions made before, signed or not. Labels are drawn from the rest."
    )
    decided: Path | None = setting(
        "--decided",
        "The file that was drawn, with its actions filled in, all or the first: says how many are wrong.",
    )
    certificate: bool = setting(
        "--certificate",
        "With --decided: a page of what was looked at, how and by whom; FILE.json is for a data card.",
        default=False,
    )


def audit(options: AuditOptions) -> AuditDraw | Audit | Certificate:
    """Draw labels to look at; or, with ``decided``, how many of all labels are wrong, and how many are left.

    Labels are drawn by chance from strata of the list of suspects, more where ``p_wrong`` leaves it open, and
    every one may be drawn. So the answer is right whatever ``p_wrong`` is worth, and the better that is, the
    narrower the interval.
    """
    for one in options.run[1:]:
        path = one if isinstance(one, Path) else one.path
        raise BadInput(f"{path}: is a second run, and labels are audited by one; leave it out")
    [run] = options.run
    if isinstance(run, Path) and options.split == "held_out":
        raise BadInput("--split held_out: a consensus has no such split; leave it out")
    return audit_of(lambda split: audited_labels(run, split), options)


def audited_labels(run: Run | Path, split: Split) -> AuditedList:
    """The labels of a split of a run, by its suspects; or those in a file of a consensus, which has one."""
    if isinstance(run, Path):
        consensus: AuditedList = _CONSENSUS(run)
        return consensus
    rank = lambda: suspects(SuspectOptions((run,), split=split, pictures=False)).ranked  # noqa: E731
    return AuditedList(labelled_examples(run, split), data_version(run), rank, [run.path])


def audit_of(
    list_of: Callable[[Split], AuditedList], options: AuditOptions
) -> AuditDraw | Audit | Certificate:
    """Draw from a list, which may be that of another split; or read what was drawn from it."""
    looks, at_most, file = options.looks, options.at_most, options.known
    split: Split = options.split or "train"
    if options.decided is not None:
        if (looks, at_most, options.seed, options.blind, file) != (None, None, 0, False, None):
            raise BadInput(
                f"--decided {options.decided}: says itself how it was drawn; leave out what draws "
                "(--looks, --at-most, --seed, --blind, --known)"
            )
        if options.split is None and "held_out" in splits_in(options.decided):
            split = "held_out"
        of = list_of(split)
        audit = _estimate(of, options.decided, split)
        return Certificate(audit, of.of, of.data, of.paths, options.decided) if options.certificate else audit
    if options.certificate:
        raise BadInput("--certificate: is of what somebody has looked at; give it by --decided audit.csv")
    of = list_of(split)
    decisions = None if file is None else _decisions(of, file, split)
    table, order = of.ranked(np.zeros(0, np.int64) if decisions is None else decisions.at)
    if not len(table):
        raise BadInput(
            f"{file}: all {len(order)} {of.noun}s are decided, so the number of wrong ones is known; count "
            "them"
        )
    p_wrong = table["p_wrong"].fillna((table["suggested_share"] + _UNSAID) / 2)  # of bare votes
    design, likely_looks = _design(p_wrong.to_numpy(), len(order), looks, at_most, options.seed)
    rows = of.of.unfold(_rows_to_look_at(of, table, design, split, decisions))
    kind = design, rows, options.blind, likely_looks
    return AuditDraw(split, of.data, len(order), *kind, of.paths, of.hints, of.noun)


def _design(
    p_wrong: Floats, num_examples: int, looks: int | None, at_most: float | None, seed: int
) -> tuple[Design, float | None]:
    """How to draw from a list of suspects with falling probabilities, and the looks likely needed.

    ``num_examples`` counts those that are known too.
    """
    num_known = num_examples - len(p_wrong)
    if at_most is None:
        looks = min(_LOOKS if looks is None else looks, len(p_wrong))
        return Design(round_strata(analysis.stratify(p_wrong, looks)), looks, seed, num_known, None), None
    without_any = -math.log(1 - CONFIDENCE) / max(at_most, 1 / num_examples)
    strata = round_strata(analysis.stratify(p_wrong, math.ceil(without_any)))
    nothing = np.zeros(0, np.int64), np.zeros(0, np.bool_)
    likely_looks = looks_needed(strata, *nothing, math.floor(at_most * num_examples))
    if looks is None:
        looks = math.ceil(_TIMES * (3 * without_any if likely_looks is None else likely_looks)) + _MORE
    return Design(strata, min(looks, len(p_wrong)), seed, num_known, at_most), likely_looks


def _decisions(of: AuditedList, file: Path, split: Split) -> Decisions:
    """The decisions that are sure, of a file that somebody has looked at examples for."""
    decisions = read_decisions(file, of.of, split, of.data)
    # as `labels` writes it: for all examples, or without the column in which one signs
    unseen = len(decisions) == len(decisions.of.ids) or "by" not in decisions.columns
    if len(decisions) and unseen and not any(decisions.by) and not any(decisions.times):
        raise BadInput(
            f"{file}: has actions as `easiness labels` writes them unseen, without a name in the column by; "
            "give decisions as the page exports them or an audit's file, or write into by who looked"
        )
    return decisions.part(decisions.sure)


def _rows_to_look_at(
    of: AuditedList, suspects_left: pd.DataFrame, design: Design, split: Split, before: Decisions | None
) -> pd.DataFrame:
    """The rows of an audit's file: those drawn from the suspects left, and those decided before."""
    ranks = design.ranks()
    rows = suspects_left.iloc[ranks].reset_index(drop=True)
    table = rows[["id", "label", *of.context]].assign(was=rows["label"], action="", by="", time="")
    table = table.assign(split=split, data=of.data, **{name: rows[name] for name in of.hints})
    table["order"] = np.arange(1, len(ranks) + 1).astype(str).astype(object)
    table["stratum"] = (design.strata.of(ranks) + 1).astype(str).astype(object)
    if before is not None:
        others = before.table().assign(order="", stratum=KNOWN, **dict.fromkeys(of.hints))
        if "class" not in of.context:  # the label is a text, not the number of a class
            others = others.assign(**{one: np.array(of.of.classes)[others[one]] for one in ("label", "was")})
        table = pd.concat([table.astype(object), others.astype(object)], ignore_index=True)[list(table)]
    cells = zip(*(table[name].tolist() for name in ("id", *AUDIT_COLUMNS[:2])), strict=True)
    return table.assign(draw=[design.cell(of.data, split, *row) for row in cells])


def _estimate(of: AuditedList, file: Path, split: Split) -> Audit:
    """Estimates from the answers in a file that an audit of the list wrote, all or the first ones."""
    design, rows = _rows(read_decisions(file, of.of, split, of.data), file)
    before = rows[rows["stratum"] < 0]
    looks = rows[rows["stratum"] >= 0].drop_duplicates("order", keep="last").set_index("order").sort_index()
    suspects_left, order = of.ranked(before["at"].to_numpy())
    same = len(suspects_left) == design.strata.sizes.sum()
    missing = np.setdiff1d(np.arange(1, design.looks + 1), looks.index)
    if len(missing):
        name = f" ({suspects_left['id'][design.ranks()[missing[0] - 1]]})" if same else ""
        raise BadInput(
            f"{file}: lacks {show.quantity(len(missing), 'row')} that were drawn, first look "
            f"{missing[0]}{name}, which would bend the answer; put them back, with unsure where you cannot "
            "tell"
        )
    if len(before) != design.num_known:
        raise BadInput(
            f"{file}: has {len(before)} of the {design.num_known} rows that were known when it was drawn; "
            "put all of them back"
        )
    answers = (looks["action"] != "").to_numpy()
    first = len(looks) if answers.all() else int(answers.argmin())
    looks, rest = looks[:first], looks[first:]
    if not first:
        raise BadInput(
            f"{rest['where'].iloc[0]}: the example {rest['name'].iloc[0]!r}, the first one drawn, has no "
            "action, so none counts; write keep, relabel, drop or unsure"
        )
    for one in before[before["action"] == ""].to_dict("records"):
        raise BadInput(
            f"{one['where']}: the example {one['name']!r} was decided before the draw, and has no action "
            "now; write it in"
        )
    place = np.zeros(len(order), np.int64)
    place[order[~np.isin(order, before["at"])]] = np.arange(len(suspects_left))
    same = same and bool((design.strata.of(place[looks["at"]]) == looks["stratum"]).all())
    return Audit(
        num_examples=len(order),
        split=split,
        design=design,
        looks=looks,
        before=before,
        first_open="" if not len(rest) else f"{rest['where'].iloc[0]}, {rest['name'].iloc[0]}",
        behind=int(answers[first:].sum()),
        rank=np.argsort(order) if same else None,
        noun=of.noun,
    )


def _rows(decisions: Decisions, path: Path) -> tuple[Design, pd.DataFrame]:
    """The design, which all rows tell alike, and the rows; the stratum of those decided before is -1."""
    missing = next((name for name in AUDIT_COLUMNS if name not in decisions.columns), None)
    if missing is not None:
        raise BadInput(f"{path}: is no audit, without the column {missing!r}; {_WRITE}")
    ids = decisions.of.ids
    design = next(filter(None, (parse(row["draw"]) for row in decisions.other_cells.values())), None)
    if design is None:
        raise BadInput(f"{path}: no row tells in the column 'draw' how it was drawn; {_WRITE}")
    num = int(design.strata.sizes.sum())
    if num + design.num_known != len(ids) or not 0 < design.looks <= num:
        raise BadInput(
            f"{path}: was drawn from {num + design.num_known} labels, and there are {len(ids)}; {_WRITE}"
        )
    orders = {str(one): one for one in range(1, design.looks + 1)}
    strata = {str(one + 1): one for one in range(len(design.strata.sizes))}
    columns = [getattr(decisions, name) for name in ("at", "actions", "wrong", "labels", "by", "times")]
    answers = {at: answer for at, *answer in zip(*(one.tolist() for one in columns), strict=True)}
    rows = []
    for at, row in decisions.other_cells.items():
        name, where = str(ids[at]), decisions.places[at]
        if not row["draw"]:
            raise BadInput(
                f"{where}: the example {name!r} was not drawn, and would bend the answer; take the row out"
            )
        order, stratum = row["order"], row["stratum"]
        is_before = stratum == KNOWN
        cell = design.cell(decisions.data, decisions.split, name, order, stratum)
        if not (is_before or (order in orders and stratum in strata)) or row["draw"] != cell:
            raise BadInput(
                f"{where}: the example {name!r} was not drawn like this, as look {order or 'none'}; give "
                "the file that audit wrote, with nothing changed but the actions"
            )
        numbers = (0, -1) if is_before else (orders[order], strata[stratum])
        action, *answer = answers.get(at, _NO_ANSWER)
        rows.append((where, name, at, *numbers, cell, action == UNSURE, action, *answer))
    names = ["where", "name", "at", "order", "stratum", "draw", "unsure"]
    names += ["action", "wrong", "label", "by", "time"]
    return design, pd.DataFrame(rows, columns=names)


AUDIT = Study(
    *heading("audit"),
    AuditOptions,
    audit,
    about="First it draws labels by chance and writes a file (-o audit.csv). Fill it in, on the page or by "
    "hand: action is keep, relabel, drop or unsure. Then --decided audit.csv says how many labels are wrong "
    "and how many are left, with 95 % confidence. This does not depend on p_wrong.",
    suffixes=lambda arguments: (".html", ".json", ".md") if arguments["certificate"] else show.SUFFIXES,
    outcomes=Later("easiness.studies.outcomes:audit_of_outcomes"),
    decides=lambda arguments: arguments["decided"] is None,
)
