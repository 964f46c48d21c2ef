"""``labels --annotations``: the labels that votes of people and models speak for, and who errs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.analysis import LabelPosterior, label_posterior
from easiness.data import (
    DROP,
    INTEGER,
    UNKNOWN,
    UNSURE,
    Annotations,
    LabelledExamples,
    open_table,
    read_annotations,
    written_in,
)
from easiness.errors import BadInput, shorten
from easiness.gate import reading
from easiness.lazy import Figure, Floats, Integers, pa, pc, pd, sparse
from easiness.regular_file import at_home
from easiness.runs import data_version, labelled_examples
from easiness.spec import command_line, content_hash
from easiness.store import Run
from easiness.studies.audit import ITEM_LABEL, KNOWN, AuditedList
from easiness.studies.labels.agreement import agreement_between, agreement_frame

_FIRST = 20  # rows that are shown, and people whose pairs are
_LOOKS = 200
_VERSION = 12  # digits of what tells the labels apart
_SURE, _ALIKE = 0.9, 0.75  # of a label that is no mistake, and of what people would say of it
_MOST_TAKEN, _OFTEN = 3, 0.05  # classes that a person takes for others, and how often
_WIDE = 0.2  # an interval of an accuracy that says little
_DIGITS = 9  # of shares, of which equal ones are ties
_SAY_MORE = 0.01  # the probability of a class that is suggested

_NEEDS = ("id", "label", "class", "p_label", "said", "data", "classes")
_NO_PAIRS = "no two people share an item, so nothing tells how good each is"
_ALONE = "one person alone: nothing but looks (--decided) tells how sure the answers are"
_ALL_AGREE = "all agree on every item that they share; people who err together do so as well"
_NOT_BY_CHANCE = "labels looked at were not drawn by chance, as `audit` draws them, so they tell no number"
_NO_HEADS = "the run has no probabilities out of sample for most examples, so votes speak alone"


@dataclass(frozen=True, eq=False)
class Consensus(show.Result):
    """The labels of K items by ``votes``, as `label_posterior` has them in ``posterior``.

    ``label`` [K] is `UNKNOWN` where nobody says any. ``key`` [K] are the labels that the data have now,
    `UNKNOWN` where they have none, and None without any. ``data`` names the data of a run and the version of
    their labels. ``words`` are those of the command that made it, but for what was looked at.
    """

    votes: Annotations = field(repr=False)
    posterior: LabelPosterior = field(repr=False)
    label: Integers = field(repr=False)
    key: Integers | None = field(repr=False)
    data: str
    num_looks: int = 0
    more_notices: tuple[str, ...] = ()
    words: tuple[object, ...] = field(default=(), repr=False)

    @cached_property
    def _votes(self) -> pd.DataFrame:
        """A row for each ``item`` and ``label`` that votes name, with their number as ``share``."""
        rows = self.votes.votes[self.votes.votes["label"] >= 0]
        return rows.groupby(["item", "label"])["share"].sum().round(_DIGITS).reset_index()

    @cached_property
    def majority(self) -> Integers:
        """The class that most votes on each item name [K], `UNKNOWN` on a tie or without votes."""
        votes, label = self._votes, np.full(len(self.label), UNKNOWN)
        is_most = votes["share"] == votes.groupby("item")["share"].transform("max")
        most = votes[is_most].drop_duplicates("item", keep=False)
        label[most["item"]] = most["label"]
        return label

    def table(self) -> pd.DataFrame:
        """The labels of all items in their order, and how the answers of people would be shared.

        ``id``, ``label``, ``class`` (empty where nobody says any), its probability ``p_label``, ``majority``
        (empty on a tie), ``votes`` (people who named a class). Where the data have labels: ``p_wrong``,
        ``was``, ``suggested`` (the likeliest other class) and ``suggested_class``. Then what each ``said``,
        ``data``, and ``classes`` (all names as JSON, in the first row). Behind these, up to 200 classes have
        a column each with the share of further people who would name it.
        """
        table, say = self.csv_rows(), self.posterior.say
        if sparse.issparse(say):
            return table
        names = [str(name) for name in self.votes.classes]
        for at in range(len(names)):
            while names[at] in {*table, *names[:at], *names[at + 1 :]}:
                names[at] = f"{names[at]}_"
        return pd.concat([table, pd.DataFrame(say, columns=names)], axis=1)

    def csv_rows(self) -> pd.DataFrame:
        """The rows of its CSV file: the table without a column a class."""
        p, rows = self.posterior.p, np.arange(len(self.label))
        votes = np.bincount(self._votes["item"], self._votes["share"], len(rows))
        p_label = np.where(self.label < 0, np.nan, np.asarray(p[rows, self.label]).ravel())
        if self.key is not None:  # nobody says another label than the key
            p_label = np.where(self.posterior.best >= 0, p_label, 1 - self.posterior.p_wrong)
        columns: dict[str, Any] = {
            "id": self.votes.ids,
            "label": _numbers(self.label),
            "class": self._names(self.label),
            "p_label": p_label,
            "majority": _numbers(self.majority),
            "votes": np.rint(votes).astype(np.int64),
        }
        if self.key is not None:
            others = sparse.csr_array(p)
            is_own = others.indices == self.key[np.repeat(rows, np.diff(others.indptr))]
            others.data = np.where(is_own, 0, others.data.round(_DIGITS))
            is_likely = (others.max(axis=1).toarray() >= _SAY_MORE) & (self.key >= 0)
            other = np.where(is_likely, others.argmax(axis=1), UNKNOWN)
            columns["p_wrong"] = np.where(self.key < 0, np.nan, self.posterior.p_wrong)
            columns |= {"was": _numbers(self.key), "suggested": _numbers(other)}
            columns["suggested_class"] = self._names(other)
        classes = np.full(len(rows), "", object)
        classes[:1] = json.dumps(self.votes.classes, ensure_ascii=False)
        return pd.DataFrame({**columns, "said": self.answers, "data": self.data, "classes": classes})

    def _names(self, labels: Integers) -> npt.NDArray[np.object_]:
        return np.array([*self.votes.classes, ""], object)[labels]

    @cached_property
    def answers(self) -> npt.NDArray[np.object_]:
        """Who said what of each item [K]: ``ann: dog; bob: cat or dog; eve: unsure``."""
        votes = self.votes.votes.sort_values(["item", "by"], kind="stable")
        names = np.array([*self.votes.classes, UNSURE], object)[votes["label"]]
        same = votes.duplicated(["item", "by"]).to_numpy()
        begins = np.array([f"{name}: " for name in self.votes.people], object)[votes["by"]]
        first = ~votes.duplicated("item").to_numpy()
        between = np.where(same, " or ", np.where(first, begins, "; " + begins))
        ends = np.searchsorted(votes["item"], np.arange(len(self.label) + 1))
        lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(between + names, pa.string()))
        return np.asarray(pc.binary_join(lists, "").to_numpy(zero_copy_only=False), object)

    def people(self) -> pd.DataFrame:
        """A row a person: how good the answers are, and what is taken for what.

        ``by``, ``votes`` and ``unsure`` (items), ``accuracy`` from ``low`` to ``high`` (95 %), what the
        person most often ``takes`` for what, and whether the votes are too ``few`` to say much.
        """
        votes, num, of = self.votes.votes, len(self.votes.people), self.posterior
        answers = votes.drop_duplicates(["item", "by"])
        sure = answers["label"] >= 0
        columns = {
            "by": self.votes.people,
            "votes": np.bincount(answers["by"][sure], minlength=num),
            "unsure": np.bincount(answers["by"][~sure], minlength=num),
            "accuracy": of.accuracy,
            "low": of.low,
            "high": of.high,
            "takes": [self._takes(one) for one in range(num)],
            "few": of.high - of.low > _WIDE,
        }
        return pd.DataFrame(columns)

    def _takes(self, by: int) -> str:
        """``dog for cat 12 %``: what the person says, of what true class, how often."""
        if self.posterior.channels is None:
            return ""
        channel, names = self.posterior.channels[by].copy(), self.votes.classes
        np.fill_diagonal(channel, 0)
        most = np.argsort(-channel, axis=None, kind="stable")[:_MOST_TAKEN].tolist()
        often = [divmod(at, len(names)) for at in most if channel.flat[at] >= _OFTEN]
        return ", ".join(f"{names[b]} for {names[a]} {show.whole_percent(channel[a, b])}" for a, b in often)

    def agreement(self) -> pd.DataFrame:
        """How far each two people agree who share items, those who share most first.

        The twenty with most votes count: ``people``, the ``num`` of items that they share, ``agreed`` from
        ``low`` to ``high`` and by ``chance``, ``kappa`` from ``kappa_low`` to ``kappa_high``.
        """
        return self._between.drop(columns="on")

    @cached_property
    def _between(self) -> pd.DataFrame:
        rows = self.votes.votes
        rows = rows[(rows["label"] >= 0) & (rows["share"] == 1)]
        often = sorted(rows["by"].value_counts().index[:_FIRST].tolist())
        rows = rows.set_index("item").sort_index()
        labels = {self.votes.people[by]: rows[rows["by"] == by]["label"] for by in often}
        between = agreement_between(combinations(labels, 2), {"label": labels})
        return between[between["num"] > 0].sort_values(
            "num", ascending=False, kind="stable", ignore_index=True
        )

    def hard(self) -> pd.DataFrame:
        """Items on which further people would be divided though the label is sure, those most of all first.

        ``id``, ``class``, ``p_label``, and how ``people`` would share their answers.
        """
        top = sparse.csr_array(self.posterior.say).max(axis=1).toarray()
        shares = self._votes.groupby("item")["share"].agg(["max", "sum"]).reindex(range(len(self.label)))
        differ = ((shares["max"] < _ALIKE * shares["sum"]) & (shares["sum"] > 2)).to_numpy()
        is_hard = (self.label >= 0) & (self.posterior.p_best >= _SURE) & (top < _ALIKE) & differ
        rows = np.flatnonzero(is_hard)[np.argsort(top[is_hard], kind="stable")]
        table = self.csv_rows().loc[rows, ["id", "class", "p_label"]]
        return table.assign(people=[self._shares(row) for row in rows.tolist()])

    def _shares(self, row: int) -> str:
        say = sparse.csr_array(self.posterior.say[[row]]).toarray().ravel()
        order = np.argsort(-say, kind="stable")[: _MOST_TAKEN + 1]
        words = [f"{self.votes.classes[one]} {show.whole_percent(say[one])}" for one in order.tolist()]
        return ", ".join(words[: max(int((say[order] >= _OFTEN).sum()), 1)])

    def document(self) -> Any:
        of, people = self.posterior, self.people()
        rows = {"people": people, "agreement": self.agreement(), "items": self.table()}
        return {
            "num_items": len(self.label),
            "num_people": len(people),
            "num_votes": int(people["votes"].sum()),
            "num_looks": self.num_looks,
            "share": of.share,
            "low": of.share_low,
            "high": of.share_high,
            "doubt": of.doubt,
            "worth": {"value": of.worth, "low": of.worth_low, "high": of.worth_high},
            **{name: json.loads(table.to_json(orient="records")) for name, table in rows.items()},
        }

    @property
    def headline(self) -> str:
        of, num = self.posterior, len(self.label)
        votes, people = round(self._votes["share"].sum()), len(self.votes.people)
        pairs = {"the majority": self.majority, "those that the data have": self.key}
        others = {
            name: int(((one >= 0) & (self.label >= 0) & (one != self.label)).sum())
            for name, one in pairs.items()
            if one is not None
        }
        who = f"{people:,} {'person' if people == 1 else 'people'}"
        text = f"{show.quantity(num, 'item')}, {show.quantity(votes, 'vote')} of {who}: labels differ from "
        text += show.enumeration([f"{name} on {count:,}" for name, count in others.items()])
        whose = "these labels" if self.key is None else "the labels that the data have"
        if of.share is None or of.share_low is None or of.share_high is None:
            return f"{text}. How many of {whose} are wrong cannot be known: {of.doubt}"
        ends = f"{show.percent(of.share_low)} to {show.percent(of.share_high)}"
        return f"{text}. {show.percent(of.share)} ({ends}) of {whose} are wrong"

    @property
    def notices(self) -> Sequence[str]:
        texts = [*self.votes.notes, *self.more_notices]
        if len(self.votes.people) == 1:
            texts.append(_ALONE)
        elif self._between.empty:
            texts.append(_NO_PAIRS)
        elif self._votes["item"].is_unique:
            texts.append(_ALL_AGREE)
        return texts

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        steps = []
        for output in (one for one in outputs if one.suffix in (".csv", ".parquet") and not self.num_looks):
            drawing = command_line(
                "audit", output, "--looks", min(_LOOKS, len(self.label)), "-o", "audit.csv"
            )
            # labels of votes alone change by looks, and an audit is of those that it was drawn from
            after = output if self.key is not None else output.with_stem(f"{output.stem}-decided")
            then = command_line("labels", *self.words, "--decided", "audit.csv", "-o", after)
            steps.append(f"look at labels drawn by chance: {drawing}; then {then}")
        return steps

    def figure(self) -> Figure:
        """The accuracy of each person with its interval."""
        table = self.people().sort_values("accuracy", kind="stable")[:_FIRST]
        estimates = table[["accuracy", "low", "high"]].to_numpy().tolist()
        return show.dots_with_intervals(table["by"].tolist(), {"": (estimates, show.INK)}, "accuracy")

    def frames(self) -> list[show.Frame]:
        people = self.people().sort_values("accuracy", kind="stable")
        people = people.assign(enough=~people["few"])
        columns: dict[str, show.Column] = {
            "by": show.names(),
            "votes": show.counts(),
            "unsure": show.counts(),
            "accuracy": replace(show.shares(low="low", high="high"), decisive="enough"),
            "takes": show.names("What is said, of what, how often."),
        }
        note = "The worst first; accuracies are drawn to that of all, and with a ? votes are few. "
        of, votes = self.posterior, self._votes.groupby("item")["share"].sum().mean()
        worth = f"{of.worth:.1f} that do not err together ({of.worth_low:.1f} to {of.worth_high:.1f})"
        note += f"The {votes:.1f} votes on an item are worth {worth}."
        if (left := len(people) - _FIRST) > 0:
            note += f" {show.count(left)} more are in the JSON file."
        frames = [show.Frame("Who errs", note, people[:_FIRST], columns)]
        if len(self._between):
            frames.append(agreement_frame(self._between, "On items that both named a class of."))
        if len(hard := self.hard()):
            num = show.quantity(len(hard), "item")
            note = (
                f"{num} whose label votes are sure of, on which people would differ: no mistakes, as far as "
            )
            note += "these do not err together."
            columns = {name: show.names() for name in ("id", "class", "people")}
            columns["p_label"] = show.probabilities()
            frames.append(show.Frame("Hard for people", note, hard[:_FIRST], columns))
        return frames


def _numbers(labels: Integers) -> Any:
    """Labels as whole numbers, empty where there is none."""
    return pd.Series(labels) if (labels >= 0).all() else pd.Series(labels, dtype="Int64").where(labels >= 0)


def consensus(
    run: Run | None, source: Any, labels: Path | None = None, decided: Path | None = None
) -> Consensus:
    """The labels of the items of a run, or else of those that votes name, from the votes in a ``source``.

    The data have the ``labels`` in a file, or else those of the run. Labels ``decided`` in a file are looks:
    true ones that somebody wrote.
    """
    of = None if run is None else labelled_examples(run, "train")
    votes, key = read_annotations(source, of), None if of is None else of.labels
    if labels is not None:
        votes, key = _with_key(votes, at_home(labels), of)
    data = data_version(run) if run is not None and labels is None else ""
    none = np.zeros(0, np.int64)
    *looks, by_chance = (none, none, True) if decided is None else _looks(at_home(decided), votes)
    heads, notices = (None, ()) if run is None else _heads(run)
    rows, num = votes.votes, len(votes.ids)
    posterior = label_posterior(
        *(rows[one].to_numpy() for one in ("item", "by", "label")),
        shape=(num, len(votes.people), len(votes.classes)),
        share=rows["share"].to_numpy(),
        key=key,
        heads=heads,
        looks=(looks[0], looks[1]),
    )
    if not by_chance:
        posterior = replace(posterior, share=None, share_low=None, share_high=None, doubt=_NOT_BY_CHANCE)
    unsaid = np.full(num, UNKNOWN) if key is None else key
    label = np.where(posterior.best >= 0, posterior.best, unsaid)
    words = (*([] if run is None else [run.path]), "--annotations", source)
    words += () if labels is None else ("--labels", labels)
    return Consensus(votes, posterior, label, key, data, len(looks[0]), notices, words)


def _with_key(votes: Annotations, file: Path, of: LabelledExamples | None) -> tuple[Annotations, Integers]:
    """The votes, with the items and classes that the labels in a file have beside them, and these labels.

    A run, ``of`` whose examples they are, has all.
    """
    own = read_annotations(file, of, by="the data")
    if len(own.people) > 1:
        problem = f"has labels of {len(own.people):,} people ({shorten(own.people)})"
        raise BadInput(f"{file}: {problem}; give the labels that the data have, one an item")
    if not {*votes.classes} & {*own.classes}:
        problem = f"no label is a class that anybody names, such as {votes.classes[0]!r}"
        raise BadInput(f"{file}: {problem}; write names as in the votes")
    if of is None:
        if more := sorted({*own.classes}.difference(votes.classes)):
            votes = replace(
                votes, notes=(*votes.notes, f"classes that the data have and nobody names: {shorten(more)}")
            )
        ids = np.concatenate([votes.ids, own.ids])  # texts, if those of one are
        ids = ids[np.sort(np.unique(ids, return_index=True)[1])]
        classes = tuple(sorted({*votes.classes, *own.classes}))
        votes, own = (one.among(ids, classes) for one in (votes, own))
    key, rows = np.full(len(votes.ids), UNKNOWN), own.votes[own.votes["share"] == 1]
    key[rows["item"]] = rows["label"]
    return votes, key


def _looks(file: Path, votes: Annotations) -> tuple[Integers, Integers, bool]:
    """The items whose true label somebody looked up, these labels, and were all drawn by an audit?

    A label is `UNKNOWN` where the item is to be dropped: it is of no class.
    """
    ids, cells = pd.Index([str(one) for one in votes.ids.tolist()]), _decisions(file)
    action, none = cells["action"].str.lower(), np.zeros(0, np.int64)
    drops = ids.get_indexer(pd.Index(cells["id"][action == DROP].str.strip()))
    at, labels = none, none
    if cells.empty or not action.isin((DROP, UNSURE)).all():
        of = LabelledExamples(
            "the votes", votes.ids, np.zeros(len(ids), np.int64), votes.classes, noun="item"
        )
        looks = read_annotations(file, of)
        rows = looks.votes[(looks.votes["label"] >= 0) & (looks.votes["share"] == 1)]
        rows = rows.drop_duplicates(["item", "label"])
        if len(rows) == len(ids) and looks.people == (file.stem,):
            raise BadInput(
                f"{file}: says something of every item, and nobody signed it; write into by who looked"
            )
        for item in rows["item"][rows["item"].duplicated()][:1]:
            raise BadInput(f"{file}: people write two labels of item {ids[item]!r}; keep one of them")
        at, labels = rows["item"].to_numpy(), rows["label"].to_numpy()
    at = np.concatenate([drops.astype(np.int64), at])
    if not len(at) or (at < 0).any():
        raise BadInput(f"{file}: nobody looked at an item of the votes there; write keep, relabel or drop")
    of_audit = cells[~action.isin(("", UNSURE))]
    by_chance = bool(
        len(of_audit) and (of_audit["draw"] != "").all() and (of_audit["stratum"] != KNOWN).all()
    )
    return at, np.concatenate([np.full(len(drops), UNKNOWN), labels]), by_chance


def _decisions(file: Path) -> pd.DataFrame:
    """The cells of a file of decisions that say what was done and how it was drawn; none in other files."""
    columns = ("id", "action", "draw", "stratum")
    table = None if file.suffix.lower() == ".json" else open_table(file)
    if table is None or not {"id", "action"} <= {*table.names}:
        return pd.DataFrame(columns=columns, dtype=str)
    cells = {name: written_in(table, name) for name in columns if name in table.names}
    return pd.DataFrame(cells, dtype=str).reindex(columns=columns, fill_value="")


def _heads(run: Run) -> tuple[Floats | None, tuple[str, ...]]:
    """Probabilities of networks or heads that did not see the examples; or a notice that there are none."""
    with suppress(BadInput):  # no trial left any out, or no logits were kept
        heads = run.probabilities(left_out=True)
        if (~np.isnan(heads).any(axis=1)).mean() > 1 / 2:
            return heads, ()
    return None, (_NO_HEADS,)


def audited_consensus(path: Path) -> AuditedList:
    """The labels in a file of a consensus, as a list to draw from."""
    path = at_home(path)
    table = open_table(path)
    for name in _NEEDS:
        table.check_column(name, "; give a file that `easiness labels --annotations` wrote")
    hints = [one for one in ("suggested", "suggested_class") if one in table.names] + ["p_wrong", "said"]
    ours = {name: written_in(table, name) for name in (*_NEEDS, "was", *hints) if name in table.names}
    cells = pd.DataFrame({"was": "", "p_wrong": "", **ours}, dtype=object)
    with reading(path):
        classes = tuple(map(str, json.loads("".join(cells["classes"]))))
        numbers = cells[["label", "was", "p_label", "p_wrong"]].replace("", np.nan).astype(np.float64)
    own = numbers["was"].fillna(numbers["label"])
    p_wrong = numbers["p_wrong"].fillna(1 - numbers["p_label"])
    has_label = own.notna() & p_wrong.between(0, 1)
    cells, own = cells[has_label], own[has_label].astype(np.int64)
    if cells.empty or not own.between(0, len(classes) - 1).all() or cells["data"].nunique() > 1:
        raise BadInput(f"{path}: labels are not as they were written; make it anew by `easiness labels`")
    ids = np.array(cells["id"], np.int64 if all(map(INTEGER.fullmatch, cells["id"])) else object)
    cells = cells.assign(id=ids, label=own, p_wrong=p_wrong, suggested_share=np.nan)
    cells["class"] = np.array(classes, object)[own]
    ranked = cells.sort_values("p_wrong", ascending=False, kind="stable")
    of = LabelledExamples(str(path), ids, np.array(own, np.int64), classes, noun="item")
    version = content_hash([cells["id"].map(str).tolist(), classes, own.tolist()])[:_VERSION]
    data = cells["data"].iloc[0] or f"{path.stem}@{version}"
    return AuditedList(of, data, lambda: ranked, [path], hints=hints, noun=ITEM_LABEL)
