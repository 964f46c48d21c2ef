"""``easiness status``: what runs have, what is missing, and whether a process is at work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from easiness.errors import BadInput

if TYPE_CHECKING:
    from easiness.store import AtWork, Finding, Run

MOST_READ = 1000  # trials whose observations are read for a summary; of more it would take minutes
_MOST_LINES = 10  # of trials, a line each; of more, a line of all


def status(
    run: Annotated[Path, typer.Argument(help="Folder of a run, of a study (`paper`), or of several runs.")],
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Read records, weights and descriptions and name damaged files; then exit with 1.",
        ),
    ] = False,
    watching: Annotated[
        bool, typer.Option("--watch", help="Show how it goes on until no process is at work.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", help="Seconds between two looks with --watch.", min=0.1)
    ] = 5.0,
) -> None:
    """Show what a run has, what is missing, and what is at work.

    Of a study or another folder with runs in it, a row for each run.
    """
    from easiness.cli.status_table import runs_below
    from easiness.cli.status_verify import verify_runs
    from easiness.store import at_work, is_run

    if watching and (is_run(run) or at_work(run) is not None or runs_below(run)):
        _watch(run, every)
        return
    if verify:
        verify_runs(run, [run] if is_run(run) else runs_below(run) or [run])
        return
    if is_run(run):
        _show_run(run)
    else:
        _show_folder(run)


def _show_folder(run: Path) -> None:
    """A row for each run below a folder, or what is at work there."""
    from easiness.cli.status_table import runs_below
    from easiness.cli.status_verify import refuse_damage
    from easiness.store import at_work, open_run
    from easiness.studies.paper import is_study

    below = runs_below(run)
    if is_study(run):
        found = _table(run)
        page = run / "report.html"
        typer.echo(
            f"report: {page}" if page.exists() else "report: not written yet; `easiness paper` goes on"
        )
        refuse_damage(run, found, len(below))
    elif (working := at_work(run)) is not None:
        typer.echo(
            f"{run}: {_process(working)} is at work and has trained nothing yet: it reads and prepares"
        )
    elif below:
        refuse_damage(run, _table(run), len(below))
    elif run.is_dir():
        raise BadInput(f"{run}: not a run, and none is in it; give a folder written by `easiness measure`")
    else:
        open_run(run)  # says why it is none


def _watch(folder: Path, every: float) -> None:
    """Watch a run or those of a folder, then say and refuse what is damaged."""
    from easiness.cli.status_table import runs_below
    from easiness.cli.status_verify import SHOWN, refuse_damage, say_damage, seen_damaged
    from easiness.cli.status_watch import watch
    from easiness.store import at_work, is_run, open_run

    one = is_run(folder) or at_work(folder) is not None
    watch(folder, lambda: [folder] if one else runs_below(folder), every)
    runs = [folder] if one else runs_below(folder)
    found = {run: seen_damaged(run, SHOWN if one else ()) for run in runs}
    say_damage(folder, found)
    refuse_damage(folder, found, len(runs))
    if is_run(folder):
        open_run(folder)  # of so many trials that none was looked at: it says why it cannot be read


def _show_run(run: Path) -> None:
    """All there is to say of a run, after its first line what is damaged."""
    from easiness.cli.status_verify import SHOWN, finding_text, refuse_damage, seen_damaged
    from easiness.store import at_work, open_run

    working = at_work(run)
    damaged = seen_damaged(run, SHOWN)
    said = [f"damaged: {finding_text(one)}" for one in damaged]
    try:
        first, *others = _lines(open_run(run), working, damaged=bool(damaged))
        said = [first, *said, *others]
    except BadInput:
        if not damaged:
            raise
    typer.echo("\n".join(said))
    refuse_damage(run, {run: damaged}, 1)


def _table(folder: Path) -> dict[Path, list[Finding]]:
    """Show a row for each run, then what is damaged, a line each; returned by run."""
    from easiness.cli.status_table import runs_below, table_text
    from easiness.cli.status_verify import say_damage, seen_damaged

    runs = runs_below(folder)
    found = {run: ones for run in runs if (ones := seen_damaged(run))}
    typer.echo(table_text(folder, runs, {run: len(ones) for run, ones in found.items()}))
    say_damage(folder, found)
    return found


def _lines(run: Run, working: AtWork | None, *, damaged: bool) -> list[str]:
    """All there is to say of one run; what its sets hold only where nothing is damaged."""
    from easiness.show import trials_text
    from easiness.spec import ALL, observe_text
    from easiness.studies.matching import outlook_lines

    spec, measured = run.spec, run.spec.measured
    lines = _heading(run)
    if spec.data.num_unreadable:
        lines.append(f"images left out, since they cannot be read: {spec.data.unreadable_text()}")
    if spec.data.num_other_files:
        lines.append(f"files left out, since by name they are no pictures: {spec.data.other_files_text()}")
    if measured is not None:
        lines.append(f"epochs: {run.epochs} finished in every trial, {measured.epochs} asked")
    if spec.observe != ALL:
        lines.append(f"observations: {observe_text(spec.observe)}")
    if measured is not None:
        lines.append(f"precision: {measured.resolved.precision} ({measured.resolved.reason})")
    lines += _work(run, working)
    if run.document.stopped is not None:
        lines.append(f"reliability: {run.document.stopped.sentence}")
    of_reason: dict[str, list[int]] = {}
    for index, reason in run.failures().items():
        of_reason.setdefault(reason, []).append(index)
    lines += [f"failed: {trials_text(indices)}: {reason}" for reason, indices in of_reason.items()]
    lines += _accuracies(run)
    if len(run.trials) > MOST_READ:
        return [*lines, "what its sets hold: not worked out here, as every trial would be read"]
    return lines + (outlook_lines(run) if run.observed and not damaged else [])


def _heading(run: Run) -> list[str]:
    """What was trained how often, and on what."""
    from easiness.errors import printable
    from easiness.show import counted

    data, measured, num = run.spec.data, run.spec.measured, len(run.trials)
    trials = counted(num, "trial") if measured is None else f"{num} of {counted(measured.trials, 'trial')}"
    return [
        f"{run.path}: {printable(run.model)}, {trials} finished",
        f"data: {printable(data.source or 'arrays')}, {data.train.num_examples} examples "
        f"of {len(run.classes)} classes",
    ]


def _work(run: Run, working: AtWork | None) -> list[str]:
    """What is in hand, or what is missing where nobody is at work."""
    from easiness.cli.status_table import missing_trials
    from easiness.show import counted, trials_text

    missing = missing_trials(run)
    if working is None:
        if not missing:
            return []
        return [
            f"missing: {trials_text(missing)}; no process is at work, run the same `easiness measure` to "
            "go on"
        ]
    left = f"; {counted(len(missing), 'trial')} to go with these" if missing else ""
    hand = [index for index in working.trials if index in missing]
    what = f" on {trials_text(hand)}{left}" if hand else ""
    return [f"at work: {_process(working)}{what}"]


def _process(working: AtWork) -> str:
    if working.process is None or working.began is None:
        return "a process"
    where = f" on {working.host}" if working.is_elsewhere else ""
    since = time.strftime("%H:%M on %d %B", time.localtime(working.began))
    return f"process {working.process}{where}, since {since},"


def _accuracies(run: Run) -> list[str]:
    """The last accuracy of each trial, or of many the least and the most."""
    from easiness.show import counted, interval_text, trials_text

    if len(run.trials) <= _MOST_LINES:
        lines = []
        for trial in run.trials:
            final = ", ".join(f"{_plain(k)} {v:.3f}" for k, v in trial.known.accuracy.items())
            took = "" if trial.known.seconds is None else f" in {trial.known.seconds:.0f} s"
            lines.append(f"trial {trial.index}: {counted(trial.epochs, 'epoch')}{took}, accuracy {final}")
        return lines
    ranges = []
    for name in run.trials[0].known.accuracy:
        last = [trial.known.accuracy[name] for trial in run.trials]
        ranges.append(f"{_plain(name)} {interval_text(min(last), max(last), 3)}")
    return [f"{trials_text([trial.index for trial in run.trials])}: accuracy {', '.join(ranges)}"]


def _plain(name: str) -> str:
    return name.replace("_", "-")
