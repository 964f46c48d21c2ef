"""Progress for people: a bar on a terminal, a line in a notebook, plain lines on standard error elsewhere."""

from __future__ import annotations

import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from easiness.errors import BadInput
from easiness.models import module_of
from easiness.runs.cost import Cost
from easiness.runs.plan import Plan
from easiness.runs.progress import Progress
from easiness.runs.screens import LINE, Screen, State, find_screen, fitting, reading_shown
from easiness.show import counted, duration_text
from easiness.spec import RunSpec, shares_text
from easiness.standard_error import say_on_stderr
from easiness.store import Run
from easiness.training import EpochReport

_LONGEST = 100  # characters of a value in the text of a call
_UNSAID = "..."
_OF_A_PART = 0.7, 1.4  # between which times what a part of the first epoch foretells the rest mostly takes


class ShownProgress(Progress):
    """Shows runs as they go on."""

    def __init__(self, between_lines: float = 2.0, within_epoch: float = 30.0) -> None:
        """Plain lines come at least ``between_lines`` seconds after one another, after epochs.

        However long an epoch takes, one comes at most ``within_epoch`` seconds late.
        """
        self._between_lines, self._within_epoch = between_lines, within_epoch
        self._screen: Screen | None = find_screen()
        self._caching_shown = False
        self._announcement: list[str] = []
        self._in_study = False
        self._last_line = time.monotonic()
        self._run_began = 0.0
        self._done = self._total = self._run_done = 0
        # networks differ in speed, so the time left is told by work: what the images were expected to take
        self._work = self._total_work = self._work_before = 0.0
        self._worked: Callable[[int], float] = float
        self._seen_an_epoch = False
        self._marks: deque[tuple[float, float]] = deque()  # when trials ended, and the work until then
        self._remembered = 3
        self._texts: Sequence[str] = ("images",)

    def __enter__(self) -> Self:
        self._reading = reading_shown(self._say)
        self._reading.__enter__()
        if self._screen is not None:
            self._screen.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.__exit__(kind, error, trace)
        if self._screen is not None:
            self._screen.close()

    def _say(self, text: str) -> None:
        self._last_line = time.monotonic()
        if self._screen is not None:
            self._screen.say(text)
        else:
            say_on_stderr(text)

    def _quiet_for(self) -> float:
        return time.monotonic() - self._last_line

    def study(self, text: str, num_images: int, seconds: float | None = None) -> None:
        """Say what is to be done in all; the bar then covers all of it."""
        self._say(text)
        self._in_study = True
        self._restart(num_images, num_images if seconds is None else seconds)

    def _restart(self, num_images: int, work: float) -> None:
        """Begin another bar, for these images."""
        self._done, self._work = 0, 0.0
        self._total, self._total_work = num_images, work
        self._seen_an_epoch = False
        self._marks.clear()

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None:
        """Note what is about to be trained, and what it will cost."""
        layout = ", channels-last" if spec.resolved.channels_last else ""
        jobs = spec.resolved.jobs
        at_a_time = f", {jobs} at a time" if jobs > 1 else ""
        what, length = "training", f"{counted(spec.epochs, 'epoch')} each"
        if spec.heads is not None:
            names = " and ".join(one.name for one in spec.heads.features)
            what, length = f"fitting heads on {names}:", f"shares {shares_text(spec.heads.shares)}"
        announced = (
            f"{path}: {what} {len(missing)} of {counted(spec.trials, 'trial')} of {spec.model}, "
            f"{length}{at_a_time} "
            f"({spec.resolved.precision}{layout}; {spec.resolved.reason})"
        )
        self._announcement = [announced]
        if not self._in_study:
            self._announcement.append(f"{path}: {cost}")
            self._restart(cost.num_images, cost.seconds)
        self._worked, self._work_before = partial(cost.worked, jobs=jobs), self._work
        self._remembered = 2 * jobs + 1
        self._caching_shown = False
        self._run_began, self._run_done = 0.0, 0
        self._last_line = time.monotonic()

    def _announce(self) -> None:
        """Say what begins once there is something to wait for: an image refused at once is one line alone."""
        for line in self._announcement:
            self._say(line)
        self._announcement = []

    def cached(self, split: str, done: int, total: int) -> None:
        """Show how far the cache of a split is, or print a line now and then."""
        self._prepared(f"caching photos of {split}", done, total)

    def features(self, what: str, done: int, total: int) -> None:
        """Show how far the features are, or print a line now and then."""
        self._prepared(what, done, total)

    def _prepared(self, text: str, done: int, total: int) -> None:
        if not self._caching_shown and self._quiet_for() < self._between_lines:
            return
        self._caching_shown = True
        self._announce()
        if self._screen is not None:
            self._screen.show(State([text], done / max(total, 1)))
        elif done == total or self._quiet_for() > self._between_lines:
            self._say(f"{text}: {done:,} of {total:,}")

    def images(self, num: int) -> None:
        """Move the bar by these images, or print a line where the last one was long ago."""
        self._announce()
        if self._run_began == 0:
            self._run_began = time.monotonic()
        self._done += num
        self._run_done += num
        self._work = self._work_before + self._worked(self._run_done)
        if num and not self._marks:  # not before: processes have started by now, and the first step is over
            self._marks.append((time.monotonic(), self._work))
        if self._screen is not None:
            self._show()
        elif self._quiet_for() > self._within_epoch:
            self._say(f"{self._done:,} of {self._total:,} examples, {self._speed_text()}")

    def skipped(self, num: int) -> None:
        """Leave these images out of what there is to do."""
        self._total -= num
        self._total_work -= self._worked(num)

    def epoch(self, report: EpochReport) -> None:
        """Name the epoch beside the bar, or print a line now and then and at the end of each trial."""
        self._seen_an_epoch = True
        if self._screen is not None:
            self._texts = _texts_of(report)
            self._show()
        elif report.epoch == report.epochs or self._quiet_for() > self._between_lines:
            speed = self._speed_text()
            self._say(fitting([f"{text}, {speed}" for text in _texts_of(report)], LINE))

    def _show(self) -> None:
        assert self._screen is not None
        done = min(self._work / self._total_work, 1.0) if self._total_work else 0.0
        speed = self._speed() if self._run_done else None
        self._screen.show(State(self._texts, done, speed, self._seconds_left()))

    def _speed(self) -> float:
        """Images per second of this run."""
        return self._run_done / max(time.monotonic() - self._run_began, 1e-9)

    def _seconds_left(self) -> float | None:
        """Seconds that the rest of the work takes at the pace since the trials before the last ones ended."""
        if self._done >= self._total or not self._marks:
            return None
        began, work = self._marks[0]
        if self._work <= work:
            return None
        pace = (time.monotonic() - began) / (self._work - work)
        return max(self._total_work - self._work, 0) * pace

    def _speed_text(self) -> str:
        seconds = self._seconds_left()
        text = f"{self._speed():,.0f} examples/s"
        if seconds is None:
            return text
        factors = (1.0,) if self._seen_an_epoch else _OF_A_PART
        return f"{text}, {' to '.join(duration_text(factor * seconds) for factor in factors)} left"

    def stored(self, index: int) -> None:  # noqa: ARG002
        """A trial is whole on disk: the time left goes by those that ended last, not by a load of before."""
        self._seen_an_epoch = True
        self._marks.append((time.monotonic(), self._work))
        while len(self._marks) > self._remembered:
            self._marks.popleft()

    def failed(self, index: int, reason: str) -> None:
        """Name the trial that failed."""
        self._say(f"trial {index} failed: {reason}")

    def note(self, text: str) -> None:
        """Say it."""
        self._say(text)


def _texts_of(report: EpochReport) -> list[str]:
    """What is known after an epoch, in ever fewer words: the accuracy of what is held out stays longest."""
    row = f"epoch {report.epoch}/{report.epochs}" if report.share is None else f"share {report.share:g}"
    name = f"trial {report.trial} {row}"
    loss = f"loss {report.train_loss:.3f}"
    accuracy = [f"{split.replace('_', '-')} {value:.3f}" for split, value in report.accuracy.items()]
    if not accuracy:
        return [f"{name}: {loss}", name]
    found = ", ".join(accuracy)
    short = [f"{name}: {found}", f"{name}: {accuracy[-1]}", name]
    return [f"{name}: accuracy {found}, {loss}", f"{name}: accuracy {found}", *short]


@contextmanager
def progress_of(
    progress: Progress | bool, function: Callable[..., Any], given: Mapping[str, Any]
) -> Iterator[Progress]:
    """The progress to tell, within the block: shown for true, none for false, or the caller's own.

    Where it is shown, an interrupt says which call of ``function`` with the arguments ``given`` goes on.
    """
    if isinstance(progress, Progress):
        yield progress
    elif progress is False or progress is None:
        yield Progress()
    elif progress is True:
        try:
            with ShownProgress() as shown:
                yield shown
        except KeyboardInterrupt:
            say_on_stderr(
                "interrupted; everything finished so far is kept. To go on, call it again: "
                f"{call_text(function, given)}"
            )
            raise
    else:
        raise BadInput(f"progress {progress!r}: give True, False, or a Progress of your own")


def tell_of_data(plan: Plan, progress: Progress) -> None:
    """Say what was found in the source and is not used."""
    if plan.asked.data.num_unreadable:
        asked = plan.asked.data
        progress.note(f"{asked.examples_text} left out, since they cannot be read: {asked.unreadable_text()}")
    for note in plan.data.remarks:
        progress.note(f"note: {note}")


def call_text(function: Callable[..., Any], given: Mapping[str, Any]) -> str:
    """The call of a public function, without what is at its default; ``...`` for what has no short text."""
    arguments = []
    for parameter in inspect.signature(function).parameters.values():
        value = given.get(parameter.name, parameter.default)
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            arguments.append(_argument_text(value))
        elif parameter.default is parameter.empty or not _same(value, parameter.default):
            arguments.append(f"{parameter.name}={_argument_text(value)}")
    return f"easiness.{function.__name__}({', '.join(arguments)})"


def _same(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, str | int | float | tuple) and value == default)


def _argument_text(value: Any) -> str:
    """How a value is written in Python, where that is short and makes it again."""
    if isinstance(value, Run):
        trust = ", trust=True" if value.trusted and module_of(value.model) else ""
        return f"easiness.open_run({str(value.path)!r}{trust})"
    if isinstance(value, Path):
        value = str(value)
    if callable(value):
        return str(getattr(value, "__name__", _UNSAID)).replace("<lambda>", _UNSAID)
    text = repr(value) if _is_plain(value) else _UNSAID
    return text if len(text) <= _LONGEST else _UNSAID


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_plain, [*value, *value.values()]))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)
