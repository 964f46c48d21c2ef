"""The part of a page about one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from easiness.analysis import Votes
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.report import run_figures
from easiness.report.facts import Command, about_features, measure_command, run_facts
from easiness.report.gallery import ClassGallery, class_galleries
from easiness.report.labels import SuspectLabels, suspect_labels
from easiness.report.learning import Learning, learning
from easiness.report.left_out import LeftOut, left_out
from easiness.report.next_step import measure_more
from easiness.show import to_svg
from easiness.spec import UNNAMED
from easiness.store import Row, Run
from easiness.studies import matching
from easiness.studies.matching import Comparison
from easiness.studies.similarity import similarity
from easiness.studies.suspects import one_trial, too_few

if TYPE_CHECKING:
    import pandas as pd

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
    by_epoch = None if reliability is None else matching.curves_by_epoch(reliability)
    by_trials = None if reliability is None else matching.curves_by_trials(reliability)
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
        by_epoch_figure=_reliability_figure(by_epoch, f"{key}-by-{run.row_name}"),
        by_trials_figure=_reliability_figure(by_trials, f"{key}-by-trials"),
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
    found = (text for at in trainings for text in matching.pair_answers(comparison, (index, at)))
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


def _reliability_figure(curves: matching.ReliabilityCurves | None, key: str) -> str | None:
    if curves is None:
        return None
    label = f"Matching rate between halves of the trials by {curves.x_name}; the table below has the numbers."
    return to_svg(matching.draw_reliability(curves), key=key, label=label)
