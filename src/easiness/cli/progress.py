"""Progress on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from easiness.spec import RunSpec
from easiness.training import EpochReport

_SECONDS_BETWEEN_LINES = 2.0


class ShownProgress:
    """Shows a run of `measure` as it goes on."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = (
            Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("epochs"),
                TimeRemainingColumn(),
                console=console,
            )
            if console.is_terminal
            else None
        )
        self._last_line = 0.0
        self._spec: RunSpec | None = None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def begin(self, spec: RunSpec, missing: list[int], path: Path) -> None:
        """Say what is about to be trained."""
        self._spec = spec
        layout = ", channels-last" if spec.resolved.channels_last else ""
        self._say(
            f"{path}: training {len(missing)} of {spec.trials} trials of {spec.model}, "
            f"{spec.epochs} epochs each ({spec.resolved.precision}{layout}; {spec.resolved.reason})"
        )
        if self._bar is not None:
            self._task = self._bar.add_task("starting", total=len(missing) * spec.epochs)

    def epoch(self, report: EpochReport) -> None:
        """Move the bar, or print a line now and then and at the end of each trial."""
        accuracy = ", ".join(f"{k.replace('_', '-')} {v:.3f}" for k, v in report.accuracy.items())
        text = f"trial {report.trial} epoch {report.epoch}/{report.epochs}: accuracy {accuracy}"
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=text)
        elif report.epoch == report.epochs or time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._say(f"{text}, loss {report.train_loss:.3f}, {report.seconds:.1f} s")

    def stored(self, index: int) -> None:
        """A trial is whole on disk: nothing to say, its last epoch was shown."""

    def failed(self, index: int, reason: str) -> None:
        """Name the trial that failed."""
        self._say(f"trial {index} failed: {reason}")
