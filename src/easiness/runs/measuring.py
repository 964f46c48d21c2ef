"""``measure``: plan the trials of a run and carry them out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from easiness import spec
from easiness.analysis import FIRST_CHECK, check_text, check_trials, reason_to_stop, stopping_rule
from easiness.errors import BadInput, RunFailed
from easiness.executors import check_execution
from easiness.runs.carrying_out import carry_out
from easiness.runs.leak import leak_of
from easiness.runs.plan import Plan, on_features, plan_of, with_recipe
from easiness.runs.progress import Progress, TrackedProgress, trackers_of
from easiness.store import Run, RunWriter, check_output

_RELIABILITY, _MAX_TRIALS = 0.8, 100
_SECONDS_TO_WAIT = 10.0  # for another process that has the run in hand: it may be writing the same


def trials_asked(
    options: spec.Trials, epochs: int, tell: Callable[[str], None], *, on_features: bool = False
) -> tuple[int, UntilReliable | None]:
    trials: int | str = options.trials
    if trials == "auto" and on_features:
        raise BadInput(
            "trials auto: is for trainings, which take long; with features give a number, such as 20"
        )
    if trials == "auto":
        rule = stopping_rule(
            _RELIABILITY if options.reliability is None else options.reliability,
            _MAX_TRIALS if options.max_trials is None else options.max_trials,
        )
        return FIRST_CHECK, UntilReliable(rule, epochs, tell)
    for name, value in (("reliability", options.reliability), ("max trials", options.max_trials)):
        if value is not None:
            raise BadInput(f"{name} {value}: needs trials auto, but {trials} trials are asked")
    try:
        return int(trials) if isinstance(trials, str) else trials, None
    except ValueError:
        raise BadInput(f"trials {trials!r}: must be a whole number, or auto") from None


@dataclass
class UntilReliable:
    """Says how many trials a run needs next, from the trials that it has.

    A check at n trials looks at trials 0 to n - 1 alone, after the last epoch observed in all of them, and
    names the number to check next. So the answer is the same whether a run was interrupted or not, and
    whatever else it has.
    """

    rule: spec.StoppingRule
    epochs: int  # of a trial that counts, at least
    tell: Callable[[str], None]  # called with a line about each check
    _checks: tuple[spec.Check, ...] = ()
    _conclusion: spec.Stop | None = None

    def __call__(self, run: Run) -> int | None:
        """Number of trials the run is to have, or None where it has enough or may have no more."""
        self._conclusion = self._earlier_answer(run)
        if self._conclusion is not None:
            return None
        checks_before, self._checks = self._checks, ()
        num: int | None = FIRST_CHECK
        while num is not None:
            part = run.first(num)
            if not self._has(part, num):
                return num
            same = (check for check in checks_before if check.trials == num and _still_holds(check, part))
            self._checks += (next(same, None) or self._check(part),)
            self._conclusion = reason_to_stop(self.rule, self._checks)
            if self._conclusion is not None:
                break
            num = self._checks[-1].next
        return None

    def conclude(self, run: Run) -> Run:
        """Write into the run why it has no more trials, once it has been asked for the last time."""
        assert self._conclusion is not None
        if run.document.stopped == self._conclusion:
            return run
        with RunWriter(run.path, wait=_SECONDS_TO_WAIT) as writer:
            writer.conclude(self._conclusion)
            writer.events.write("stopped_early", trials=len(run.trials), reason=self._conclusion.sentence)
            return writer.read()

    def _has(self, part: Run, num: int) -> bool:
        return sum(trial.epochs >= self.epochs for trial in part.trials) == num

    def _earlier_answer(self, run: Run) -> spec.Stop | None:
        """Answer that the run has itself, if it was asked the same of the same trials at the same length."""
        there = run.document.stopped
        if there is None or there.rule != self.rule:
            return None
        parts = [(check, run.first(check.trials)) for check in there.checks]
        same = all(self._has(part, check.trials) and _still_holds(check, part) for check, part in parts)
        return there if same else None

    def _check(self, part: Run) -> spec.Check:
        try:
            check = check_trials(part.votes(), self.rule)
        except BadInput as error:
            raise RunFailed(
                f"{part.path}: how reliable its {len(part.trials)} trials are cannot be told ({error})"
            ) from error
        following = "" if check.next is None else f"; {check.next} trials next"
        self.tell(f"{check_text(check)}, {self.rule.reliability:g} asked{following}")
        return check


def _still_holds(check: spec.Check, part: Run) -> bool:
    return part.observed[-1:] == (check.epoch,)


def plan_measuring(options: spec.Measuring, tell: Progress) -> tuple[Plan, UntilReliable | None]:
    training = with_recipe(options.training, options.out)
    num_trials, until = trials_asked(
        options.trials, training.epochs, tell.note, on_features=on_features(options.featuring, training)
    )
    plan = plan_of(
        options.data,
        training,
        num_trials,
        featuring=options.featuring,
        loading=options.loading,
        recording=options.recording,
        device=options.execution.device,
    )
    if plan.request.data.num_unreadable:
        data = plan.request.data
        tell.note(f"{data.examples_text} left out, since they cannot be read: {data.unreadable_text()}")
    for note in plan.data.remarks:
        tell.note(f"note: {note}")
    return plan, until


def measure(options: spec.Measuring, progress: Progress) -> Run:
    """Train the trials of a run that are missing, and record every example after each epoch.

    The run only grows: what it has is read. More trials train the new ones alone; more epochs train every
    trial again at the new length, and each old one is kept until its replacement is whole.
    """
    check_output(options.out)
    check_execution(options.execution)
    with closing(TrackedProgress(progress, trackers_of(options.track))) as tell:
        plan, until = plan_measuring(options, tell)
        run = carry_out(
            plan,
            options.out,
            options.execution,
            retrain_damaged=options.retrain_damaged,
            progress=tell,
            more=until,
        )
        run = run if until is None else until.conclude(run)
        if leak := leak_of(run, plan.data):
            tell.note(f"note: {leak}")
        tell.end(run)
        return run
