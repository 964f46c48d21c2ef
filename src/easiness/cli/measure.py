"""``easiness measure``: train, observe, record."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from easiness import pages, runs, show, spec, store
from easiness.engine import Verb, say, say_text
from easiness.spec import Measuring
from easiness.studies import matching, suspects

if TYPE_CHECKING:
    from easiness.runs import Progress


def measure(asked: Measuring, progress: Progress) -> store.Run:
    return runs.measure(asked, progress)


def _carry(asked: Measuring) -> None:
    store.check_output(asked.out)
    if asked.dry_run:
        say_text(_foreseen(asked))
        return
    with runs.ShownProgress() as progress:
        run = runs.measure(asked, progress)
    few = suspects.too_few(run.labels, run.classes)
    if few:
        say(f"note: {few}")
    say_text(summarize(run))
    if run.observed:
        step = pages.next_step(run)
        say(step.why)
        say(f"next: {step.command}")


def _foreseen(asked: Measuring) -> str:
    from easiness.cli.plan_text import describe  # which loads torch
    from easiness.training import resolve_device

    progress = runs.ShownProgress()
    with runs.reading_shown():
        plan, until = runs.plan_measuring(asked, progress)
    seen = runs.foresee(plan, asked.out, asked.execution, retrain_damaged=asked.retrain_damaged, more=until)
    if seen.task.missing:
        with runs.reading_shown():
            unseen = runs.check_readable(plan.data)
        if unseen:
            progress.note(f"note: {unseen}")
    device = resolve_device(asked.execution.device)
    return describe(plan, asked.out, device, seen, None if until is None else until.rule)


MEASURE = Verb(
    "measure",
    "Measure",
    "Train a network several times and record what it gets right.",
    Measuring,
    measure,
    _carry,
    about=(
        "Examples are observed after every epoch. The same command again goes on, or only reads; more trials "
        "or epochs train what is missing. On a CPU a run that was interrupted ends in the bits of one that "
        "was not."
    ),
    trains=True,
)


def summarize(run: store.Run) -> str:
    """A few lines about a finished run: accuracy, and how far easiness is resolved at the last epoch.

    Both are left out where its trials were observed after no common epoch: it is being made longer.
    """
    from easiness.cli import status

    num = len(run.trials)
    size = f"{show.counted(num, 'trial')} of {run.length}"
    head = f"{run.path}: {run.network}, {size} over {len(run.ids)} examples"
    if not run.observed:
        longest = max(trial.epochs for trial in run.trials)
        return (
            f"{head}\neasiness: unknown, since trials have up to {longest} epochs and were observed after no "
            f"common one; --epochs {longest} makes them equal"
        )
    epoch = run.resolve_at(None)
    if num > status.MOST_READ:
        return f"{head}\n{_accuracy(run, epoch)}"
    correct = run.votes(epoch).correct
    right, num = correct.sum(axis=0), len(correct)
    stopped = run.document.stopped
    enough = "" if stopped is None else f"\nreliability: {stopped.sentence}"
    ahead = "".join(f"\n{line}" for line in matching.outlook_lines(run))
    judges = f"all of {show.counted(num, 'head')} that did not see them" if run.shares else "every trial"
    heads = run.spec.heads
    about = "" if heads is None else "".join(f"\nfeatures: {one}" for one in pages.about_features(heads))
    about = about and f"{about}\n{pages.FOR_FEATURES}"
    if run.shares:
        from easiness.studies.learning import learning_curve  # which loads SciPy

        ahead = f"\n{learning_curve(run).text}{ahead}"
    augmented = f"\nobservations: {spec.observe_text(run.spec.observe)}" if run.augmented else ""
    return f"""\
{head}
{_accuracy(run, epoch)}
easiness {run.at(epoch)}: {(right == num).mean():.1%} of the examples right in {judges}, \
{(right == 0).mean():.1%} in none{augmented}{enough}{ahead}{about}"""


def _accuracy(run: store.Run, epoch: int) -> str:
    accuracy = []
    for name in run.trials[0].accuracy():
        values = [trial.accuracy(epoch)[name] for trial in run.trials]
        deviation = statistics.stdev(values) if len(values) > 1 else None
        accuracy.append(f"{name.replace('_', '-')} {show.plus_minus(statistics.fmean(values), deviation)}")
    return (
        f"accuracy {run.at(epoch)} (mean ± standard deviation over trials): {', '.join(accuracy)}; "
        f"chance {1 / len(run.classes):.3f}"
    )
