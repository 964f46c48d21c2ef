"""The part of a page about one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness import features, models
from easiness.analysis import Votes, membership
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.pages.facts import (
    Command,
    about_features,
    epoch_option,
    longer_command,
    measure_command,
    run_facts,
)
from easiness.pages.gallery_figure import class_extremes
from easiness.pages.labels import SuspectLabels, suspect_labels
from easiness.show import Section, count, percent, to_svg
from easiness.spec import UNNAMED, Drawing, Loading, Training, command_line, training_of
from easiness.store import Row, Run
from easiness.studies import matching, scores as run_figures
from easiness.studies.keeping import Kept, prune
from easiness.studies.learning import learning_curve
from easiness.studies.matching import Comparison
from easiness.studies.similarity import similarity
from easiness.studies.suspects import Glance, features_command, glance, one_trial, too_few

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Shown:
    """An example with what its caption says.

    ``num_right`` trials predict the label, with mean probability ``p_label``; ``num_predicted`` of them
    predict the class ``predicted``, more than predict any other (the first class of equals). ``p_easy`` and
    ``p_hard`` are the probabilities to be among the truly easiest and hardest of all examples.
    """

    position: int
    id: str
    num_right: int
    p_label: float
    predicted: str
    num_predicted: int
    p_easy: float
    p_hard: float


@dataclass(frozen=True)
class ClassGallery:
    """The easiest examples of a class, easiest first, and the hardest, hardest first."""

    label: int
    name: str
    num_examples: int
    easiest: list[Shown]
    hardest: list[Shown]

    def __iter__(self) -> Iterator[Shown]:
        yield from self.easiest
        yield from self.hardest


def class_galleries(
    run: Run,
    votes: Votes,
    difficulty: npt.NDArray[np.float64],
    per_side: int,
    max_classes: int,
    fraction: float = 0.1,
) -> list[ClassGallery]:
    """Galleries of the classes in order of their labels, by ``difficulty`` [K]; see `class_extremes`.

    Where there are more than ``max_classes``, those whose examples fewest trials are right about on
    average, the hardest class first. ``fraction`` of all examples are called easiest, and hardest.
    """
    everything = votes.all_trials()
    counts, p_label = votes.counts(everything)[0], votes.mean_p_label(everything)[0]
    members = membership(counts, votes.num_trials, fraction)
    labels = _shown_labels(votes.labels, counts, len(run.classes), max_classes)
    chosen = class_extremes(votes, labels, per_side, difficulty)
    shown = np.unique(np.concatenate([p for pair in chosen for p in pair]))
    predicted = _predictions(run, votes.epoch, shown)

    def describe(position: int) -> Shown:
        column = predicted[:, np.searchsorted(shown, position)]
        tally = np.bincount(column, minlength=len(run.classes))[: len(run.classes)]
        return Shown(
            position=position,
            id=str(votes.ids[position]),
            num_right=int(counts[position]),
            p_label=float(p_label[position]),
            predicted=run.classes[tally.argmax()],
            num_predicted=int(tally.max()),
            p_easy=float(members.p_easy[position]),
            p_hard=float(members.p_hard[position]),
        )

    return [
        ClassGallery(
            label=label,
            name=run.classes[label],
            num_examples=int((votes.labels == label).sum()),
            easiest=[describe(position) for position in easiest.tolist()],
            hardest=[describe(position) for position in hardest.tolist()],
        )
        for label, (easiest, hardest) in zip(labels, chosen, strict=True)
    ]


def _shown_labels(
    labels: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], num_classes: int, most: int
) -> list[int]:
    if num_classes <= most:
        return list(range(num_classes))
    totals = np.bincount(labels, minlength=num_classes)
    right = np.bincount(labels, counts, num_classes)
    with np.errstate(invalid="ignore"):
        mean = right / totals  # NaN for a class without examples, which is sorted last
    order: list[int] = np.argsort(mean, kind="stable")[:most].tolist()
    return order


def _predictions(run: Run, epoch: int, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Predicted classes [trials, n] of the examples at ``positions`` [n]; behind the last where not heard."""
    rows = []
    for trial in run.trials:
        seen = trial.columns(epoch, ["prediction", "trained_on"])
        saw = seen["trained_on"] if run.shares else False
        rows.append(np.where(saw, len(run.classes), seen["prediction"])[positions])
    return np.array(rows, np.int64)


_SHARES = (0.1, 0.3, 0.5)
_POLICY = "easy"


@dataclass(frozen=True)
class Dropped:
    """The ``num`` examples that `keep` drops at a ``share``; all trials have ``num_right`` of them right.

    ``confidence`` is the mean probability of the label, of those dropped and of those kept.
    """

    share: float
    num: int
    num_right: int
    confidence: tuple[float, float]


@dataclass(frozen=True)
class LeftOut:
    """The examples of a run that are easy beyond doubt, and those that `keep` would drop.

    ``num_right`` examples of ``num_examples`` are right in all trials after the epoch that the page reads;
    ``since`` has pairs of an earlier epoch, or share, and how many are so in each observed from it on.
    ``keep`` and ``ablate`` are commands; there is none of the latter for data that have no name.
    """

    num_examples: int
    num_right: int
    since: list[tuple[str, int]]
    dropped: list[Dropped]
    keep: str
    ablate: str | None


def left_out(run: Run, epoch: int) -> LeftOut | None:
    """Count what can be left out after ``epoch``; ``None`` with one trial, or if nothing is right in all."""
    if len(run.trials) < 2:
        return None
    epochs = [one for one in run.observed if one <= epoch]
    first = _right_since(run, epochs)
    right = ~np.isnan(first)
    if not right.any():
        return None
    # where few epochs were observed these may be one
    earlier = dict.fromkeys((epochs[len(epochs) // 2], epochs[0]))
    return LeftOut(
        num_examples=len(first),
        num_right=int(right.sum()),
        since=[(run.row_text(one), int((first <= one).sum())) for one in earlier if one != epoch],
        dropped=_dropped(run, epoch, right),
        keep=_keep_command(run, epoch),
        ablate=_ablate_command(run, epoch),
    )


def _right_since(run: Run, epochs: list[int]) -> npt.NDArray[np.float64]:
    """The first epoch from which on all trials have each example [K] right; NaN where not in the last."""
    first = np.full(len(run.labels), np.nan)
    so_far = np.ones(len(run.labels), np.bool_)
    for epoch in reversed(epochs):
        for trial in run.trials:
            seen = trial.columns(epoch, ["prediction", "trained_on"])
            right = seen["prediction"] == run.labels
            so_far &= right | seen["trained_on"] if run.shares else right
        first[so_far] = epoch
    return first


def _dropped(run: Run, epoch: int, right: npt.NDArray[np.bool_]) -> list[Dropped]:
    p_label = run.votes(epoch).p_label.mean(axis=0)
    found = []
    for share in _SHARES:
        try:
            kept = prune(Kept(run, drop=share, policy=_POLICY, **run.asked(epoch))).kept
        except BadInput:  # a class would lose all its examples
            continue
        if kept.all():  # so few examples that the share is of none
            continue
        found.append(
            Dropped(
                share,
                int((~kept).sum()),
                int((right & ~kept).sum()),
                (float(p_label[~kept].mean()), float(p_label[kept].mean())),
            )
        )
    return found


def _keep_command(run: Run, epoch: int) -> str:
    which = ("--drop", 0.3, "--policy", _POLICY)
    return command_line("keep", run.path, *which, *epoch_option(run, epoch), "-o", "kept.csv")


def _ablate_command(run: Run, epoch: int) -> str | None:
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    scores = ("--scores", run.path, *epoch_option(run, epoch))
    rates, loading = Drawing((0, *_SHARES)), Loading(holdout=0.2 if spec.data.held_out is None else None)
    network = kind_named(spec.data.kind).networks[0]
    # heads are no network to train, and `paper ablate` starts from scratch
    training = (
        Training(network, seed=spec.seed) if spec.heads else replace(training_of(spec), pretrained=False)
    )
    trained = (training, loading, "--out", "ablation")
    words = ("ablate", spec.data.source, *scores, rates, *trained)
    return command_line("paper", *words, always=("model", "epochs"))


_TRIALS = 5  # tell which labels look wrong


@dataclass(frozen=True)
class NextStep:
    """A ``command`` to be copied, and ``why`` it is the next one."""

    why: str
    command: str


def next_step(run: Run) -> NextStep:
    """The next step with a run that was observed: measure more, look at labels, or at the page.

    The labels are looked at no longer than a moment, see `glance`, and no network is asked.
    """
    try:
        seen = glance(run)
    except BadInput:  # one trial, one class, or a damaged file
        seen = None
    why = _why(run, seen)
    more = measure_more(run, seen)
    if more is not None:
        return NextStep(why, more)
    if seen is not None and not seen.knows_too_little and (seen.num_wrong or seen.num_unsaid):
        return NextStep(why, command_line("suspects", run.path, *_trust(run)))
    return NextStep(why, command_line("report", run.path, "-o", "report.html"))


def _why(run: Run, seen: Glance | None) -> str:
    if len(run.trials) < 2:
        return "one trial tells only right from wrong; several tell which labels look wrong"
    if seen is None:
        return "labels: cannot be judged"
    judge = "head" if run.shares else "network"
    if seen.leak:
        return "labels: cannot be judged, since an input tells them"
    if seen.knows_too_little:
        return f"labels: the {judge}s have {percent(seen.known)} right, which is too little to judge them"
    if seen.num_wrong:
        looks = "looks" if seen.num_wrong == 1 else "look"
        return f"labels: about {count(seen.num_wrong)} of {count(seen.num)} {looks} wrong"
    if seen.num_unsaid:
        return f"labels: no {judge} agrees with about {count(seen.num_unsaid)} of {count(seen.num)}"
    return f"labels: none of {count(seen.num)} looks wrong at a glance"


def measure_more(run: Run, seen: Glance | None) -> str | None:
    """The command that measures what is missing to judge labels; ``None`` where nothing is, or none does."""
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    if len(run.trials) < 2:
        return longer_command(run, trials=_TRIALS)
    if seen is None or not seen.knows_too_little or run.shares:
        return None
    return features_command(run) or longer_command(run, epochs=2 * run.epochs)


def _trust(run: Run) -> list[str]:
    """The option that a command takes where code of somebody's own is behind the run."""
    heads = run.spec.heads
    if heads is None:
        return ["--trust"] if models.module_of(run.model) else []
    return ["--trust"] if any(features.code_behind(one.name) for one in heads.features) else []


@dataclass(frozen=True)
class Learning:
    """The curve as an SVG element, and as a table to read."""

    figure: str
    section: Section


def learning(run: Run, key: str) -> Learning | None:
    """The curve of a run on features; ``None`` of any other run. ``key`` makes ids on the page unique."""
    if not run.shares:
        return None
    curve = learning_curve(run)
    label = "Left-out accuracy by the number of examples seen; the table below has the numbers."
    return Learning(to_svg(curve.figure(), key=f"{key}-learning", label=label), curve.sections()[0])


MAX_CLASSES = 20
"""Classes that are shown one by one; where there are more, the hardest of them."""

_PER_SIDE = (10, 6)  # of a run alone, and of one of several
_SUSPECTS_ALONE, _SUSPECTS_COMPARED = (24, 6), (6, 0)  # of those measured, and of those held out
_LOOKED_AT = 500  # pictures of each set that are measured, so that a page of photos takes less than a minute


@dataclass(frozen=True)
class RunPart:
    """The part of the page about one run; figures are SVG elements.

    ``num_trials`` are those that judge an example: of ``num_fitted`` trials of a run on features the heads
    that were not shown it, and ``judges`` is what they are called. ``rows`` are those observed and ``row`` is
    the one read. ``about`` has sentences on the features, and ``agreeing`` on a training beside them.
    ``more`` is the command that measures what is missing to judge labels, where something is.
    """

    key: str
    name: str
    facts: dict[str, str]
    command: Command | None
    failures: dict[int, str]
    num_trials: int
    row: Row
    rows: tuple[Row, ...]
    about: Sequence[str]
    agreeing: str
    num_fitted: int
    accuracy: run_figures.AccuracyCurves
    accuracy_figure: str
    levels: run_figures.Levels
    levels_figure: str
    galleries: list[ClassGallery]
    alike: str
    reliability: matching.Reliability | None
    suspects: list[SuspectLabels]
    more: str | None
    left_out: LeftOut | None
    learning: Learning | None
    outlook: list[str]
    warnings: list[str]
    too_few: str
    by_epoch_figure: str | None
    by_trials_figure: str | None

    @property
    def judges(self) -> str:
        """``trials``, or ``heads`` of a run on features."""
        return "trials" if self.row.share is None else "heads"


def run_part(
    run: Run,
    index: int,
    epoch: int,
    scores: pd.DataFrame,
    comparison: Comparison | None,
    data: Dataset | None,
    num_runs: int,
    fraction: float,
) -> RunPart:
    """What the page says of a run, which is read in the row ``epoch``, where it has these ``scores``."""
    key = f"run{index + 1}"
    votes = run.votes(epoch)
    labels = suspect_labels(run, epoch, *(_SUSPECTS_ALONE if num_runs == 1 else _SUSPECTS_COMPARED), key=key)
    accuracy = run_figures.accuracy_curves(run)
    levels = run_figures.easiness_levels(votes, len(run.classes), fraction)
    reliability = None if comparison is None else _reliability(run, votes, index, comparison)
    return RunPart(
        key=key,
        name=_name(run, index, comparison, num_runs),
        facts=run_facts(run, accuracy, epoch),
        command=measure_command(run, data),
        failures=run.failures(),
        num_trials=votes.num_trials,
        agreeing="" if comparison is None or not run.shares else _agreeing(comparison, index),
        num_fitted=len(run.trials),
        row=run.row(epoch),
        rows=tuple(run.row(one) for one in run.observed),
        about=() if run.spec.heads is None else about_features(run.spec.heads),
        accuracy=accuracy,
        accuracy_figure=_accuracy_figure(run, accuracy, epoch, f"{key}-accuracy"),
        levels=levels,
        levels_figure=_levels_figure(levels, f"{key}-levels"),
        alike="" if data is None or data.kind.pixels is None else _alike(run, data, epoch, fraction),
        galleries=class_galleries(
            run, votes, scores["difficulty"].to_numpy(), _PER_SIDE[num_runs > 1], MAX_CLASSES, fraction
        ),
        suspects=labels,
        more=measure_more(run, labels[0].glance if labels else None),
        left_out=left_out(run, epoch),
        learning=learning(run, key),
        reliability=reliability,
        outlook=[] if reliability is None else reliability.outlook.sentences(),
        warnings=_warnings(run, labels, reliability),
        too_few=too_few(run.labels, run.classes),
        by_epoch_figure=_reliability_figure(reliability, f"{key}-by-{run.row_name}"),
        by_trials_figure=_reliability_figure(reliability, f"{key}-by-trials", by_trials=True),
    )


def _reliability(run: Run, votes: Votes, index: int, comparison: Comparison) -> matching.Reliability:
    """The reliability in the comparison, or where it has rates alone, of a run that is shown."""
    judged = comparison.reliability
    return judged[index] if judged else matching.run_reliability(run, votes, fraction=comparison.fraction)


def _warnings(run: Run, labels: list[SuspectLabels], judged: matching.Reliability | None) -> list[str]:
    alone = one_trial(run) if labels else ""
    return [*filter(None, [alone]), *([] if judged is None else judged.outlook.warnings())]


def _levels_figure(levels: run_figures.Levels, key: str) -> str:
    label = "Examples by the number of trials that are right; the table below has the numbers."
    return to_svg(run_figures.draw_levels(levels), key=key, label=label)


def _accuracy_figure(run: Run, accuracy: run_figures.AccuracyCurves, epoch: int, key: str) -> str:
    of = f"Accuracy over {run.row_name}s, a line per trial and their mean"
    figure = run_figures.draw_accuracy(accuracy, run.row(epoch), run.shares)
    return to_svg(figure, key=key, label=f"{of}; the table below has the numbers.")


def _agreeing(comparison: Comparison, index: int) -> str:
    """How a run on features agrees with the trainings beside it, in sentences."""
    trainings = [at for at, row in enumerate(comparison.rows) if row.share is None]
    found = (text for at in trainings for text in comparison.pair_answers((index, at)))
    return "".join(f"{text}. " for text in found)


def _name(run: Run, index: int, comparison: Comparison | None, num_runs: int) -> str:
    if num_runs == 1 and run.model != UNNAMED:
        return run.network
    if num_runs == 1 or comparison is None:
        return run.path.resolve().name or str(run.path)
    return comparison.names[index]


def _alike(run: Run, data: Dataset, epoch: int, fraction: float) -> str:
    """A sentence on how near easy and hard pictures are to each other; empty where that cannot be said."""
    at_most = _LOOKED_AT // len(run.classes)
    try:
        found = similarity(
            run,
            data,
            fraction=fraction,
            **run.asked(epoch),
            spaces=("pixel",),
            at_most=at_most,
            device="cpu",
            progress=False,
        )
    except BadInput:
        return ""
    return found.sentence()


def _reliability_figure(
    judged: matching.Reliability | None, key: str, *, by_trials: bool = False
) -> str | None:
    figure = None if judged is None else matching.draw_reliability(judged, by_trials=by_trials)
    if judged is None or figure is None:
        return None
    by = f"{judged.judges} in each half" if by_trials else judged.row_name
    label = f"Matching rate between halves of the trials by {by}; the table below has the numbers."
    return to_svg(figure, key=key, label=label)
