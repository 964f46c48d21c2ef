"""What to do next with a run: the one command that fits what was found."""

from __future__ import annotations

from dataclasses import dataclass

from easiness import features, models
from easiness.errors import BadInput
from easiness.report.facts import longer_command
from easiness.show import count, percent
from easiness.spec import command_line
from easiness.store import Run
from easiness.studies.suspects import Glance, features_command, glance

_TRIALS = 5  # tell which labels look wrong


@dataclass(frozen=True)
class NextStep:
    """A ``command`` to be copied, and ``why`` it is the next one."""

    why: str
    command: str


def next_step(run: Run) -> NextStep:
    """The next step with a run that was observed: measure more, look at labels, or at the page.

    The labels are looked at no longer than a moment, see `glance`, and no network is asked.
    """
    try:
        seen = glance(run)
    except BadInput:  # one trial, one class, or a damaged file
        seen = None
    why = _why(run, seen)
    more = measure_more(run, seen)
    if more is not None:
        return NextStep(why, more)
    if seen is not None and not seen.knows_too_little and (seen.num_wrong or seen.num_unsaid):
        return NextStep(why, command_line("suspects", run.path, *_trust(run)))
    return NextStep(why, command_line("report", run.path, "-o", "report.html"))


def _why(run: Run, seen: Glance | None) -> str:
    if len(run.trials) < 2:
        return "one trial tells only right from wrong; several tell which labels look wrong"
    if seen is None:
        return "labels: cannot be judged"
    judge = "head" if run.shares else "network"
    if seen.leak:
        return "labels: cannot be judged, since an input tells them"
    if seen.knows_too_little:
        return f"labels: the {judge}s have {percent(seen.known)} right, which is too little to judge them"
    if seen.num_wrong:
        looks = "looks" if seen.num_wrong == 1 else "look"
        return f"labels: about {count(seen.num_wrong)} of {count(seen.num)} {looks} wrong"
    if seen.num_unsaid:
        return f"labels: no {judge} agrees with about {count(seen.num_unsaid)} of {count(seen.num)}"
    return f"labels: none of {count(seen.num)} looks wrong at a glance"


def measure_more(run: Run, seen: Glance | None) -> str | None:
    """The command that measures what is missing to judge labels; ``None`` where nothing is, or none does.

    Args:
        run: with one trial or more.
        seen: how many labels look wrong and are known, where that can be told.
    """
    spec = run.spec.measured
    if spec is None or spec.data.source is None:
        return None
    if len(run.trials) < 2:
        return longer_command(run, trials=_TRIALS)
    if seen is None or not seen.knows_too_little or run.shares:
        return None
    return features_command(run) or longer_command(run, epochs=2 * run.epochs)


def _trust(run: Run) -> list[str]:
    """The option that a command takes where code of somebody's own is behind the run."""
    heads = run.spec.heads
    if heads is None:
        return ["--trust"] if models.module_of(run.model) else []
    return ["--trust"] if any(features.code_behind(one.name) for one in heads.features) else []
