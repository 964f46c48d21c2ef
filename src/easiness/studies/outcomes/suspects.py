"""``suspects`` and ``audit`` of outcomes: which answer keys look wrong, and how many are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from easiness import show
from easiness.data import LabelledExamples, read_label_file
from easiness.errors import BadInput
from easiness.lazy import Figure, pd
from easiness.regular_file import at_home
from easiness.spec import command_line, content_hash
from easiness.store import Run, runs_in
from easiness.studies.audit import Audit, AuditDraw, AuditedList, AuditOptions, audit_of
from easiness.studies.suspects import ABOVE, SuspectOptions

_ERR_TOGETHER = (
    "Models err together: of thousands of questions whose keys experts checked 2 % were wrong, and taking "
    "the models as independent makes 13 to 20 % of it. So this is an order without a number; only an audit "
    "can count"
)
_ALONE = "One model errs in the same way again and again, as if the key were wrong. Record others as well."
_LOOKS = 200
_FORETOLD = 0.02  # of keys, as experts found: where an audit looks, which trusts nothing of it
_MOST_LIKELY = 0.5  # at most as likely wrong as right, whatever models say
_FIRST = 20  # rows that a terminal shows
_VERSION = 12  # digits of what tells the items apart
_DIGITS = 9  # of shares, which are sums of fractions: equal ones are ties


def _folders(runs: Sequence[Run]) -> list[Path]:
    """The folder that has the runs and no other, or those of the runs."""
    paths = [run.path for run in runs]
    parent = paths[0].parent
    is_all = len(runs) > 1 and sorted(paths) == runs_in(parent, several=True)
    return [parent] if is_all else paths


def _items(runs: Sequence[Run]) -> pd.DataFrame:
    """The items of all ``runs`` by id, with ``key`` and ``text`` where one of them has it."""
    every = pd.concat([run.outcomes.items for run in runs], ignore_index=True)
    every = every.reindex(columns=["id", "key", "text"])
    several = every.groupby("id", sort=False)["key"].nunique() > 1
    if several.any():
        raise BadInput(
            f"item {several.idxmax()!r:.80}: has one key in one run and another in another; record it anew"
        )
    return every.groupby("id", sort=False).first()


def _shares(runs: Sequence[Run], items: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The share of each answer, a row an ``item`` and ``answer``; and by item its models and their rate.

    A model counts once, by the shares of answers over its trials; one that has no answers does not count.
    """
    parts = []
    for at, run in enumerate(runs):
        place = items.index.get_indexer(run.outcomes.items["id"])
        rows = run.outcomes.rows
        voice = rows["trial"] if run.trials_are == "models" else ""
        parts.append(rows.assign(item=place[rows["item"]], run=at, voice=voice))
    rows = pd.concat(parts)
    rows["voice"] = rows.groupby(["run", "voice"]).ngroup()
    rows = rows[rows.groupby("voice")["answer"].transform("count") > 0]
    if rows.empty:
        raise BadInput(
            f"{runs[0].path}: has no answers, by which keys look right or wrong; record a table with the "
            "columns answer and key"
        )
    voices = rows.groupby(["item", "voice"])[["count", "correct"]].sum()
    rate = (voices["correct"] / voices["count"]).groupby("item").agg(models="size", rate="mean")
    said = rows.groupby(["item", "voice", "answer"])[["count", "correct"]].sum()
    said["share"] = said["count"] / voices["count"]
    answers = said.groupby(["item", "answer"]).sum()
    answers["share"] /= rate["models"]
    return answers.reset_index(), rate


def _ranked(runs: Sequence[Run]) -> pd.DataFrame:
    """Every item, first those of which the largest share of models is on one other answer than the key.

    An answer that is right counts as the key, which is the most frequent of them where none is named.
    """
    items = _items(runs)
    answers, table = _shares(runs, items)
    key = items["key"].reset_index(drop=True)
    answers = answers.iloc[np.argsort(-answers["share"].round(_DIGITS), kind="stable")]
    is_key = (answers["answer"] == answers["item"].map(key)) | (answers["correct"] > answers["count"] / 2)
    right, other = answers[is_key], answers[~is_key].drop_duplicates("item").set_index("item")
    table = table.reindex(key.index)
    table["label"] = key.fillna(right.drop_duplicates("item").set_index("item")["answer"])
    table["suggested"], table["suggested_share"] = other["answer"], other["share"]
    table["key_share"] = right.groupby("item")["share"].sum()
    table = table.fillna({"suggested_share": 0.0, "key_share": 0.0, "models": 0}).astype({"models": np.int64})
    table["reason"] = [_reason(*row) for row in zip(*(table[one] for one in _TELLING), strict=True)]
    names = ["label", "suggested", "suggested_share", "key_share", "rate", "models", "reason"]
    table = table[names]
    table.insert(0, "id", items.index)
    if items["text"].notna().any():
        table["text"] = items["text"].to_numpy()
    order = np.lexsort((table["key_share"].round(_DIGITS), -table["suggested_share"].round(_DIGITS)))
    return table.iloc[order].reset_index(drop=True)


_TELLING = ("suggested", "suggested_share", "key_share", "models")


def _reason(suggested: Any, share: float, key_share: float, models: int) -> str:
    if not isinstance(suggested, str):
        return ""
    of = f"of {models} models" if models > 1 else "of its trials"
    return f"{show.percent(share)} {of} on {suggested!r:.60}, {show.percent(key_share)} on the key"


@dataclass(frozen=True, eq=False)
class KeySuspects(show.Result):
    """The answer keys of items by how suspect they are, as ``ranked``, a row for each item.

    ``models`` of them answered. ``folders`` are those of the runs.
    """

    folders: list[Path] = field(repr=False)
    models: int
    ranked: pd.DataFrame = field(repr=False)

    @property
    def audit(self) -> str:
        """The command that draws items by which wrong keys can be counted."""
        return command_line("audit", *self.folders, "--looks", _LOOKS, "-o", "audit.csv")

    def table(self) -> pd.DataFrame:
        """The items to which some model gives another answer, most suspicious first.

        ``id``, ``label`` (the key), ``suggested`` (the other answer that most give), ``suggested_share`` and
        ``key_share`` (of the models), ``rate``, ``models``, ``reason``, and the ``text`` where it is known.
        """
        return self.ranked[self.ranked["suggested_share"] > 0]

    def document(self) -> Any:
        share = dict.fromkeys(("share", "low", "high"))
        suspects = [show.without_nan(row) for row in self.table().to_dict("records")]
        return {"num_examples": len(self.ranked), **share, "audit": self.audit, "suspects": suspects}

    @property
    def headline(self) -> str:
        who = f"{self.models:,} models" if self.models > 1 else "the trials"
        keys = show.quantity(len(self.ranked), "key")
        return f"{keys}, first where most of {who} give one other answer. {_ERR_TOGETHER}: {self.audit}"

    def figure(self) -> Figure:
        """The share of models on one other answer, and on the key, of each item."""
        figure, axes = show.new_axes(3.6, 3.2)
        axes.plot(self.ranked["key_share"], self.ranked["suggested_share"], ".", color=show.HARD, alpha=0.4)
        axes.plot([0, 1], [0, 1], color=show.FAINT)
        axes.set(xlabel="share of models on the key", ylabel="on one other answer", xlim=(0, 1), ylim=(0, 1))
        return figure

    def frames(self) -> list[show.Frame]:
        columns = {"id": show.names(), "label": show.names(title="key"), "suggested": show.names()}
        columns["suggested_share"] = show.numbers(2, title="say so")
        columns["key_share"] = show.numbers(2, title="say the key")
        columns["reason"] = show.names()
        if "text" in self.ranked:
            columns["text"] = show.names()
        data, notices = self.table()[:_FIRST], (_ALONE,) * (self.models == 1)
        return [show.Frame("Keys to look at", self.headline, data, columns, notices)]

    def in_words(self) -> str:
        return show.sections_text(self.sections())  # the note begins with the headline


def suspects_of_outcomes(options: SuspectOptions) -> KeySuspects:
    """The items whose key is likely wrong, by the share of models on one other answer.

    Raises:
        BadInput: there are no answers, the runs have unlike keys, or an option needs probabilities.
    """
    _check(options.run, "--at", options.at)
    _check(options.run, "--split held_out", options.split == "held_out" or None)
    _check(options.run, "--above", None if options.above == ABOVE else options.above)
    _check(options.run, "--decided", options.decided)
    ranked = _ranked(options.run)
    return KeySuspects(_folders(options.run), int(ranked["models"].max()), ranked)


def _check(runs: Sequence[Run], option: str, value: Any) -> None:
    if value is not None:
        runs[0].check_course(option)


def audit_of_outcomes(options: AuditOptions) -> AuditDraw | Audit:
    """Draw keys to look at; or, with ``decided``, how many of the keys are wrong, see `audit`."""
    runs, file = options.run, options.decided or options.known
    _check(runs, "--split held_out", options.split == "held_out" or None)
    table = _ranked(runs).dropna(subset="label")
    if table.empty:
        raise BadInput(
            f"{runs[0].path}: has no keys to audit; record a table with the columns answer and key"
        )
    weight = table["suggested_share"] ** 2
    scale = _FORETOLD * len(table) / max(float(weight.sum()), 1e-9)
    table["p_wrong"] = np.minimum(scale * weight, _MOST_LIKELY)
    keys = table["label"].tolist()
    written = [] if file is None else [row.cells["label"] for row in read_label_file(at_home(file)).rows]
    classes = {key: at for at, key in enumerate(dict.fromkeys([*keys, *written]))}  # a key may be any text
    own = np.array([classes[key] for key in keys])
    ids = table["id"].to_numpy()
    version = content_hash(sorted(map(str, ids)))[:_VERSION]
    of = AuditedList(
        LabelledExamples("audit", ids, own, (*classes,), noun="item"),
        f"items@{version}",
        lambda: table,
        _folders(runs),
        shown=["text"] if "text" in table else [],
        hints=["suggested", "suggested_share"],
        noun="key",
    )
    return audit_of(lambda _: of, options)
