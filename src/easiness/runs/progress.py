"""What is told while runs are carried out, for whoever shows it."""

from __future__ import annotations

from pathlib import Path

from easiness.runs.cost import Cost
from easiness.spec import RunSpec
from easiness.training import EpochReport


class Progress:
    """What a front end may show while runs go on; this one shows nothing."""

    def study(self, text: str, num_images: int, seconds: float | None = None) -> None:
        """What is to be done, as ``text`` says: ``num_images`` are to be seen, in about ``seconds``."""

    def begin(self, spec: RunSpec, missing: list[int], path: Path, cost: Cost) -> None:
        """Trials ``missing`` of the run are about to be trained."""

    def cached(self, split: str, done: int, total: int) -> None:
        """``done`` of the photos of a split are in the file that is being built."""

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
