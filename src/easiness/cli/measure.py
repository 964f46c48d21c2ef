"""``easiness measure``: train, observe, record."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Annotated

import typer

from easiness import executors, pages, runs, show, spec, store
from easiness.cli import status
from easiness.cli.kit import said
from easiness.cli.kit.spread import spread
from easiness.spec import Execution, Featuring, Loading, Recording, Training, Trials
from easiness.studies import learning, matching, suspects


@spread
def measure(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder with a folder of pictures, recordings or .txt files for each class "
            "(train/val/test may be above them); a CSV of path,label[,split]; a CSV or Parquet file "
            "of texts or numbers, or a folder of train*/test* ones; a Parquet file of pictures; an "
            ".npz with x and y; hf:NAME; digits; mini-imagenet:PATH; or a torchvision name with "
            "--data-root."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the run. A run that is there goes on.")],
    training: Training,
    featuring: Featuring,
    trials: Trials,
    loading: Loading,
    recording: Recording,
    execution: Execution,
    retrain_damaged: Annotated[
        bool,
        typer.Option(
            "--retrain-damaged",
            help="Train trials again whose files are damaged.",
            rich_help_panel="Recording",
        ),
    ] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            help="Also log to an experiment tracker; may be given several times.",
            metavar="tensorboard:FOLDER|mlflow[:URI]|wandb[:PROJECT]",
            rich_help_panel="Recording",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and train nothing.")] = False,
) -> None:
    """Train a network several times and record what it gets right.

    Examples are observed after every epoch. The same command again goes on, or only reads; more trials
    or epochs train what is missing.
    """
    from easiness.cli.kit.plan_text import describe  # which loads torch
    from easiness.training import resolve_device

    store.check_output(out)
    trackers = runs.trackers_of(track)
    progress = runs.ShownProgress()
    num_trials, until = runs.trials_asked(
        trials, training.epochs, progress.note, on_features=runs.on_features(featuring, training)
    )
    executors.check_execution(execution)
    device = resolve_device(execution.device)
    training = runs.with_recipe(training, out)
    with runs.reading_shown():
        plan = runs.plan_of(
            source,
            training,
            num_trials,
            featuring=featuring,
            loading=loading,
            recording=recording,
            device=execution.device,
        )
    runs.tell_of_data(plan, progress)
    if dry_run:
        seen = runs.foresee(plan, out, execution, retrain_damaged=retrain_damaged, more=until)
        if seen.task.missing:
            with runs.reading_shown():
                unseen = runs.check_readable(plan.data)
            if unseen:
                progress.note(f"note: {unseen}")
        rule = None if until is None else until.rule
        said.say_text(describe(plan, out, device, seen, rule))
        return
    with progress, runs.tracked(progress, trackers) as both:
        run = runs.carry_out(plan, out, execution, retrain_damaged=retrain_damaged, progress=both, more=until)
        if until is not None:
            run = until.conclude(run)
        leak = runs.leak_of(run, plan.data)
        both.end(run)
    for note in filter(None, (leak, suspects.too_few(run.labels, run.classes))):
        said.say(f"note: {note}")
    said.say_text(summarize(run))
    if run.observed:
        step = pages.next_step(run)
        said.say(step.why)
        said.say(f"next: {step.command}")


def summarize(run: store.Run) -> str:
    """A few lines about a finished run: accuracy, and how far easiness is resolved at the last epoch.

    Both are left out where its trials were observed after no common epoch: it is being made longer.
    """
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
    heads = run.spec.heads
    about = "" if heads is None else "".join(f"\nfeatures: {one}" for one in pages.about_features(heads))
    about = about and f"{about}\n{pages.FOR_FEATURES}"
    if run.shares:
        ahead = f"\n{learning.learning_curve(run).text}{ahead}"
    augmented = f"\nobservations: {spec.observe_text(run.spec.observe)}" if run.augmented else ""
    return f"""\
{head}
{_accuracy(run, epoch)}
easiness {run.at(epoch)}: {(right == num).mean():.1%} of the examples right in {_judges(run, num)}, \
{(right == 0).mean():.1%} in none{augmented}{enough}{ahead}{about}"""


def _judges(run: store.Run, num: int) -> str:
    return f"all of {show.counted(num, 'head')} that did not see them" if run.shares else "every trial"


def _accuracy(run: store.Run, epoch: int) -> str:
    accuracy = []
    for name in run.trials[0].known.accuracy:
        values = [trial.accuracy(epoch)[name] for trial in run.trials]
        deviation = statistics.stdev(values) if len(values) > 1 else None
        accuracy.append(f"{name.replace('_', '-')} {show.plus_minus(statistics.fmean(values), deviation)}")
    return (
        f"accuracy {run.at(epoch)} (mean ± standard deviation over trials): {', '.join(accuracy)}; "
        f"chance {1 / len(run.classes):.3f}"
    )
