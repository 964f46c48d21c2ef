"""``measure``: plan the trials of a run and carry them out."""

from __future__ import annotations

from collections.abc import Callable

from easiness.analysis import FIRST_CHECK, check_text, check_trials, reason_to_stop, stopping_rule
from easiness.errors import BadInput, RunFailed
from easiness.executors import check_execution
from easiness.runs.carrying_out import carry_out
from easiness.runs.heads_plan import on_features, plan_of
from easiness.runs.leak import leak_of
from easiness.runs.plan import Plan, with_recipe
from easiness.runs.progress import Progress, tracked, trackers_of
from easiness.spec import (
    Check,
    Measuring,
    Stop,
    StoppingRule,
    Trials,
)
from easiness.store import Run, RunWriter, check_output

_RELIABILITY, _MAX_TRIALS = 0.8, 100
_SECONDS_TO_WAIT = 10.0  # for another process that has the run in hand: it may be writing the same


def trials_asked(
    asked: Trials, epochs: int, tell: Callable[[str], None], *, on_features: bool = False
) -> tuple[int, UntilReliable | None]:
    """The number of trials to begin with, and for ``auto`` the object that says how many more."""
    trials: int | str = asked.trials
    if trials == "auto" and on_features:
        raise BadInput(
            "trials auto: is for trainings, which take long; with features give a number, such as 20"
        )
    if trials == "auto":
        rule = stopping_rule(
            _RELIABILITY if asked.reliability is None else asked.reliability,
            _MAX_TRIALS if asked.max_trials is None else asked.max_trials,
        )
        return FIRST_CHECK, UntilReliable(rule, epochs, tell)
    for name, value in (("reliability", asked.reliability), ("max trials", asked.max_trials)):
        if value is not None:
            raise BadInput(f"{name} {value}: needs trials auto, but {trials} trials are asked")
    try:
        return int(trials) if isinstance(trials, str) else trials, None
    except ValueError:
        raise BadInput(f"trials {trials!r}: must be a whole number, or auto") from None


class UntilReliable:
    """Says how many trials a run needs next, from the trials that it has.

    A check at n trials looks at trials 0 to n - 1 alone, after the last epoch observed in all of them, and
    names the number to check next. So the answer is the same whether a run was interrupted or not, and
    whatever else it has.
    """

    def __init__(self, rule: StoppingRule, epochs: int, tell: Callable[[str], None]) -> None:
        """A trial counts from ``epochs`` epochs on; ``tell`` is called with a line about each check."""
        self.rule = rule
        self._epochs = epochs
        self._tell = tell
        self._checks: tuple[Check, ...] = ()
        self._stopped: Stop | None = None

    def __call__(self, run: Run) -> int | None:
        """Number of trials the run is to have, or None where it has enough or may have no more."""
        self._stopped = self._known(run)
        if self._stopped is not None:
            return None
        known, self._checks = self._checks, ()
        num: int | None = FIRST_CHECK
        while num is not None:
            part = run.first(num)
            if not self._has(part, num):
                return num
            same = (check for check in known if check.trials == num and _still_holds(check, part))
            self._checks += (next(same, None) or self._check(part),)
            self._stopped = reason_to_stop(self.rule, self._checks)
            if self._stopped is not None:
                break
            num = self._checks[-1].next
        return None

    def conclude(self, run: Run) -> Run:
        """Write into the run why it has no more trials, once it has been asked for the last time."""
        assert self._stopped is not None
        if run.document.stopped == self._stopped:
            return run
        with RunWriter(run.path, wait=_SECONDS_TO_WAIT) as writer:
            writer.conclude(self._stopped)
            writer.events.write("stopped_early", trials=len(run.trials), reason=self._stopped.sentence)
            return writer.read(run.trials)

    def _has(self, part: Run, num: int) -> bool:
        return sum(trial.epochs >= self._epochs for trial in part.trials) == num

    def _known(self, run: Run) -> Stop | None:
        """Answer that the run has itself, if it was asked the same of the same trials at the same length."""
        there = run.document.stopped
        if there is None or there.rule != self.rule:
            return None
        parts = [(check, run.first(check.trials)) for check in there.checks]
        same = all(self._has(part, check.trials) and _still_holds(check, part) for check, part in parts)
        return there if same else None

    def _check(self, part: Run) -> Check:
        try:
            check = check_trials(part.votes(), self.rule)
        except BadInput as error:
            raise RunFailed(
                f"{part.path}: how reliable its {len(part.trials)} trials are cannot be told ({error})"
            ) from error
        following = "" if check.next is None else f"; {check.next} trials next"
        self._tell(f"{check_text(check)}, {self.rule.reliability:g} asked{following}")
        return check


def _still_holds(check: Check, part: Run) -> bool:
    """Is the epoch of the check still the one that these trials are judged after?"""
    return part.observed[-1:] == (check.epoch,)


def planned(asked: Measuring, tell: Progress) -> tuple[Plan, UntilReliable | None]:
    """The plan of a run, and for trials ``auto`` the object that says how many more."""
    training = with_recipe(asked.training, asked.out)
    num_trials, until = trials_asked(
        asked.trials, training.epochs, tell.note, on_features=on_features(asked.featuring, training)
    )
    plan = plan_of(
        asked.data,
        training,
        num_trials,
        featuring=asked.featuring,
        loading=asked.loading,
        recording=asked.recording,
        device=asked.execution.device,
    )
    if plan.asked.data.num_unreadable:
        data = plan.asked.data
        tell.note(f"{data.examples_text} left out, since they cannot be read: {data.unreadable_text()}")
    for note in plan.data.remarks:
        tell.note(f"note: {note}")
    return plan, until


def measure(asked: Measuring, progress: Progress) -> Run:
    """Train the trials of a run that are missing, and record every example after each epoch.

    The run only grows: what it has is read. More trials train the new ones alone; more epochs train every
    trial again at the new length, and each old one is kept until its replacement is whole.
    """
    check_output(asked.out)
    check_execution(asked.execution)
    with tracked(progress, trackers_of(asked.track)) as tell:
        plan, until = planned(asked, tell)
        run = carry_out(
            plan,
            asked.out,
            asked.execution,
            retrain_damaged=asked.retrain_damaged,
            progress=tell,
            more=until,
        )
        run = run if until is None else until.conclude(run)
        if leak := leak_of(run, plan.data):
            tell.note(f"note: {leak}")
        tell.end(run)
        return run
