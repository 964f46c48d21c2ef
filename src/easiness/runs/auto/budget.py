"""How long choosing how to run may take: a share of what the run takes, and each look draws on it."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.05
LEAST, MOST = 1.0, 10.0
"""Seconds."""

_LONGEST_LOOK = 0.5


class Budget:
    """Seconds left for choosing, counted from when this was made."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter, most: float = MOST) -> None:
        """``allowed`` seconds are left to begin with; `meet` may allow more, never more than ``most``."""
        self._clock = clock
        self._began = clock()
        self._most = most
        self.allowed = min(LEAST, most)

    def meet(self, run_seconds: float) -> None:
        """Allow what is right for a run that takes so long."""
        self.allowed = min(self._most, max(LEAST, SHARE * run_seconds))

    @property
    def is_none(self) -> bool:
        """Is nothing to be chosen, but only said what is known?"""
        return self._most == 0

    @property
    def left(self) -> float:
        """Seconds; below zero where it was overdrawn."""
        return self.allowed - (self._clock() - self._began)

    def affords(self, seconds: float) -> bool:
        """Are so many seconds left?"""
        return seconds <= self.left

    @property
    def look(self) -> float:
        """Seconds for a look at one way to train."""
        return min(_LONGEST_LOOK, self.allowed / 10)
