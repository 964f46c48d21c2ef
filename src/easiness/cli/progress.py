"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress as Bar,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from easiness.cli.reading import reading_shown
from easiness.runs import Cost, Progress
from easiness.show import duration_text
from easiness.spec import RunSpec
from easiness.training import EpochReport


class _ImagesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.fields.get("speed")
        return Text("" if speed is None else f"{speed:,.0f} images/s")


class ShownProgress(Progress):
    """Shows a run of `measure` as it goes on."""

    def __init__(self, between_lines: float = 2.0, within_epoch: float = 30.0) -> None:
        """Plain lines come at least ``between_lines`` seconds after one another, after epochs.

        However long an epoch takes, one comes at most ``within_epoch`` seconds late.
        """
        self._between_lines, self._within_epoch = between_lines, within_epoch
        console = Console(stderr=True)
        self._bar = (
            Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.percentage:>3.0f}%"),
                _ImagesPerSecond(),
                TimeRemainingColumn(compact=True),
                console=console,
            )
            if console.is_terminal
            else None
        )
        self._task: TaskID | None = None
        self._caching: dict[str, TaskID] = {}
        self._caching_shown = False
        self._announcement = ""
        self._in_study = False
        self._last_line = time.monotonic()
        self._began = self._run_began = 0.0
        self._done = self._total = self._run_done = 0
        # networks differ in speed, so the time left is told by work: what the images were expected to take
        self._work = self._total_work = 0.0
        self._work_per_image = 1.0
        self._trial_text = "images"

    def __enter__(self) -> Self:
        self._reading = reading_shown()
        self._reading.__enter__()
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.__exit__(kind, error, trace)
        if self._bar is not None:
            self._bar.stop()

    def _say(self, text: str) -> None:
        self._last_line = time.monotonic()
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def _quiet_for(self) -> float:
        return time.monotonic() - self._last_line

    def study(self, text: str, num_images: int, seconds: float | None = None) -> None:
        """Say what is to be done in all; the bar then covers all of it."""
        self._say(text)
        self._in_study = True
        self._restart(num_images, num_images if seconds is None else seconds)

    def _restart(self, num_images: int, work: float) -> None:
        """Begin another bar, for these images."""
        self._done = 0
        self._work = self._began = 0.0
        self._total, self._total_work = num_images, work
        self._work_per_image = 1.0
        if self._task is not None and self._bar is not None:
            self._bar.remove_task(self._task)
            self._task = None

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None:
        """Note what is about to be trained, and what it will cost."""
        layout = ", channels-last" if spec.resolved.channels_last else ""
        num = spec.resolved.jobs * spec.resolved.together
        at_a_time = f", {num} at a time" if num > 1 else ""
        self._announcement = (
            f"{path}: training {len(missing)} of {spec.trials} trials of {spec.model}, "
            f"{spec.epochs} epochs each{at_a_time} "
            f"({spec.resolved.precision}{layout}; {spec.resolved.reason})"
        )
        if not self._in_study:
            self._announcement += f"\n{path}: {cost}"
            self._restart(cost.num_images, cost.seconds)
        self._work_per_image = cost.seconds / max(cost.num_images, 1)
        self._caching_shown = False
        self._run_began, self._run_done = 0.0, 0
        self._last_line = time.monotonic()

    def _announce(self) -> None:
        """Say what begins once there is something to wait for: an image refused at once is one line alone."""
        if self._announcement:
            self._say(self._announcement)
            self._announcement = ""

    def cached(self, split: str, done: int, total: int) -> None:
        """Move the bar of the cache of a split, or print a line now and then."""
        text = f"caching photos of {split}"
        if not self._caching_shown and self._quiet_for() < self._between_lines:
            return
        self._caching_shown = True
        self._announce()
        if self._bar is not None:
            if split not in self._caching:
                self._caching[split] = self._bar.add_task(text, total=total, completed=done)
            self._bar.update(self._caching[split], completed=done)
        elif done == total or self._quiet_for() > self._between_lines:
            self._say(f"{text}: {done:,} of {total:,}")

    def images(self, num: int) -> None:
        """Move the bar by these images, or print a line where the last one was long ago."""
        self._announce()
        if self._began == 0:
            self._began = time.monotonic()
            if self._bar is not None:
                for task in self._caching.values():
                    self._bar.remove_task(task)
                self._caching.clear()
                self._task = self._bar.add_task(self._trial_text, total=self._total_work)
        if self._run_began == 0:
            self._run_began = time.monotonic()
        self._done += num
        self._run_done += num
        self._work += num * self._work_per_image
        if self._task is not None and self._bar is not None:
            self._bar.update(self._task, completed=self._work, speed=self._speed())
        elif self._quiet_for() > self._within_epoch:
            self._say(f"{self._done:,} of {self._total:,} images, {self._speed_text()}")

    def epoch(self, report: EpochReport) -> None:
        """Name the epoch beside the bar, or print a line now and then and at the end of each trial."""
        accuracy = ", ".join(f"{k.replace('_', '-')} {v:.3f}" for k, v in report.accuracy.items())
        text = f"trial {report.trial} epoch {report.epoch}/{report.epochs}"
        if accuracy:
            text += f": accuracy {accuracy}"
        if self._task is not None and self._bar is not None:
            self._bar.update(self._task, description=text)
        elif report.epoch == report.epochs or self._quiet_for() > self._between_lines:
            self._say(f"{text}, loss {report.train_loss:.3f}, {self._speed_text()}")

    def _speed(self) -> float:
        """Images per second of this run."""
        return self._run_done / max(time.monotonic() - self._run_began, 1e-9)

    def _speed_text(self) -> str:
        text = f"{self._speed():,.0f} images/s"
        if self._done >= self._total or not self._work:
            return text
        pace = (time.monotonic() - self._began) / self._work
        return f"{text}, {duration_text(max(self._total_work - self._work, 0) * pace)} left"

    def stored(self, index: int) -> None:
        """A trial is whole on disk: nothing to say, its last epoch was shown."""

    def failed(self, index: int, reason: str) -> None:
        """Name the trial that failed."""
        self._say(f"trial {index} failed: {reason}")

    def note(self, text: str) -> None:
        """Say it."""
        self._say(text)
