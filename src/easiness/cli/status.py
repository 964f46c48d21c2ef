"""``easiness status``: what runs have, what is missing or damaged, and whether a process is at work."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from easiness import show, spec, store
from easiness.engine import Verb, heading, say
from easiness.errors import BadInput, RunFailed, printable
from easiness.paper import reproduction as paper
from easiness.spec import Option, setting
from easiness.studies import matching
from easiness.studies.outcomes import meaning

MOST_READ = 1000  # trials whose observations are read for a summary; of more it would take minutes
_DEEPEST = 3  # folders below the one given, as `ablate` in a folder of runs makes them
_LATEST = 20  # finished trials that the rate is taken of
_MOST_LOOKED_AT = 512  # trials looked at for damage; those of more have an index, and --verify takes its time
_FILES_READ = ("examples.parquet", "train.parquet")  # files that the status of one run reads

_Damage = dict[Path, list[store.Finding]]
"""The damaged files by run."""


@dataclass(frozen=True)
class StatusOptions:
    """Options of `status`."""

    run: Annotated[
        Path, Option("", "Folder of a run, of a study (`paper all`), or of several runs.", argument=True)
    ]
    verify: bool = setting(
        "--verify", "Read every file and name damaged ones; the command then exits with 1.", default=False
    )


@dataclass(frozen=True)
class Status:
    """State of a run or of the runs of a folder, in ``lines``; ``damage`` says what is damaged."""

    lines: tuple[str, ...]
    damage: str = ""

    def __repr__(self) -> str:
        return "\n".join([*self.lines, *filter(None, [self.damage])])


def status(options: StatusOptions) -> Status:
    lines: list[str] = []
    try:
        lines.extend(_report_lines(options))
    except RunFailed as error:
        return Status(tuple(lines), str(error))
    return Status(tuple(lines))


def _report_lines(options: StatusOptions) -> Iterator[str]:
    """The lines of a status as they are found; raises `RunFailed` at the end where something is damaged."""
    folder, damage = options.run, _Damage()
    is_run, working = store.is_run(folder), None if options.verify else store.at_work(folder)
    below = [folder] if is_run else _runs_below(folder)
    if options.verify:
        below = below or [folder]
        yield from _verify(folder, below, damage)
    elif is_run:
        yield from _of_run(folder, working, damage)
    elif paper.is_study(folder):
        yield from _table(folder, below, damage)
        page = folder / "report.html"
        yield f"report: {page}" if page.exists() else "report: not written yet; `easiness paper all` goes on"
    elif working is not None:
        yield f"{folder}: {_process(working)} is at work: it reads and prepares, and has trained nothing yet"
        return
    elif below:
        yield from _table(folder, below, damage)
    elif folder.is_dir():
        raise BadInput(f"{folder}: not a run, and none is in it; give a folder written by `easiness measure`")
    else:
        store.open_run(folder)  # says why it is none
    _refuse_damage(folder, damage, len(below))
    if options.verify:
        yield (
            f"{folder}: records, weights and descriptions of {show.quantity(len(below), 'run')} are as they "
            "were written (the log, events.jsonl, is not checked)"
        )


def _carry(options: StatusOptions) -> None:
    for line in _report_lines(options):
        say(line)


STATUS = Verb(
    *heading("status"),
    StatusOptions,
    status,
    _carry,
    about="For a folder with several runs, a row for each.",
)


def _runs_below(folder: Path, depth: int = _DEEPEST) -> list[Path]:
    """The runs in a folder and its folders, by name; runs are not looked into, nor what cannot be read."""
    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir())
    except OSError:
        return []
    runs: list[Path] = []
    for child in children:
        if store.is_run(child) or store.at_work(child) is not None:
            runs.append(child)
        elif depth > 1:
            runs += _runs_below(child, depth - 1)
    return runs


# ---- several runs


def _table(folder: Path, runs: list[Path], damage: _Damage) -> Iterator[str]:
    """A row for each run, then what is damaged, a line each; it is put into ``damage``, by run."""
    rows = []
    for path in runs:
        run = _open(path)
        if ones := _visible_damage(path, open_run=None if isinstance(run, str) else run):
            damage[path] = ones
        name = str(path.relative_to(folder))
        rows.append(
            [name, *[""] * 6, run] if isinstance(run, str) else [name, *_row(run, is_damaged=bool(ones))]
        )
    of_heads = ["share" in row[5] for row in rows]
    lengths = "shares" if all(of_heads) else "epochs"
    header = ["run", "network", "data", "examples", "trials", lengths, "accuracy", "state"]
    heads = "; of heads on what they had not seen" if any(of_heads) else ""
    note = (
        f"Accuracy is the mean over trials, on what was measured{heads}. `easiness status` of one run says "
        "more."
    )
    title = f"{folder}: {show.quantity(len(rows), 'run')}"
    yield from show.sections_text([show.Section(title, note, [header, *rows])]).split("\n")
    lines = [_text(one) for ones in damage.values() for one in ones]
    yield from (f"damaged: {line}" for line in [*lines, *_study_damage(folder)])


def _open(path: Path) -> store.Run | str:
    if not store.is_run(path):
        return "at work"
    try:
        return store.open_run(path)
    except store.LaterVersion:
        return "of a later version"
    except BadInput:
        return "damaged"


def _row(run: store.Run, *, is_damaged: bool) -> list[str]:
    if run.is_outcomes:
        outcomes = ["outcomes", f"{run.spec.data.train.num_examples:,}"]
        if is_damaged:
            return [run.network, *outcomes, "", "", "", "damaged"]
        trials = show.quantity(run.num_outcome_trials, run.trials_are[:-1])
        return [run.network, *outcomes, trials, "", f"{run.outcomes.rate.mean():.3f}", "recorded"]
    spec, missing = run.spec.measured, _missing(run)
    of = "left_out" if run.shares else "train"
    last = [trial.accuracy()[of] for trial in run.trials if of in trial.accuracy()]
    state = f"{len(missing)} missing" if missing else "finished"
    if store.at_work(run.path) is not None:
        state = f"at work, {len(missing)} to go" if missing else "at work"
        seconds = _seconds_left(run, len(missing))
        state += "" if seconds is None else f", {_until(seconds)}"
    elif failures := run.failures():
        state = f"{len(failures)} failed"
    return [
        run.network,
        str(run.spec.data.source or "arrays"),
        f"{run.spec.data.train.num_examples:,}",
        str(len(run.trials)) if spec is None else f"{len(run.trials)} of {spec.trials}",
        show.quantity(len(run.shares), "share") if run.shares else str(run.epochs),
        f"{sum(last) / len(last):.3f}" if last else "",
        f"damaged, {state}" if is_damaged else state,
    ]


# ---- one run


def _of_run(path: Path, working: store.AtWork | None, damage: _Damage) -> Iterator[str]:
    run = _open(path)
    findings = damage[path] = _visible_damage(path, _FILES_READ, None if isinstance(run, str) else run)
    yield from (f"damaged: {_text(one)}" for one in findings)
    try:
        yield from _lines(store.open_run(path), working, is_damaged=bool(findings))
    except BadInput:
        if not findings:
            raise


def _lines(run: store.Run, working: store.AtWork | None, *, is_damaged: bool) -> Iterator[str]:
    if run.is_outcomes:
        yield from _lines_of_outcomes(run)
        return
    training, data, num = run.spec.measured, run.spec.data, len(run.trials)
    trials = show.quantity(num if training is None else training.trials, "trial")
    of = "" if training is None else f"{num} of "
    yield f"{run.path}: {printable(run.network)}, {of}{trials} finished"
    source = printable(data.source or "arrays")
    yield f"data: {source}, {data.train.num_examples} examples of {data.classes_text}"
    if data.num_unreadable:
        yield f"{data.examples_text} left out, since they cannot be read: {data.unreadable_text()}"
    if data.num_other_files:
        no = "pictures" if data.kind == "image" else data.examples_text
        yield f"files left out, since by name they are no {no}: {data.other_files_text()}"
    if training is not None:
        length = f"epochs: {run.epochs} finished in every trial, {training.epochs} asked"
        yield f"shares: {spec.shares_text(run.shares)}" if run.shares else length
    if run.spec.observe != spec.ALL:
        yield f"observations: {spec.observe_text(run.spec.observe)}"
    if training is not None:
        yield f"precision: {training.resolved.precision} ({training.resolved.reason})"
    yield from _work(run, working)
    if run.document.stopped is not None:
        yield f"reliability: {run.document.stopped.sentence}"
    of_reason: dict[str, list[int]] = {}
    for index, reason in run.failures().items():
        of_reason.setdefault(reason, []).append(index)
    yield from (f"failed: {show.trials_text(indices)}: {reason}" for reason, indices in of_reason.items())
    yield from _accuracies(run)
    if num > MOST_READ:
        yield "reliability of its sets: not computed here, since every trial would have to be read"
    elif run.observed and not is_damaged:
        yield from matching.outlook_lines(run)


def _lines_of_outcomes(run: store.Run) -> Iterator[str]:
    one, noun = run.outcomes, run.trials_are
    each = " to ".join(f"{num:,.0f}" for num in sorted({one.trials.min(), one.trials.max()}))
    yield f"{run.path}: {printable(run.model)}, {show.quantity(len(one.items), 'item')}, {each} {noun} each"
    yield printable(meaning(run))
    ends = [show.percent(float((one.right == num).mean())) for num in (one.trials, 0)]
    yield f"rate: {one.rate.mean():.3f} on average; {ends[0]} are right in all {noun}, {ends[1]} in none"
    columns = [printable(str(name)) for name in one.items if name != "id"]
    answers = show.quantity(int(one.rows["answer"].nunique()), "different answer")
    yield f"known of items: {show.enumeration([*columns, answers])}"


def _work(run: store.Run, working: store.AtWork | None) -> Iterator[str]:
    missing = _missing(run)
    if working is None:
        if missing:
            which = show.trials_text(missing)
            yield f"missing: {which}; no process is at work, run the same `easiness measure` to go on"
        return
    left = f"; {show.quantity(len(missing), 'trial')} to go with these" if missing else ""
    hand = [index for index in working.trials if index in missing]
    yield f"at work: {_process(working)}{f' on {show.trials_text(hand)}{left}' if hand else ''}"
    seconds = _seconds_left(run, len(missing))
    if seconds is not None:
        hourly = 3600 * len(missing) / seconds
        rate = f"{hourly:,.0f}" if hourly >= 10 else f"{hourly:.1f}"
        left = f"about {show.duration_text(seconds)} left"
        yield f"rate: {rate} trials an hour; {left}, {_until(seconds)}"


def _until(seconds: float) -> str:
    # a damaged log may give more than a clock has
    return time.strftime("until %a %H:%M", time.localtime(time.time() + min(seconds, 1e10)))


def _seconds_left(run: store.Run, num_missing: int) -> float | None:
    hourly = _hourly(store.last_events(run.path), datetime.now(UTC))
    return 3600 * num_missing / hourly if num_missing and hourly else None


def _hourly(events: Sequence[Mapping[str, Any]], now: datetime) -> float | None:
    """Trials an hour over the last ones since the run was started; ``None`` before two.

    The time since the last one counts where it is longer than usual, so that a run that hangs slows down.
    """
    starts = [at for at, event in enumerate(events) if event["kind"] == "run_started"]
    times = [
        datetime.fromisoformat(event["time"]).replace(tzinfo=UTC)
        for event in events[starts[-1] if starts else 0 :]
        if event["kind"] == "trial_finished"
    ][-_LATEST:]
    if len(times) < 2:
        return None
    gaps = [max((late - early).total_seconds(), 0.0) for early, late in itertools.pairwise(times)]
    since = (now - times[-1]).total_seconds()
    if since > 2 * max(gaps):
        gaps.append(since)
    return 3600 * len(gaps) / max(sum(gaps), 1e-3)


def _missing(run: store.Run) -> list[int]:
    spec = run.spec.measured
    if spec is None:
        return []
    have = {trial.index for trial in run.trials if trial.epochs >= spec.epochs}
    return [index for index in range(spec.trials) if index not in have]


def _process(working: store.AtWork) -> str:
    if working.process is None or working.began is None:
        return "a process"
    where = f" on {working.host}" if working.is_elsewhere else ""
    since = time.strftime("%H:%M on %d %B", time.localtime(working.began))
    return f"process {working.process}{where}, since {since},"


def _accuracies(run: store.Run) -> Iterator[str]:
    ranges = []
    for name in run.trials[0].accuracy() if run.trials else ():
        last = [trial.accuracy()[name] for trial in run.trials]
        ranges.append(f"{name.replace('_', '-')} {show.interval_text(min(last), max(last), 3)}")
    if ranges:
        yield f"{show.trials_text([trial.index for trial in run.trials])}: accuracy {', '.join(ranges)}"


# ---- damage


def _verify(folder: Path, runs: Sequence[Path], damage: _Damage) -> Iterator[str]:
    """Check all files of the runs but their logs, which have no digest, and name each damaged one at once."""
    yield from _study_damage(folder)
    for run in runs:
        for finding in store.findings(run):
            yield _text(finding)
            damage.setdefault(run, []).append(finding)


def _visible_damage(
    run: Path, read: Container[str] = (), open_run: store.Run | None = None
) -> list[store.Finding]:
    """The damage in a run that documents, sizes and the files to ``read`` show."""
    if not store.is_run(run):
        return []  # it is only beginning
    reading = None if open_run is not None and open_run.is_outcomes else read  # they have few files
    try:
        if sum(1 for _ in os.scandir(run / "trials")) >= _MOST_LOOKED_AT:
            return []
    except OSError:
        pass  # without trials, or findings say so
    try:
        findings = list(store.findings(run, reading, open_run))
    except store.LaterVersion:
        return []  # which whoever opens it is told
    # a longer trial may have taken the place of one meanwhile; a note of a failure counts for nothing
    return [
        one
        for one in findings
        if one.trial is None or (os.path.lexists(one.file.parent) and one.file.parent.name != "trials")
    ]


def _text(finding: store.Finding) -> str:
    return " ".join(str(finding).split())


def _study_damage(folder: Path) -> list[str]:
    """A line where the description of a study is damaged."""
    if not paper.is_damaged_study(folder):
        return []
    return [f"{folder / 'study.json'}: is damaged; its runs stay, but the study cannot go on without it"]


def _refuse_damage(folder: Path, of_run: _Damage, num_runs: int) -> None:
    """End with what to do where something is damaged: in the runs, or the study in ``folder``."""
    every = [one for findings in of_run.values() for one in findings]
    if not every:
        if _study_damage(folder):
            raise RunFailed(
                f"{folder}: the description of the study is damaged; restore study.json from a copy"
            )
        return
    trials = len({(run, one.trial) for run, ones in of_run.items() for one in ones if one.trial is not None})
    of_trials = f", of {show.quantity(trials, 'trial')}" if trials else ""
    of_runs = sorted({one.file.name for one in every if one.trial is None})
    steps = []
    if of_runs == [store.KEPT_FILE]:
        steps.append(f"restore {store.KEPT_FILE} from a copy, or remove it: pages then show no examples")
    elif of_runs:
        again = "record" if any(name.startswith("outcomes-") for name in of_runs) else "measure"
        steps.append(f"restore {' and '.join(of_runs)} from a copy, or {again} into another folder")
    if trials:
        first = "then for the files of trials " if of_runs else ""
        again = "run the same `easiness measure` with --retrain-damaged, or restore them from a copy"
        steps.append(f"{first}{again}")
    raise RunFailed(
        f"{folder}: {show.quantity(len(every), 'damaged file')} in {sum(map(bool, of_run.values()))} of "
        f"{show.quantity(num_runs, 'run')}{of_trials}; {'; '.join(steps)}"
    )
