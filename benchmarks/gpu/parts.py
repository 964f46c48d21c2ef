"""The parts of a call of limited time: one that fails, or for which no time is left, costs no other."""

from __future__ import annotations

import copy
import gc
import time

import torch

from kit.results import Goal


class LeftOut(Exception):
    """A part cannot be measured here, and says why; that is no failure."""


def first_line(error):
    """Type and first line of what went wrong."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


class Parts:
    """Runs parts one by one and writes the report after each, so that a call that is stopped leaves it.

    ``goals`` maps a key to what is measured and how much of it is wanted; each of them is in the report,
    measured or with the reason why not. ``right`` turns false where anything failed.
    """

    def __init__(self, report, path, budget, goals):
        self.report, self.path, self.budget, self.goals = report, path, budget, goals
        self.right = True
        self.reasons = {}
        self.began = time.perf_counter()

    def left(self):
        """Seconds that are left."""
        return self.budget - (time.perf_counter() - self.began)

    def run(self, name, work, seconds=0, goals=()):
        """What ``work()`` gives, or ``None``; not begun where fewer than ``seconds`` are left."""
        result = reason = None
        try:
            if self.left() < seconds:
                raise LeftOut(f"it may take {seconds:.0f} s, and {self.left():.0f} s were left")
            gc.collect()
            torch.cuda.empty_cache()  # of the parts before
            result = work()
        except LeftOut as why:
            reason = str(why)
            self.report.say(f"{name}: left out, {reason}", "")
        except Exception as error:  # whatever it is, the other parts are still of use
            reason = first_line(error)
            self.right = False
            self.report.say(f"{name}: FAILED, {reason}", "")
        if reason is not None:
            for key in goals:
                self.reasons.setdefault(key, reason)
        self.write()
        return result

    def goal(self, key, measured, met):
        """A goal that was measured."""
        self.report.goal(key, *self.goals[key], measured, met)

    def _missing(self, reason):
        there = {goal.key for goal in self.report.goals}
        return {key: self.reasons.get(key, reason) for key in self.goals if key not in there}

    def write(self):
        """As if the call were stopped here."""
        so_far = copy.copy(self.report)
        so_far.goals = [
            *self.report.goals,
            *(
                Goal(key, *self.goals[key], reason, None)
                for key, reason in self._missing("stopped before").items()
            ),
        ]
        so_far.write(self.path)

    def end(self, reason="not measured"):
        """The whole report; ``reason`` is why goals were not measured whose part was not begun."""
        for key, why in self._missing(reason).items():
            self.goal(key, why, None)
        self.report.write(self.path)
