"""``labels``: a file of labels, by a rule on the suspects of a run, or as several people say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.data import DROP, KEEP, RELABEL, UNKNOWN, Decisions, RunTags, unfold_tags
from easiness.engine import DecisionFile, HeldOutToo, Study, heading, refuse_options
from easiness.errors import BadInput, shorten
from easiness.inputs import kind_named
from easiness.lazy import Figure, Integers, Mask, pd
from easiness.models import is_given
from easiness.runs import (
    CellTexts,
    cell_texts,
    find_data,
    load_as,
    positions_in,
)
from easiness.spec import (
    NOT_BY_STEPS,
    Trials,
    command_line,
    featuring_of,
    loading_of,
    setting,
    training_of,
)
from easiness.store import Run
from easiness.studies.audit import audited_labels
from easiness.studies.labels.agreement import PeopleAgreement, agreement
from easiness.studies.labels.consensus import Consensus, consensus
from easiness.studies.suspects import VOTES, SuspectOptions, suspects

RELABEL_ABOVE, DROP_ABOVE = 0.9, 0.5

_MOST = 15  # classes whose names can be read
_BARS = {
    "to_others": ("to others", show.HARD),
    "from_others": ("from others", show.TRAIN),
    "dropped": ("dropped", show.EASY),
}


@dataclass(frozen=True, eq=False)
class CleanLabels(show.Result):
    """The labels of examples before and after cleaning, arrays [K]; ``classes`` are the names by label.

    ``before`` are those that were trained with, ``labels`` those to train with, and ``was`` those at the
    source, which are ``before`` unless these came from a file, or `UNKNOWN`. ``is_dropped`` says which are
    left out. ``texts`` are there if the examples have any. So many are ``num_decided`` by hand;
    people looked at ``num_undecided`` more. ``above`` has the rule's thresholds.
    """

    ids: npt.NDArray[Any]
    before: Integers
    labels: Integers
    is_dropped: Mask
    was: Integers
    classes: tuple[str, ...]
    texts: CellTexts | None = None
    num_decided: int = 0
    num_undecided: int = 0
    notices: Sequence[str] = ()
    above: tuple[float, float] | None = None
    run: Run | None = field(default=None, repr=False)
    tags: RunTags | None = field(default=None, repr=False)
    listing = "labels"

    @property
    def is_relabelled(self) -> Mask:
        return np.asarray((self.labels != self.before) & ~self.is_dropped)

    @property
    def headline(self) -> str:
        """How many examples change: ``relabels 812 and drops 301 of 10,000``, and how many are by hand."""
        drops, num = int(self.is_dropped.sum()), self.num_undecided
        text = f"relabels {self.is_relabelled.sum():,} and drops {drops:,} of {len(self.ids):,}"
        text += f", with {self.num_decided:,} decided by hand" if self.num_decided else ""
        stay = "stays as it is" if num == 1 else "stay as they are"
        return f"{text}; {num:,} that people did not agree on {stay}" if num else text

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        steps: list[str] = []
        if self.run is None:
            return steps
        if not (self.is_relabelled.any() or self.is_dropped.any()):
            lists = command_line("suspects", self.run.path)
            steps.append(f"no label is that likely wrong; {lists} lists those to look at first")
        for output in (one for one in outputs if one.suffix == ".csv"):
            before = self.run.spec.data.labels
            copy = Path(f"{output}~")  # where those of before were set aside
            if before is not None and output.absolute() == Path(before) and copy.exists():
                before = str(copy)
            then = verifying(self.run, output, before, by_rule=self.above is not None)
            steps.append(f"edit {output}, then {then}")
        return steps

    def table(self) -> pd.DataFrame:
        """The file of labels, a row an example: ``id``, ``label``, ``class``, ``was``, ``action``.

        ``label`` and ``was`` are indices of classes, ``class`` is the name for ``label``, ``action`` is
        ``keep``, ``relabel`` (another label than at the source) or ``drop``, whose label stays as it is.
        ``was`` is empty where it is not known. The texts of the examples come last, where they are at hand.
        """
        was, has_source = self.was, self.was != UNKNOWN
        other = self.labels != np.where(has_source, was, self.before)
        columns: dict[str, Any] = {
            "id": self.ids,
            "label": self.labels,
            "class": np.array(self.classes, dtype=object)[self.labels],
            "was": was if has_source.all() else np.where(has_source, was.astype(object), np.array(None)),
            "action": np.where(self.is_dropped, DROP, np.where(other, RELABEL, KEEP)).astype(object),
        }
        if self.texts is not None:
            columns[self.texts.column] = self.texts.texts
        return unfold_tags(pd.DataFrame(columns), self.tags)

    def by_class(self) -> pd.DataFrame:
        """A row a class: how many ``examples`` it has, go to others, come from others, are dropped, left."""
        is_relabelled, names = self.is_relabelled, self.classes
        before, after = self.before, self.labels
        if self.tags is not None:
            names, before, after = self.tags.stratum_names, *(2 * self.tags.of + [before, after])
        columns = {
            "examples": before,
            "to_others": before[is_relabelled],
            "from_others": after[is_relabelled],
            "dropped": before[self.is_dropped],
            "left": after[~self.is_dropped],
        }
        counts = {name: np.bincount(one, minlength=len(names)) for name, one in columns.items()}
        return pd.DataFrame({"class": names, **counts})

    def figure(self) -> Figure:
        """Bars for the classes that change most: examples that leave them, come to them, and are dropped."""
        table = self.by_class()
        total = table[list(_BARS)].sum(axis=1)
        top = table.loc[total.sort_values(ascending=False, kind="stable").index[:_MOST]]
        series = {name: (top[column].tolist(), color) for column, (name, color) in _BARS.items()}
        return show.bars(top["class"].tolist(), series, "examples")

    def frames(self) -> list[show.Frame]:
        table = self.by_class()
        total = pd.DataFrame([{"class": "all", **table.drop(columns="class").sum()}])
        changing = table[table[list(_BARS)].any(axis=1)]
        columns = {name: show.counts(title=name.replace("_", " ")) for name in map(str, table)}
        return [
            show.Frame(
                show.sentence_case(self.headline),
                "By class, as far as it changes: examples that get another label (to others), that get this "
                "one (from others), and that are dropped.",
                pd.concat([total, changing]),
                columns | {"class": show.names()},
            )
        ]


def _by_rule(run: Run, options: LabelOptions) -> CleanLabels:
    """Which examples of a run to relabel, to drop and to keep, as a file of labels that a person can edit.

    The table, in the order of the run, is what ``labels=`` takes; the source stays. Decisions (``decided``)
    are carried out as they are: a label that is kept stays, whatever the rule says, and so does one that
    nobody is sure of, or that somebody looked at without an action; one that is found wrong without another
    class drops its example. All others go by the rule (`clean`) on what the decisions make of their
    probabilities, unless ``only_decided``.
    """
    decided, only = options.decided, options.only_decided
    if options.split != "train":
        raise BadInput(
            f"--split {options.split}: the rule is for the examples measured; give files of decisions, too"
        )
    if only and decided is None:
        raise BadInput("--only-decided: there is nothing decided; give --decided FILE")
    ranking = suspects(SuspectOptions((run,), pictures=False, decided=decided))
    if ranking.ranked["p_wrong"].isna().all():
        raise BadInput(f"{run.path}: {VOTES}; give the probabilities, or look at the labels in their order")
    table = ranking.ranked.set_index("id", drop=False).reindex(run.ids.tolist())
    if ranking.decided is not None:
        table = _as_decided(table, ranking.decided.decisions, only)
    relabel_above = RELABEL_ABOVE if options.relabel_above is None else options.relabel_above
    drop_above = options.drop_above
    if drop_above is None:
        drop_above = DROP_ABOVE if ranking.low > 0 else RELABEL_ABOVE
    result = clean(table, run.classes, relabel_above, drop_above, run.tags)
    if (decisions := ranking.decided) is not None:
        num, notices = len(decisions.decisions.blanks), [*result.notices, *filter(None, [decisions.note()])]
        result = replace(result, num_decided=decisions.num_sure, num_undecided=num, notices=notices)
    was, above = _at_source(run), None if only else result.above
    return replace(result, ids=run.ids, was=was, texts=_texts(run), above=above, run=run)


def without(run: Run, drop: Mask) -> CleanLabels:
    """The file of labels of a run that leaves some examples out [K], and changes no label."""
    of = run.labels, run.labels, drop, _at_source(run), run.classes
    return CleanLabels(run.ids, *of, texts=_texts(run), tags=run.tags)


def _as_decided(in_order: pd.DataFrame, decisions: Decisions, only: bool) -> pd.DataFrame:
    """The examples in the order of the run, where the rule does what is decided, and ``only`` that.

    It keeps what has no probability, and does what is certain.
    """
    columns = ("p_wrong", "suggested", "suggested_share")
    p_wrong, suggested, share = (in_order[name].to_numpy(copy=True) for name in columns)
    p_wrong[slice(None) if only else [*decisions.blanks]] = np.nan
    p_wrong[decisions.at] = np.where(decisions.wrong, 1, np.nan)
    suggested[decisions.at] = np.where(decisions.actions == RELABEL, decisions.labels, UNKNOWN)
    share[decisions.at] = 1
    return in_order.assign(p_wrong=p_wrong, suggested=suggested, suggested_share=share)


def _texts(run: Run) -> CellTexts | None:
    if kind_named(run.spec.data.kind).export_form.form == "text":
        data, _ = find_data(run, None)
        with suppress(BadInput):
            return None if data is None else cell_texts(data, positions_in(data, run))
    return None


def _at_source(run: Run) -> Integers:
    """The labels at the source [K]; `UNKNOWN` where they were replaced and the source is not found."""
    ref = run.spec.data
    if ref.labels is None:
        return run.labels
    if ref.source is not None:
        with suppress(BadInput):
            data = load_as(ref.source, ref.model_copy(update={"labels": None}))
            questions = data.questions
            at = pd.Index(questions.ids).get_indexer(pd.Index(run.ids))
            return np.where(at < 0, UNKNOWN, questions.labels[at])
    return np.full(len(run.ids), UNKNOWN, np.int64)


def clean(
    table: pd.DataFrame,
    classes: tuple[str, ...],
    relabel_above: float = RELABEL_ABOVE,
    drop_above: float = DROP_ABOVE,
    tags: RunTags | None = None,
) -> CleanLabels:
    """Relabel where the suggestion is probably right, drop where the label is probably wrong, keep the rest.

    A suggestion is right with about the probability ``p_wrong * suggested_share``: the label has to be wrong,
    and the suggested class to be the right one among the others. Where that reaches ``relabel_above``, the
    example gets the suggested label; else, where ``p_wrong`` reaches ``drop_above``, it is dropped. Without
    the share a picture that trials read in several ways would be relabelled as soon as its label is surely
    wrong: in a simulation with three such pictures in ten and a fifth of the labels wrong, 81 % of the
    suggestions taken at 0.9 were right, and 98 % with it; those that fall short are dropped instead.

    No tag loses all that have it, or all that lack it: they are left as they are.
    """
    labels = table["label"].to_numpy(np.int64)
    suggested = table["suggested"].fillna(UNKNOWN).to_numpy(np.int64)
    p_wrong = table["p_wrong"].to_numpy(np.float64, na_value=np.nan)
    p_right = p_wrong * table["suggested_share"].to_numpy(np.float64, na_value=np.nan)
    relabel = (suggested != UNKNOWN) & (suggested != labels) & (p_right >= relabel_above)  # not if it is none
    drop = ~relabel & (p_wrong >= drop_above)
    new = np.where(relabel, suggested, labels)
    above, notices = (relabel_above, drop_above), list[str]()
    if tags is not None:
        before = 2 * tags.of + labels
        empty = np.setdiff1d(before, (2 * tags.of + new)[~drop])
        new, drop = np.where(np.isin(before, empty), labels, new), drop & ~np.isin(before, empty)
        names = shorten(tags.stratum_names[one] for one in empty)
        notices = [f"no example would be left of {names}: it stays as it is"] * bool(len(empty))
    for label in np.setdiff1d(labels, new[~drop]).tolist():
        own = labels == label
        num, num_dropped = int(own.sum()), int((drop & own).sum())
        raise BadInput(
            f"no example of class {classes[label]!r} would be left: of {num}, {num - num_dropped} would be "
            f"relabelled and {num_dropped} dropped; give a higher --relabel-above or --drop-above"
        )
    of = labels, new, drop, labels, classes
    return CleanLabels(table["id"].to_numpy(), *of, notices=notices, above=above, tags=tags)


def verifying(
    run: Run,
    labels: Path,
    before: str | None,
    training: Sequence[object] | None = None,
    *,
    by_rule: bool = True,
) -> str:
    """The command that verifies the labels on the examples that the run has, or what it lacks for that.

    It trains by the words ``training``, or as the run did.
    """
    ref, spec = run.spec.data, run.spec.measured
    if (by_rule or ref.tag_names) and ref.held_out is None and spec is not None:
        return "use it by --labels; to verify it, measure first with a part held out (--holdout 0.2)"
    if spec is not None:  # a network or features that have no name?
        features = [] if spec.heads is None else spec.heads.features
        if is_given(spec.model) or any(one.name.split()[0] == "array" for one in features):
            return "use it by --labels; to verify it, give easiness.verify what the run was given"
    options = ["--labels", labels, *([] if before is None else ["--before", before])]
    loading = replace(loading_of(ref), labels=None)
    if spec is None:  # of a loop of one's own only its epochs are known
        training = training or ["--model", "MODEL", "--epochs", run.epochs]
    else:  # of heads the shares decide how many trials there may be
        trials = Trials(spec.trials if spec.heads else Trials.trials)
        training = training or [training_of(spec, run.path), featuring_of(spec), trials]
    words = (ref.source or "SOURCE", *options, loading, *training, "--out", "DIR")
    at_once = spec is not None and spec.model in NOT_BY_STEPS
    return command_line("verify", *words, always=("model",) if at_once else ("model", "epochs"))


@dataclass(frozen=True)
class LabelOptions:
    """Options of `labels`."""

    run: Run | Path | None = setting(
        "",
        "Folder of a run; to merge decisions also a file of `labels --annotations` that they are on.",
        argument=True,
        opens=True,
        takes_files=True,
        python_type=Run | str | Path | None,
    )
    files: Sequence[Path] | None = setting(
        "",
        "Files of decisions of people, from the page, `labels`, an audit or an editor, and answers that "
        "Label Studio exports (JSON): merge what they say.",
        typed=list[Path] | None,
        python_type=str | Path | Sequence[str | Path] | None,
        argument=True,
    )
    relabel_above: float | None = setting(
        "--relabel-above",
        "Relabel an example if its suggested label is right with at least this probability; 0.9 by default.",
        within="[0, 1]",
    )
    drop_above: float | None = setting(
        "--drop-above",
        "Else drop an example whose label is that likely wrong; 0.5, or 0.9 where none may be.",
        within="[0, 1]",
    )
    annotations: Any = setting(
        "--annotations",
        "Votes of people or models: a table of item, by and label, or with a column for each person, or JSON "
        "of Label Studio. Writes the labels that they speak for; a run is not needed.",
        metavar="FILE",
        typed=Path | None,
    )
    labels: Path | None = setting(
        "--labels", "With --annotations: the labels that the data have now, if not those of the run."
    )
    decided: DecisionFile = None
    only_decided: bool = setting(
        "--only-decided", "Change only what people decided, nothing by rule.", default=False
    )
    split: HeldOutToo = "train"


def labels(options: LabelOptions) -> CleanLabels | PeopleAgreement | Consensus:
    """The file of labels by the rule; or the merged decisions of people; or labels that votes speak for."""
    run = options.run
    if isinstance(run, Path) and (options.annotations is not None or not options.files):
        raise BadInput(f"{run}: is no run; give its folder, or files of decisions on these labels, too")
    if options.annotations is not None and not isinstance(run, Path):
        refuse_options(
            options,
            "does not go with --annotations; leave one of them out",
            but=("run", "annotations", "labels", "decided"),
        )
        return consensus(run, options.annotations, options.labels, options.decided)
    if run is None:
        raise BadInput("run: is missing; give the folder of a run, or votes by --annotations FILE")
    refuse_options(options, "goes with --annotations; leave it out", among=("labels",))
    if options.files is None and isinstance(run, Run):
        return _by_rule(run, options)
    if not options.files:
        raise BadInput("files: none is given; give one or more, or leave them out to decide by rule")
    of_rule = "is of the rule, and files say what people decided; leave one of them out"
    refuse_options(options, of_rule, among=("relabel_above", "drop_above", "decided", "only_decided"))
    files = [options.files] if isinstance(options.files, str | Path) else options.files
    of = audited_labels(run, options.split)
    return agreement(of.of, of.data, files, options.split)


LABELS = Study(
    *heading("labels"),
    LabelOptions,
    labels,
    about="By rule: what to relabel, drop and keep of the suspects of a run. You may edit label, class and "
    "action in the file. Every command that reads data takes it by --labels.\n\nWith files: how far people "
    "agree, and the decision of the majority. Examples on which people differ come first. It is a file of "
    "decisions like any other.\n\nWith --annotations: the label of each item that votes speak for, how "
    "likely it is, who errs, and how likely labels that the data have are wrong. `audit` draws from that.",
    decides=lambda _: True,
    not_of_tags=lambda options: "" if options.annotations is None else "labels --annotations",
)
