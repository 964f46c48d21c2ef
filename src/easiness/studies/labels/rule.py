"""``labels``: a file of labels, by a rule on the suspects of a run, or as several people say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.data import DROP, KEEP, RELABEL, Decisions
from easiness.engine import Decided, HeldOutToo, OneRun, Study
from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.lazy import Figure, Integers, Mask, pd
from easiness.models import is_given
from easiness.runs import CellTexts, cell_texts, find_data, load_as, positions_in
from easiness.spec import (
    NOT_BY_STEPS,
    Option,
    Trials,
    command_line,
    featuring_of,
    loading_of,
    training_of,
)
from easiness.store import Run
from easiness.studies.labels.agreement import PeopleAgreement, agreement
from easiness.studies.suspects import Suspected, suspects

RELABEL_ABOVE, DROP_ABOVE = 0.9, 0.5

UNKNOWN = -1
"""For the label of an example at its source, where that is not known."""
_NONE = -1
_MOST = 15  # classes whose names can be read
_BARS = {
    "to_others": ("to others", show.HARD),
    "from_others": ("from others", show.TRAIN),
    "dropped": ("dropped", show.EASY),
}


@dataclass(frozen=True, eq=False)
class Cleaned(show.Result):
    """The labels of examples before and after cleaning, arrays [K]; ``classes`` are the names by label.

    ``before`` are those that were trained with, ``labels`` those to train with, and ``was`` those at the
    source, which are ``before`` unless these came from a file, or `UNKNOWN`. ``dropped`` are left out.
    ``told`` has texts, if there are any. ``decided`` are by hand, of which ``note`` says what one should
    know; people looked at ``undecided`` more. ``above`` has the rule's thresholds to relabel and to drop.
    """

    ids: npt.NDArray[Any]
    before: Integers
    labels: Integers
    dropped: Mask
    was: Integers
    classes: tuple[str, ...]
    told: CellTexts | None = None
    decided: int = 0
    undecided: int = 0
    note: str = ""
    above: tuple[float, float] | None = None
    run: Run | None = field(default=None, repr=False)
    listing = "labels"

    @property
    def relabelled(self) -> Mask:
        changed: Mask = (self.labels != self.before) & ~self.dropped
        return changed

    @property
    def headline(self) -> str:
        """How many examples change: ``relabels 812 and drops 301 of 10,000``, and how many are by hand."""
        done = f"relabels {self.relabelled.sum():,} and drops {self.dropped.sum():,} of {len(self.ids):,}"
        done += f", with {self.decided:,} decided by hand" if self.decided else ""
        stay = "stays as it is" if self.undecided == 1 else "stay as they are"
        return f"{done}; {self.undecided:,} that people did not agree on {stay}" if self.undecided else done

    @property
    def notices(self) -> list[str]:
        return [self.note] if self.note else []

    def next_steps(self, outputs: Sequence[Path]) -> list[str]:
        steps: list[str] = []
        if self.run is None:
            return steps
        if not (self.relabelled.any() or self.dropped.any()):
            lists = command_line("suspects", self.run.path)
            steps.append(f"no label is that likely wrong; {lists} lists those to look at first")
        for output in (one for one in outputs if one.suffix == ".csv"):
            before = self.run.spec.data.labels
            kept = Path(f"{output}~")  # where those of before were set aside
            if before is not None and output.absolute() == Path(before) and kept.exists():
                before = str(kept)
            then = verifying(self.run, output, before, by_rule=self.above is not None)
            steps.append(f"edit {output}, then {then}")
        return steps

    def table(self) -> pd.DataFrame:
        """The file of labels, a row an example: ``id``, ``label``, ``class``, ``was``, ``action``.

        ``label`` and ``was`` are indices of classes, ``class`` is the name for ``label``, ``action`` is
        ``keep``, ``relabel`` (another label than at the source) or ``drop``, whose label stays as it is.
        ``was`` is empty where it is not known. The texts of the examples come last, where they are at hand.
        """
        known = self.was != UNKNOWN
        other = self.labels != np.where(known, self.was, self.before)
        columns = {
            "id": self.ids,
            "label": self.labels,
            "class": np.array(self.classes, dtype=object)[self.labels],
            "was": self.was if known.all() else np.where(known, self.was.astype(object), np.array(None)),
            "action": np.where(self.dropped, DROP, np.where(other, RELABEL, KEEP)).astype(object),
        }
        texts = {} if self.told is None else {self.told.column: self.told.texts}
        return pd.DataFrame(columns | texts)

    def by_class(self) -> pd.DataFrame:
        """A row a class: how many ``examples`` it has, go to others, come from others, are dropped, left."""
        num, changed = len(self.classes), self.relabelled
        chosen = {
            "examples": self.before,
            "to_others": self.before[changed],
            "from_others": self.labels[changed],
            "dropped": self.before[self.dropped],
            "left": self.labels[~self.dropped],
        }
        counts = {name: np.bincount(labels, minlength=num) for name, labels in chosen.items()}
        return pd.DataFrame({"class": self.classes, **counts})

    def figure(self) -> Figure:
        """Bars for the classes that change most: examples that leave them, come to them, and are dropped."""
        table = self.by_class()
        total = table[list(_BARS)].sum(axis=1)
        shown = table.loc[total.sort_values(ascending=False, kind="stable").index[:_MOST]]
        series = {name: (shown[column].tolist(), color) for column, (name, color) in _BARS.items()}
        return show.bars(shown["class"].tolist(), series, "examples")

    def frames(self) -> list[show.Frame]:
        table = self.by_class()
        total = pd.DataFrame([{"class": "all", **table.drop(columns="class").sum()}])
        changing = table[table[list(_BARS)].any(axis=1)]
        columns = {name: show.counts(title=name.replace("_", " ")) for name in map(str, table)}
        return [
            show.Frame(
                show.capitalized(self.headline),
                "By class, as far as it changes: examples that get another label (to others), that get this "
                "one (from others), and that are dropped.",
                pd.concat([total, changing]),
                columns | {"class": show.names()},
            )
        ]


def by_rule(
    run: Run,
    relabel_above: float,
    drop_above: float | None = None,
    decided: Path | None = None,
    *,
    only_decided: bool = False,
) -> Cleaned:
    """Which examples of a run to relabel, to drop and to keep, as a file of labels that a person can edit.

    The table, in the order of the run, is what ``labels=`` takes; the source stays. What is ``decided`` is
    done as it is: a label that is kept stays, whatever the rule says, and so does one that nobody is sure of,
    or that somebody looked at without an action; one that is found wrong without another class drops its
    example. All others go by the rule (`cleaned`) on what the decisions make of their probabilities, unless
    ``only_decided``.
    """
    if only_decided and decided is None:
        raise BadInput("--only-decided: there is nothing decided; give --decided FILE")
    suspected = suspects(Suspected((run,), pictures=False, decided=decided))
    in_order = suspected.ranked.set_index("id", drop=False).reindex(run.ids.tolist())
    made = suspected.decided
    if made is not None:
        in_order = _as_decided(in_order, made.decisions, only_decided)
    if drop_above is None:
        drop_above = DROP_ABOVE if suspected.low > 0 else RELABEL_ABOVE
    found = cleaned(in_order, run.classes, relabel_above, drop_above)
    if made is not None:
        above, num = None if only_decided else found.above, len(made.decisions.undecided)
        found = replace(found, decided=made.num_sure, undecided=num, note=made.note(), above=above)
    return replace(found, ids=run.ids, was=_at_source(run), told=_texts(run), run=run)


def without(run: Run, dropped: Mask) -> Cleaned:
    """The file of labels of a run that leaves some examples out [K], and changes no label."""
    return Cleaned(run.ids, run.labels, run.labels, dropped, _at_source(run), run.classes, told=_texts(run))


def _as_decided(in_order: pd.DataFrame, made: Decisions, only: bool) -> pd.DataFrame:
    """The examples in the order of the run, where the rule does what is decided, and ``only`` that.

    It keeps what has no probability, and does what is certain.
    """
    columns = ("p_wrong", "suggested", "suggested_share")
    p_wrong, suggested, share = (in_order[name].to_numpy(copy=True) for name in columns)
    p_wrong[slice(None) if only else [*made.undecided]] = np.nan
    p_wrong[made.at] = np.where(made.wrong, 1, np.nan)
    suggested[made.at] = np.where(made.actions == RELABEL, made.labels, _NONE)
    share[made.at] = 1
    return in_order.assign(p_wrong=p_wrong, suggested=suggested, suggested_share=share)


def _texts(run: Run) -> CellTexts | None:
    if kind_named(run.spec.data.kind).exported.form != "text":
        return None
    data, _ = find_data(run, None)
    if data is None:
        return None
    with suppress(BadInput):
        return cell_texts(data, positions_in(data, run))
    return None


def _at_source(run: Run) -> Integers:
    """The labels at the source [K]; `UNKNOWN` where they were replaced and the source is not found."""
    ref = run.spec.data
    if ref.labels is None:
        return run.labels
    if ref.source is not None:
        with suppress(BadInput):
            data = load_as(ref.source, ref.model_copy(update={"labels": None}))
            return data.labels[positions_in(data, run)]
    return np.full(len(run.ids), UNKNOWN, np.int64)


def cleaned(
    ranked: pd.DataFrame,
    classes: tuple[str, ...],
    relabel_above: float = RELABEL_ABOVE,
    drop_above: float = DROP_ABOVE,
) -> Cleaned:
    """Relabel where the suggestion is probably right, drop where the label is probably wrong, keep the rest.

    A suggestion is right with about the probability ``p_wrong * suggested_share``: the label has to be wrong,
    and the suggested class to be the right one among the others. Where that reaches ``relabel_above``, the
    example gets the suggested label; else, where ``p_wrong`` reaches ``drop_above``, it is dropped. Without
    the share a picture that trials read in several ways would be relabelled as soon as its label is surely
    wrong: in a simulation with three such pictures in ten and a fifth of the labels wrong, 81 % of the
    suggestions taken at 0.9 were right, and 98 % with it; those that fall short are dropped instead.
    """
    labels = ranked["label"].to_numpy(np.int64)
    suggested = ranked["suggested"].fillna(_NONE).to_numpy(np.int64)
    p_wrong = ranked["p_wrong"].to_numpy(np.float64, na_value=np.nan)
    p_right = p_wrong * ranked["suggested_share"].to_numpy(np.float64, na_value=np.nan)
    relabel = (suggested != _NONE) & (suggested != labels) & (p_right >= relabel_above)  # not if it is none
    drop = ~relabel & (p_wrong >= drop_above)
    new = np.where(relabel, suggested, labels)
    for label in np.setdiff1d(labels, new[~drop]).tolist():
        own = labels == label
        num, dropped = int(own.sum()), int((drop & own).sum())
        raise BadInput(
            f"no example of class {classes[label]!r} would be left: of {num}, {num - dropped} would be "
            f"relabelled and {dropped} dropped; give a higher --relabel-above or --drop-above"
        )
    above = (relabel_above, drop_above)
    return Cleaned(ranked["id"].to_numpy(), labels, new, drop, labels, classes, above=above)


def verifying(
    run: Run,
    labels: Path,
    before: str | None,
    trained: Sequence[object] | None = None,
    *,
    by_rule: bool = True,
) -> str:
    """The command that verifies the labels on the examples that the run has, or what it lacks for that.

    It trains by the words ``trained``, or as the run did.
    """
    ref, measured = run.spec.data, run.spec.measured
    if by_rule and ref.held_out is None and measured is not None:
        return "use it by --labels; to verify a rule, measure first with a part held out (--holdout 0.2)"
    if measured is not None:  # a network or features that have no name?
        features = [] if measured.heads is None else measured.heads.features
        if is_given(measured.model) or any(one.name.split()[0] == "array" for one in features):
            return "use it by --labels; to verify it, give easiness.verify what the run was given"
    given = ["--labels", labels, *([] if before is None else ["--before", before])]
    loading = replace(loading_of(ref), labels=None)
    if measured is None:  # of a loop of one's own only its epochs are known
        trained = trained or ["--model", "MODEL", "--epochs", run.epochs]
    else:  # of heads the shares decide how many trials there may be
        trials = Trials(measured.trials if measured.heads else Trials.trials)
        trained = trained or [training_of(measured, run.path), featuring_of(measured), trials]
    words = (ref.source or "SOURCE", *given, loading, *trained, "--out", "DIR")
    at_once = measured is not None and measured.model in NOT_BY_STEPS
    return command_line("verify", *words, always=("model",) if at_once else ("model", "epochs"))


@dataclass(frozen=True)
class Labelling:
    """Options of `labels`."""

    run: OneRun
    files: Annotated[
        Sequence[Path] | None,
        Option(
            "",
            "Files of decisions of people, from the page, `labels`, an audit or an editor, and answers that "
            "Label Studio exports (JSON): merge what they say.",
            typed=list[Path] | None,
            given=str | Path | Sequence[str | Path] | None,
            argument=True,
        ),
    ] = None
    relabel_above: Annotated[
        float | None,
        Option(
            "--relabel-above",
            "Relabel an example if its suggested label is right with at least this probability; 0.9 by "
            "default.",
            within="[0, 1]",
        ),
    ] = None
    drop_above: Annotated[
        float | None,
        Option(
            "--drop-above",
            "Else drop an example whose label is that likely wrong; 0.5, or 0.9 where none may be.",
            within="[0, 1]",
        ),
    ] = None
    decided: Decided = None
    only_decided: Annotated[
        bool, Option("--only-decided", "Change only what people decided, nothing by rule.")
    ] = False
    split: HeldOutToo = "train"


def labels(asked: Labelling) -> Cleaned | PeopleAgreement:
    """The file of labels by the rule; or the merged decisions of people, and how far they agree."""
    if asked.files is None:
        if asked.split != "train":
            raise BadInput(
                f"--split {asked.split}: the rule is for the examples measured; give files of decisions, too"
            )
        above = RELABEL_ABOVE if asked.relabel_above is None else asked.relabel_above
        return by_rule(asked.run, above, asked.drop_above, asked.decided, only_decided=asked.only_decided)
    if not asked.files:
        raise BadInput("files: none is given; give one or more, or leave them out to decide by rule")
    of_rule = {
        "--relabel-above": asked.relabel_above,
        "--drop-above": asked.drop_above,
        "--decided": asked.decided,
        "--only-decided": asked.only_decided or None,
    }
    for name, value in of_rule.items():
        if value is not None:
            raise BadInput(
                f"{name}: is of the rule, and files say what people decided; leave one of them out"
            )
    files = [asked.files] if isinstance(asked.files, str | Path) else asked.files
    return agreement(asked.run, files, asked.split)


LABELS = Study(
    "labels",
    "Mend",
    "Write a file of labels: by rule, or as people say.",
    Labelling,
    labels,
    about="By rule: what to relabel, drop and keep of the suspects of a run. You may edit label, class and "
    "action in the file. Every command that reads data takes it by --labels.\n\nWith files: how far people "
    "agree, and the decision of the majority. Examples on which people differ come first. It is a file of "
    "decisions like any other.",
    decides=lambda _: True,
)
