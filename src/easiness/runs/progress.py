"""Progress of runs: told to whoever shows it, and to trackers of experiments."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress as Bar, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from easiness import runs, training
from easiness.errors import BadInput, printable
from easiness.inputs import reading
from easiness.show import duration_text, quantity
from easiness.spec import RunSpec, shares_text
from easiness.standard_error import lenient_stderr, say_on_stderr
from easiness.store import Run
from easiness.tracking import Tracker, make_tracker

_MOST_READ = 1000  # trials whose observations are read for the summary

Curves = dict[str, dict[int, float]]


class Progress:
    """Events that a front end may show while runs go on; this one shows nothing."""

    def study(self, text: str, num_images: int, work: float | None = None) -> None:
        """The work begins, as ``text`` says: ``num_images`` are to be seen, in ``work`` operations."""

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: runs.Cost) -> None:
        """Trials ``missing`` of the run are about to be trained."""

    def preparation(self, what: str, num: int, total: int) -> None:
        """``done`` of the photos of a split are cached, or have their vector, as ``what`` says."""

    def images(self, num: int) -> None:
        """``num`` more images went through a network; first none, since processes may have to start."""

    def skip(self, num: int) -> None:
        """``num`` of the images that were to be seen need not be, since a trial goes on where it stopped."""

    def epoch(self, report: training.EpochReport) -> None:
        """A trial has finished an epoch."""

    def finish(self, index: int) -> None:
        """A trial is whole on disk."""

    def fail(self, index: int, reason: str) -> None:
        """A trial could not be finished; the others go on."""

    def note(self, text: str) -> None:
        """Something to say in one line: what takes a moment, or what was found."""


def trackers_of(track: str | Tracker | Iterable[str | Tracker] | None) -> list[Tracker]:
    if track is None:
        return []
    targets = [track] if isinstance(track, str) or not isinstance(track, Iterable) else list(track)
    return [make_tracker(one) if isinstance(one, str) else one for one in targets]


class TrackedProgress(Progress):
    """Hands everything on to another progress; trackers hear of runs, finished trials and results.

    A tracker that fails hears nothing more.
    """

    def __init__(self, display: Progress, trackers: Iterable[Tracker]) -> None:
        self._display = display
        self._trackers = list(trackers)
        self._curves: dict[int, Curves] = {}
        self._has_begun = False
        for name in ("study", "preparation", "images", "skip", "note"):
            setattr(self, name, getattr(display, name))

    def _tell(self, call: Callable[[Tracker], None]) -> None:
        for tracker in list(self._trackers):
            try:
                call(tracker)
            except Exception as error:
                self._trackers.remove(tracker)
                reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                self._display.note(
                    f"warning: {type(tracker).__name__} failed ({reason}); the run goes on without"
                )

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: runs.Cost) -> None:
        """Name the run, once: one that grows until it is reliable begins several times."""
        self._display.begin(spec, missing, path, cost)
        if not self._has_begun:
            self._has_begun = True
            name = path.absolute().name
            self._tell(lambda tracker: tracker.begin(name, parameters_of(spec)))

    def epoch(self, report: training.EpochReport) -> None:
        """Keep it until the trial is whole."""
        self._display.epoch(report)
        curves = self._curves.setdefault(report.trial, {})
        accuracies = {f"accuracy_{name}": value for name, value in report.accuracy.items()}
        for name, value in {"loss": report.train_loss, **accuracies}.items():
            curves.setdefault(name, {})[report.epoch] = float(value)

    def finish(self, index: int) -> None:
        self._display.finish(index)
        curves = self._curves.pop(index, {})
        self._tell(lambda tracker: tracker.trial(index, curves))

    def fail(self, index: int, reason: str) -> None:
        """Hand it on; half a curve is none."""
        self._display.fail(index, reason)
        self._curves.pop(index, None)

    def end(self, run: Run) -> None:
        if self._has_begun and self._trackers:
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


_BETWEEN_LINES, _WHILE_READING = 2.0, 5.0  # seconds from one plain line to the next
_WITHIN_EPOCH = 30.0  # seconds, after which a plain line comes however long an epoch takes
_QUICK = 1.0  # seconds of reading without a bar
_BAR, _WIDE = 8, 112  # columns of a bar, and of a terminal that has room for units
_PACE = 600.0  # seconds of which the time left is told


def _make_bar() -> Bar:
    """A bar with its task; disabled where standard error is a file, a pipe, or a notebook without widgets."""
    console = Console(file=lenient_stderr(escape=False), stderr=True)  # a bar moves the cursor
    widgets = console.is_jupyter and find_spec("ipywidgets") is not None
    bar = Bar(
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
        BarColumn(bar_width=_BAR),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        expand=True,
        get_time=time.monotonic,
        speed_estimate_period=_PACE,
        disable=not (widgets or (console.is_terminal and not console.is_jupyter)),
    )
    bar.add_task("", total=None, visible=False, speed="")
    return bar


def _move(bar: Bar, text: str, num: float, total: float) -> None:
    """Show the text beside the bar; one that goes back begins anew, with a time of its own."""
    task = bar.tasks[0]
    if task.total != total or num < task.completed:
        bar.reset(task.id, total=total)
    bar.update(task.id, description=printable(text), completed=num, visible=True)


@contextmanager
def reading_shown(say: Callable[[str], None] = say_on_stderr) -> Iterator[None]:
    """Says how far the reading of the source has come, on standard error; nothing where that is quick."""
    last_line = time.monotonic()

    def show(what: str, num: int, total: int) -> None:
        nonlocal last_line
        if time.monotonic() - last_line >= _WHILE_READING:
            last_line = time.monotonic()
            say(f"{what}: {num:,} of {total:,}")

    with reading(show):
        yield


@contextmanager
def passes_shown(progress: bool) -> Iterator[None]:
    """As `reading_shown`, for what reads alone: a bar on a terminal.

    Nothing where that is quick. Without ``progress`` whoever shows it already goes on to do so.
    """
    bar, began = _make_bar(), time.monotonic()

    def show(what: str, num: int, total: int) -> None:
        if time.monotonic() - began >= _QUICK:
            bar.start()
            _move(bar, what, num, max(total, 1))

    with ExitStack() as stack:
        if progress:
            stack.enter_context(reading_shown() if bar.disable else reading(show))
        stack.callback(lambda: bar.stop() if bar.live.is_started else None)
        yield


class ShownProgress(Progress):
    """Shows runs as they go on."""

    def __init__(self, between_lines: float = _BETWEEN_LINES, within_epoch: float = _WITHIN_EPOCH) -> None:
        """Plain lines come at least ``between_lines`` seconds after one another, after epochs.

        However long an epoch takes, one comes at most ``within_epoch`` seconds late.
        """
        self._between_lines, self._within_epoch = between_lines, within_epoch
        self._bar = _make_bar()
        self._stack = ExitStack()
        self._announcement: list[str] = []
        self._in_study = self._preparing = False
        self._last_line = time.monotonic()
        self._began: float | None = None
        self._num_images = 0  # images of this run
        self._text = "images"
        # networks differ in speed, so the bar goes by operations, an image being of ``_each``
        self._progress = self._total = 0.0
        self._each = 1.0

    def __enter__(self) -> Self:
        self._stack.enter_context(reading_shown(self.note))
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._bar.stop()

    def note(self, text: str) -> None:
        self._last_line = time.monotonic()
        if self._bar.disable:
            say_on_stderr(text)
        else:
            self._bar.console.print(printable(text), markup=False, highlight=False)

    def _is_quiet(self, seconds: float) -> bool:
        return time.monotonic() - self._last_line > seconds

    def study(self, text: str, num_images: int, work: float | None = None) -> None:
        self.note(text)
        self._in_study = True
        self._progress, self._total = 0.0, work or num_images

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: runs.Cost) -> None:
        layout = ", channels-last" if spec.resolved.channels_last else ""
        jobs = spec.resolved.jobs
        at_a_time = f", {jobs} at a time" if jobs > 1 else ""
        what, length = "training", f"{quantity(spec.epochs, 'epoch')} each"
        if spec.heads is not None:
            names = " and ".join(one.name for one in spec.heads.features)
            what, length = f"fitting heads on {names}:", f"shares {shares_text(spec.heads.shares)}"
        self._announcement = [
            f"{path}: {what} {len(missing)} of {quantity(spec.trials, 'trial')} of {spec.model}, "
            f"{length}{at_a_time} "
            f"({spec.resolved.precision}{layout}; {spec.resolved.reason})"
        ]
        work = cost.operations or cost.num_images
        self._each = work / max(cost.num_images, 1)
        if not self._in_study:
            self._announcement.append(f"{path}: {cost}")
            self._progress, self._total = 0.0, work
        self._preparing, self._began, self._num_images = False, None, 0
        self._last_line = time.monotonic()

    def _announce(self) -> None:
        """Say what begins once there is something to wait for: an image refused at once is one line alone."""
        lines, self._announcement = self._announcement, []
        for line in lines:
            self.note(line)

    def preparation(self, what: str, num: int, total: int) -> None:
        if not self._preparing and not self._is_quiet(self._between_lines):
            return
        self._preparing = True
        self._announce()
        _move(self._bar, what, num, max(total, 1))
        if self._bar.disable and (num == total or self._is_quiet(self._between_lines)):
            self.note(f"{what}: {num:,} of {total:,}")

    def images(self, num: int) -> None:
        self._announce()
        self._began = self._began or time.monotonic()
        self._num_images += num
        self._progress += num * self._each
        self._show()
        if self._bar.disable and self._is_quiet(self._within_epoch):
            self.note(f"{self._bar.tasks[0].percentage:.0f}% of the work, {self._pace()}")

    def skip(self, num: int) -> None:
        self._total -= num * self._each

    def epoch(self, report: training.EpochReport) -> None:
        row = f"epoch {report.epoch}/{report.epochs}" if report.share is None else f"share {report.share:g}"
        parts = [f"{name.replace('_', '-')} {value:.3f}" for name, value in report.accuracy.items()]
        accuracy = f"accuracy {', '.join(parts)}, " if parts else ""
        self._text = f"trial {report.trial} {row}: {accuracy}loss {report.train_loss:.3f}"
        self._show()
        if self._bar.disable and (report.epoch == report.epochs or self._is_quiet(self._between_lines)):
            self.note(f"{self._text}, {self._pace()}")

    def _show(self) -> None:
        total = max(self._total, 1.0)
        _move(self._bar, self._text, min(self._progress, total), total)
        unit = " examples/s" if self._bar.console.width >= _WIDE else "/s"
        speed = f"{self._speed():,.0f}{unit}" if self._num_images else ""
        self._bar.update(self._bar.tasks[0].id, speed=speed)

    def _speed(self) -> float:
        return self._num_images / max(time.monotonic() - (self._began or 0.0), 1e-9)

    def _pace(self) -> str:
        left = self._bar.tasks[0].time_remaining
        return f"{self._speed():,.0f} examples/s" + (f", {duration_text(left)} left" if left else "")

    def fail(self, index: int, reason: str) -> None:
        self.note(f"trial {index} failed: {reason}")


@contextmanager
def progress_of(progress: Progress | bool) -> Iterator[Progress]:
    """The progress to tell, within the block: shown for true, none for false, or the caller's own."""
    if isinstance(progress, Progress):
        yield progress
    elif progress is False or progress is None:
        yield Progress()
    elif progress is True:
        try:
            with ShownProgress() as display:
                yield display
        except KeyboardInterrupt:
            say_on_stderr("interrupted; everything finished so far is kept, and the same call again goes on")
            raise
    else:
        raise BadInput(f"progress {progress!r}: give True, False, or a Progress of your own")
