"""What is told while runs are carried out: to whoever shows it, and to trackers of experiments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from easiness.errors import BadInput
from easiness.spec import RunSpec, shares_text
from easiness.store import Run
from easiness.tracking import Tracker, make_tracker

if TYPE_CHECKING:
    from easiness.runs.cost import Cost
    from easiness.training import EpochReport

_MOST_READ = 1000  # trials whose observations are read for the summary

Curves = dict[str, dict[int, float]]


class Progress:
    """What a front end may show while runs go on; this one shows nothing."""

    def study(self, text: str, num_images: int, work: float | None = None) -> None:
        """What is to be done, as ``text`` says: ``num_images`` are to be seen, in ``work`` operations."""

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None:
        """Trials ``missing`` of the run are about to be trained."""

    def cached(self, split: str, done: int, total: int) -> None:
        """``done`` of the photos of a split are in the file that is being built."""

    def features(self, what: str, done: int, total: int) -> None:
        """``done`` of the examples of a split have their vector; ``what`` names the features."""

    def images(self, num: int) -> None:
        """``num`` more images went through a network; first none, since processes may have to start."""

    def skipped(self, num: int) -> None:
        """``num`` of the images that were to be seen need not be, since a trial goes on where it stopped."""

    def epoch(self, report: EpochReport) -> None:
        """A trial has finished an epoch."""

    def stored(self, index: int) -> None:
        """A trial is whole on disk."""

    def failed(self, index: int, reason: str) -> None:
        """A trial could not be finished; the others go on."""

    def note(self, text: str) -> None:
        """Something to say in one line: what takes a moment, or what was found."""


def trackers_of(track: str | Tracker | Iterable[str | Tracker] | None) -> list[Tracker]:
    """The trackers that are asked for, by name or as they are."""
    if track is None:
        return []
    asked = [track] if isinstance(track, str) or not isinstance(track, Iterable) else list(track)
    return [make_tracker(one) if isinstance(one, str) else one for one in asked]


def tracked(progress: Progress, trackers: Iterable[Tracker]) -> closing[Tracked]:
    """A progress that tells the trackers as well, within the block."""
    return closing(Tracked(progress, trackers))


class Tracked(Progress):
    """Hands everything on to another progress; trackers hear of runs, finished trials and results.

    A tracker that fails hears nothing more.
    """

    def __init__(self, shown: Progress, trackers: Iterable[Tracker]) -> None:
        self._shown = shown
        self._trackers = list(trackers)
        self._curves: dict[int, Curves] = {}
        self._begun = False
        for told in ("study", "cached", "features", "images", "skipped", "note"):
            setattr(self, told, getattr(shown, told))

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for tracker in list(self._trackers):
            try:
                call(tracker)
            except Exception as error:
                self._trackers.remove(tracker)
                reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                self._shown.note(
                    f"warning: {type(tracker).__name__} failed ({reason}); the run goes on without"
                )

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None:
        """Name the run, once: one that grows until it is reliable begins several times."""
        self._shown.begin(spec, missing, path, cost)
        if not self._begun:
            self._begun = True
            name = path.absolute().name
            self._tell(lambda tracker: tracker.begin(name, parameters_of(spec)))

    def epoch(self, report: EpochReport) -> None:
        """Keep it until the trial is whole."""
        self._shown.epoch(report)
        curves = self._curves.setdefault(report.trial, {})
        seen = {f"accuracy_{name}": value for name, value in report.accuracy.items()}
        for name, value in {"loss": report.train_loss, **seen}.items():
            curves.setdefault(name, {})[report.epoch] = float(value)

    def stored(self, index: int) -> None:
        self._shown.stored(index)
        curves = self._curves.pop(index, {})
        self._tell(lambda tracker: tracker.trial(index, curves))

    def failed(self, index: int, reason: str) -> None:
        """Hand it on; half a curve is none."""
        self._shown.failed(index, reason)
        self._curves.pop(index, None)

    def end(self, run: Run) -> None:
        if self._begun and self._trackers:
            summary = summary_of(run)
            self._tell(lambda tracker: tracker.end(summary))

    def close(self) -> None:
        self._tell(lambda tracker: tracker.close())


def parameters_of(spec: RunSpec) -> Mapping[str, str | int | float]:
    return {
        "data": str(spec.data.source or "arrays"),
        "examples": spec.data.train.num_examples,
        "classes": len(spec.data.classes),
        "model": spec.model,
        "trials": spec.trials,
        **({"epochs": spec.epochs} if spec.heads is None else {"shares": shares_text(spec.heads.shares)}),
        "seed": spec.seed,
        "precision": spec.resolved.precision,
        "batch_size": spec.recipe.batch_size,
        "train_share": spec.train_share,
    }


def summary_of(run: Run) -> dict[str, float]:
    """Mean accuracies, the shares right in all trials and in none, and how reliable the sets are."""
    if not run.observed:
        return {}
    summary = {"trials": float(len(run.trials))}
    for name in run.trials[0].accuracy():
        values = [trial.accuracy()[name] for trial in run.trials if name in trial.accuracy()]
        summary[f"accuracy_{name}"] = sum(values) / len(values)
    if len(run.trials) > _MOST_READ:
        return summary
    from easiness.analysis import MOST_EXAMPLES, SIDES, forecast  # which loads SciPy

    try:
        votes = run.votes()
        right = votes.correct.sum(axis=0)
        summary["share_right_in_all"] = float((right == len(run.trials)).mean())
        summary["share_right_in_none"] = float((right == 0).mean())
        for side in SIDES:
            ahead = forecast(votes.at_most(MOST_EXAMPLES), side=side)
            if ahead is not None:
                summary[f"reliability_{side}"] = float(ahead.share()[0])
    except BadInput:  # too few trials, or nothing is learned: that much is not known
        pass
    return summary
