"""``easiness measure``: train, observe, record."""

from __future__ import annotations

from easiness import pages, runs, show, spec, store, training
from easiness.engine import Verb, heading, say, say_text
from easiness.spec import Measuring
from easiness.studies import matching, suspects


def measure(options: Measuring, progress: runs.Progress) -> store.Run:
    return runs.measure(options, progress)


def _carry(options: Measuring) -> None:
    store.check_output(options.out)
    if options.dry_run:
        say_text(_forecast(options))
        return
    with runs.ShownProgress() as progress:
        run = runs.measure(options, progress)
    few = suspects.too_few(run)
    if few:
        say(f"note: {few}")
    say_text(summarize(run))
    if run.observed:
        why, command = pages.next_step(run)
        say(why)
        say(f"next: {command}")


def _forecast(options: Measuring) -> str:
    from easiness.cli.plan_text import describe  # which loads torch

    progress = runs.ShownProgress()
    with runs.reading_shown():
        plan, until = runs.plan_measuring(options, progress)
    outlook = runs.foresee(
        plan, options.out, options.execution, retrain_damaged=options.retrain_damaged, more=until
    )
    if outlook.task.missing:
        with runs.reading_shown():
            unseen = runs.check_readable(plan.data)
        if unseen:
            progress.note(f"note: {unseen}")
    device = training.resolve_device(options.execution.device)
    return describe(plan, options.out, device, outlook, None if until is None else until.rule)


MEASURE = Verb(
    *heading("measure"),
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
    size = f"{show.quantity(num, 'trial')} of {run.length}"
    of_tags = "" if run.tags is None else f" of {run.spec.data.classes_text}"
    nouns = "questions" if of_tags else "examples"
    head = f"{run.path}: {run.network}, {size} over {run.spec.data.train.num_examples} examples{of_tags}"
    if not run.observed:
        return f"{head}\neasiness: unknown, since the trials were observed after no common epoch"
    epoch = run.resolve_at(None)
    if num > status.MOST_READ:
        return f"{head}\n{_accuracy(run, epoch)}"
    correct = run.votes(epoch).correct
    right, num = correct.sum(axis=0), len(correct)
    conclusion = run.document.stopped
    enough = "" if conclusion is None else f"\nreliability: {conclusion.sentence}"
    ahead = "".join(f"\n{line}" for line in matching.outlook_lines(run))
    judges = f"all of {show.quantity(num, 'head')} that did not see them" if run.shares else "every trial"
    heads = run.spec.heads
    about = "" if heads is None else "".join(f"\nfeatures: {one}" for one in pages.about_features(heads))
    about = about and f"{about}\n{pages.FOR_FEATURES}"
    if run.shares and run.tags is None:
        from easiness.studies.learning import learning_curve  # which loads SciPy

        ahead = f"\n{learning_curve(run).text}{ahead}"
    augmented = f"\nobservations: {spec.observe_text(run.spec.observe)}" if run.augmented else ""
    return f"""\
{head}
{_accuracy(run, epoch)}
easiness {run.at(epoch)}: {(right == num).mean():.1%} of the {nouns} right in {judges}, \
{(right == 0).mean():.1%} in none{augmented}{enough}{ahead}{about}"""


def _accuracy(run: store.Run, epoch: int) -> str:
    from easiness.studies.scores import accuracy_by_split  # which loads all scores: the help needs none

    accuracy = pages.accuracy_texts(accuracy_by_split(run), epoch)
    parts = ", ".join(f"{split} {text}" for split, text in accuracy.items())
    over = f"accuracy {run.at(epoch)} (mean ± standard deviation over trials)"
    return f"{over}: {parts}; chance {run.chance:.3f}"
