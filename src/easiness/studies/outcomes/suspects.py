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
from easiness.studies.audit import Audit, AuditDraw, AuditedList, AuditOptions, Certificate, audit_of
from easiness.studies.suspects import SuspectOptions

_ERR_TOGETHER = (
    "Models err together: experts found 2 % of the keys wrong in thousands of questions, where counting "
    "models as independent says 13 to 20 %. So this is an order without a number; only an audit can count"
)
_ALONE = "One model errs in the same way again and again, as if the key were wrong. Record others as well."
_PRIOR, _MOST_LIKELY = 0.02, 0.5  # of keys, and of one: where an audit looks; its bounds trust neither
_FIRST = 20  # rows that a terminal shows
_DIGITS = 9  # of shares, which are sums of fractions: equal ones are ties
_VERSION = 12  # digits of what tells the items apart


def _folders(runs: Sequence[Run]) -> list[Path]:
    """The folder that has the runs and no other, or those of the runs."""
    paths = [run.path for run in runs]
    parent = paths[0].parent
    return [parent] if len(runs) > 1 and sorted(paths) == runs_in(parent, several=True) else paths


def _ranked(runs: Sequence[Run]) -> pd.DataFrame:
    """Every item, first those of which the largest share of models is on one other answer than the key.

    A model counts once, by the shares of answers over its trials; one without answers does not. An answer
    that is right counts as the key, which is the most frequent of them where none is named.
    """
    every = pd.concat([run.outcomes.items for run in runs])
    every = every.reindex(columns=["id", "key", "text"]).astype({"key": object, "text": object})
    items = every.groupby("id", sort=False).first()
    if (several := every.groupby("id", sort=False)["key"].nunique() > 1).any():
        raise BadInput(
            f"item {str(several.idxmax())!r:.80}: has another key in another run; record them anew"
        )
    parts = []
    for at, run in enumerate(runs):
        rows, ids = run.outcomes.rows, run.outcomes.items["id"].to_numpy()
        voice = rows["trial"] if run.trials_are == "models" else ""
        parts.append(rows.assign(id=ids[rows["item"]], run=at, voice=voice))
    rows = pd.concat(parts)
    rows = rows[rows.groupby(["run", "voice"])["answer"].transform("count") > 0]
    if rows.empty:
        raise BadInput(
            f"{runs[0].path}: has no answers, by which keys look right or wrong; record a table with the "
            "columns answer and key"
        )
    voices = rows.groupby(["id", "run", "voice"])[["count", "correct"]].sum()
    models = voices.groupby("id").size()
    answers = rows.groupby(["id", "run", "voice", "answer"])[["count", "correct"]].sum()
    answers["share"] = answers["count"] / voices["count"]
    answers = answers.groupby(["id", "answer"]).sum().reset_index("answer")
    answers["share"] /= models
    answers = answers.iloc[np.argsort(-answers["share"].round(_DIGITS), kind="stable")]
    is_key = (answers["answer"] == items["key"].reindex(answers.index)) | (
        answers["correct"] > answers["count"] / 2
    )
    right, other = (one[~one.index.duplicated()] for one in (answers[is_key], answers[~is_key]))
    table = pd.DataFrame({"label": items["key"].fillna(right["answer"]), "suggested": other["answer"]})
    table["suggested_share"] = other["share"]
    table["key_share"] = answers[is_key].groupby("id")["share"].sum()
    table["rate"] = (voices["correct"] / voices["count"]).groupby("id").mean()
    table = table.assign(models=models).reindex(items.index)
    table = table.fillna({"suggested_share": 0.0, "key_share": 0.0, "models": 0}).astype({"models": int})
    table["reason"] = [_reason(row) for row in table.itertuples()]
    if items["text"].notna().any():
        table["text"] = items["text"]
    order = np.lexsort((table["key_share"].round(_DIGITS), -table["suggested_share"].round(_DIGITS)))
    return table.iloc[order].reset_index()


def _reason(row: Any) -> str:
    if not row.suggested_share:
        return ""
    of = f"of the answers of {row.models:,} models" if row.models > 1 else "of its trials"
    other, key = show.percent(row.suggested_share), show.percent(row.key_share)
    return f"{other} {of} on {row.suggested!r:.60}, {key} on the key"


@dataclass(frozen=True, eq=False)
class KeySuspects(show.Result):
    """The answer keys of items by how suspect they are, as ``ranked``, a row for each item.

    So many ``models`` answered; ``folders`` are those of their runs.
    """

    folders: list[Path] = field(repr=False)
    models: int
    ranked: pd.DataFrame = field(repr=False)

    def table(self) -> pd.DataFrame:
        """The items to which some model gives another answer, most suspicious first.

        ``id``, ``label`` (the key), ``suggested`` (the other answer that most give), ``suggested_share`` and
        ``key_share`` (of the models), ``rate``, ``models``, ``reason``, and the ``text`` where it is known.
        """
        return self.ranked[self.ranked["suggested_share"] > 0]

    def document(self) -> Any:
        share = dict.fromkeys(("share", "low", "high"))
        return {"num_examples": len(self.ranked), **share, "suspects": super().document()}

    @property
    def headline(self) -> str:
        who = f"{self.models:,} models" if self.models > 1 else "the trials"
        keys = show.quantity(len(self.ranked), "key")
        audit = command_line("audit", *self.folders, "--looks", min(200, len(self.ranked)), "-o", "audit.csv")
        return f"{keys}, first where most of {who} give one other answer. {_ERR_TOGETHER}: {audit}"

    def figure(self) -> Figure:
        """The share of models on one other answer, and on the key, of each item."""
        figure, axes = show.new_axes(3.6, 3.2)
        axes.plot(self.ranked["key_share"], self.ranked["suggested_share"], ".", color=show.HARD, alpha=0.4)
        axes.set(xlabel="share of models on the key", ylabel="on one other answer", xlim=(0, 1), ylim=(0, 1))
        return figure

    def frames(self) -> list[show.Frame]:
        columns = {
            "id": show.names(),
            "label": show.names(title="key"),
            "suggested": show.names(),
            "suggested_share": show.numbers(2, title="say so"),
            "key_share": show.numbers(2, title="say the key"),
            "reason": show.names(),
            **({"text": show.names()} if "text" in self.ranked else {}),
        }
        data, notices = self.table()[:_FIRST], (_ALONE,) * (self.models == 1)
        return [show.Frame("Keys to look at", self.headline, data, columns, notices)]

    def in_words(self) -> str:
        return show.sections_text(self.sections())  # the note begins with the headline


def suspects_of_outcomes(options: SuspectOptions) -> KeySuspects:
    """The items whose key is likely wrong, by the share of models on one other answer.

    Raises:
        BadInput: there are no answers, the runs have unlike keys, or an option needs probabilities.
    """
    usual = SuspectOptions(options.run)
    for name in ("at", "split", "above", "decided"):
        if getattr(options, name) != getattr(usual, name):
            options.run[0].check_course(f"--{name}")
    ranked = _ranked(options.run)
    return KeySuspects(_folders(options.run), int(ranked["models"].max()), ranked)


def audit_of_outcomes(options: AuditOptions) -> AuditDraw | Audit | Certificate:
    """Draw keys to look at; or, with ``decided``, how many of the keys are wrong, see `audit`."""
    runs, file = [one for one in options.run if isinstance(one, Run)], options.decided or options.known
    if options.split == "held_out":
        runs[0].check_course("--split held_out")
    table = _ranked(runs).dropna(subset="label")
    if table.empty:
        raise BadInput(
            f"{runs[0].path}: has no keys to audit; record a table with the columns answer and key"
        )
    weight = table["suggested_share"] ** 2
    table["p_wrong"] = np.minimum(_PRIOR * weight / max(float(weight.mean()), 1e-9), _MOST_LIKELY)
    keys, ids = table["label"].tolist(), table["id"].to_numpy()
    texts = [] if file is None else [row.cells["label"] for row in read_label_file(at_home(file)).rows]
    classes = {key: at for at, key in enumerate(dict.fromkeys([*keys, *texts]))}  # a key may be any text
    own = np.array([classes[key] for key in keys])
    of = AuditedList(
        LabelledExamples(str(runs[0].path), ids, own, (*classes,), noun="item"),
        f"items@{content_hash(sorted(map(str, ids)))[:_VERSION]}",
        lambda: table,
        _folders(runs),
        context=["text"] if "text" in table else [],
        hints=["suggested", "suggested_share"],
        noun="key",
    )
    return audit_of(lambda _: of, options)
