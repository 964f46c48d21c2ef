"""``easiness status --watch``: a run, or the runs of a folder, as they go on."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easiness.errors import BadInput

if TYPE_CHECKING:
    from easiness.store import Run, StoredTrial

_LATEST = 20  # finished trials that the rate is taken of
_ERRORS = 3
_LONGEST = 160  # characters of an error


@dataclass(frozen=True)
class Watched:
    """A run at a moment. ``wanted`` is not known of recorded runs, ``hourly`` is in trials an hour."""

    name: str
    done: int
    wanted: int | None
    running: int
    at_work: bool
    failed: dict[int, str]
    hourly: float | None
    damaged: bool = False
    """It cannot be read, so that the rest is not known."""

    @property
    def left(self) -> int:
        """Trials that are neither finished nor given up while nobody is at work."""
        return 0 if self.wanted is None else max(self.wanted - self.done, 0)

    @property
    def over(self) -> bool:
        """Is there nothing to wait for?"""
        return not self.at_work and not self.left

    def seconds_left(self) -> float | None:
        """Until the last trial is finished, at the rate of the last ones."""
        if not self.at_work or not self.hourly or not self.left:
            return None
        return 3600 * self.left / self.hourly

    def lines(self) -> list[str]:
        """What there is to say: one line of numbers, then the last errors."""
        from easiness.show import duration_text

        if self.damaged:
            return [f"{self.name}: damaged"]
        of = "" if self.wanted is None else f" of {self.wanted:,}"
        parts = [f"{self.done:,}{of} done", f"{self.running:,} running"]
        parts += [f"{len(self.failed):,} failed", f"{self.left:,} left"]
        if self.hourly is not None:
            parts.append(f"{_rate_text(self.hourly)} trials an hour")
        seconds = self.seconds_left()
        if seconds is not None:
            clock = time.strftime("%a %H:%M", time.localtime(time.time() + seconds))
            parts.append(f"about {duration_text(seconds)} left, until {clock}")
        if self.over:
            parts.append("finished")
        elif not self.at_work:
            parts.append("no process is at work")
        last = list(self.failed.items())[-_ERRORS:]
        return [
            f"{self.name}: {', '.join(parts)}",
            *(f"  trial {i} failed: {' '.join(why.split())[:_LONGEST]}" for i, why in last),
        ]


def _rate_text(hourly: float) -> str:
    return f"{hourly:,.0f}" if hourly >= 10 else f"{hourly:.1f}"


def rate(events: list[dict[str, Any]], now: datetime | None) -> float | None:
    """Trials an hour over the last ones finished since the run was last started; ``None`` before two.

    The time since the last one counts where it is longer than usual, so that a run that hangs slows down;
    not where ``now`` is ``None``, as of a run that nobody is at work on.
    """
    times: list[datetime] = []
    for event in events:
        if event["kind"] == "run_started":
            times = []
        elif event["kind"] == "trial_finished":
            times.append(datetime.fromisoformat(event["time"]))
    times = times[-_LATEST:]
    if len(times) < 2:
        return None
    gaps = [max((late - early).total_seconds(), 0.0) for early, late in itertools.pairwise(times)]
    since = 0.0 if now is None else (now - times[-1]).total_seconds()
    if since > 2 * max(statistics.fmean(gaps), max(gaps)):
        gaps.append(since)
    return 3600 * len(gaps) / max(sum(gaps), 1e-3)


@dataclass
class Look:
    """Looks at one run again and again; what has not changed is not read again."""

    path: Path
    name: str
    _trials: list[StoredTrial] = field(default_factory=list)

    def now(self) -> Watched:
        """The run as it is."""
        from easiness.store import Run, at_work, is_run, last_events

        working = at_work(self.path)
        if not is_run(self.path):
            return Watched(self.name, 0, None, 0, working is not None, {}, None)
        try:
            run: Run = Run(self.path, self._trials)
        except BadInput:
            return Watched(self.name, 0, None, 0, working is not None, {}, None, damaged=True)
        self._trials = run.trials
        measured = run.spec.measured
        long_enough = 0 if measured is None else measured.epochs
        done = {trial.index for trial in run.trials if trial.epochs >= long_enough}
        running = () if working is None else [index for index in working.trials if index not in done]
        return Watched(
            name=self.name,
            done=len(done),
            wanted=None if measured is None else measured.trials,
            running=len(running),
            at_work=working is not None,
            failed=run.failures(),
            hourly=rate(last_events(self.path), None if working is None else datetime.now(UTC)),
        )


def watch(folder: Path, runs: Callable[[], list[Path]], every: float) -> None:
    """Show the runs every so many seconds until they are finished, or nobody is at work on what is left.

    Two looks have to find nobody, since a study has a moment between its runs. On a terminal all is shown in
    place, elsewhere a line a run whenever it has changed.
    """
    looks: dict[Path, Look] = {}
    idle = 0
    with _shown() as show:
        while True:
            seen = [
                looks.setdefault(
                    path, Look(path, str(path if path == folder else path.relative_to(folder)))
                ).now()
                for path in runs()
            ]
            show(seen)
            idle = 0 if any(one.at_work for one in seen) else idle + 1
            if idle == 2 or (idle and [one.over for one in seen] == [True]):
                return
            time.sleep(every)


@contextmanager
def _shown() -> Iterator[Callable[[list[Watched]], None]]:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        said: dict[str, list[str]] = {}

        def say(seen: list[Watched]) -> None:
            for one in seen:
                lines = one.lines()
                if said.get(one.name) != lines:
                    said[one.name] = lines
                    print("\n".join(lines), flush=True)

        yield say
        return
    with Live(console=console, auto_refresh=False) as live:
        # as text: names and errors are no markup
        yield lambda seen: live.update(Text("\n".join(_page(seen))), refresh=True)


def _page(seen: list[Watched]) -> list[str]:
    lines = [line for one in seen for line in one.lines()]
    if len(seen) > 1:
        wanted = sum(one.wanted or one.done for one in seen)
        lines.append(f"all {len(seen)} runs: {sum(one.done for one in seen):,} of {wanted:,} done")
    return lines
