"""What trials really take, learned while they train, so that they foretell how long the next run takes."""

from __future__ import annotations

import statistics

from easiness.runs.auto.looks import Looks
from easiness.runs.work import Work
from easiness.spec import Resolved
from easiness.training import EpochReport


class Pace:
    """Seconds of trials that have trained from the first epoch to the last."""

    def __init__(self, epochs: int, together: int) -> None:
        """``together`` trials share each epoch's seconds."""
        self._epochs = epochs
        self._together = together
        self._reports: dict[int, list[float]] = {}

    def note(self, report: EpochReport) -> None:
        """A trial has finished an epoch."""
        self._reports.setdefault(report.trial, []).append(report.seconds / self._together)

    def learn(self, work: Work, settings: Resolved) -> None:
        """Keep how fast it was in the user's cache, as what was known times how much longer trials took."""
        whole = [sum(seconds) for seconds in self._reports.values() if len(seconds) == self._epochs]
        looks = Looks(work.workload)
        speed = looks.speed(settings)
        if whole and speed is not None:
            looks.learn(settings, speed.times(statistics.median(whole) / work.seconds(speed)))
            looks.save()
