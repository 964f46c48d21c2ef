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
from easiness.engine import Verb, say
from easiness.errors import BadInput, RunFailed, printable
from easiness.paper import reproduction as paper
from easiness.spec import Option
from easiness.studies import matching

MOST_READ = 1000  # trials whose observations are read for a summary; of more it would take minutes
_DEEPEST = 3  # folders below the one given, as `ablate` in a folder of runs makes them
_LATEST = 20  # finished trials that the rate is taken of
_MOST_LINES = 10  # of trials, a line each; of more, a line of all
_MOST_LOOKED_AT = 512  # trials looked at for damage; those of more have an index, and --verify takes its time
_SHOWN = ("examples.parquet", "train.parquet")  # files that the status of one run reads

_Found = dict[Path, list[store.Finding]]
"""The damaged files by run."""


@dataclass(frozen=True)
class StatusOptions:
    """Options of `status`."""

    run: Annotated[
        Path, Option("", "Folder of a run, of a study (`paper all`), or of several runs.", argument=True)
    ]
    verify: Annotated[
        bool,
        Option("--verify", "Read every file and name damaged ones; the command then exits with 1."),
    ] = False


@dataclass(frozen=True)
class Status:
    """State of a run or of the runs of a folder, in ``lines``; ``damage`` says what is damaged."""

    lines: tuple[str, ...]
    damage: str = ""

    def __repr__(self) -> str:
        return "\n".join([*self.lines, *filter(None, [self.damage])])


def status(asked: StatusOptions) -> Status:
    lines: list[str] = []
    try:
        lines.extend(_said(asked))
    except RunFailed as error:
        return Status(tuple(lines), str(error))
    return Status(tuple(lines))


def _said(asked: StatusOptions) -> Iterator[str]:
    """The lines of a status as they are found; raises `RunFailed` at the end where something is damaged."""
    folder, found = asked.run, _Found()
    is_run, working = store.is_run(folder), None if asked.verify else store.at_work(folder)
    below = [folder] if is_run else _runs_below(folder)
    if asked.verify:
        below = below or [folder]
        yield from _verified(folder, below, found)
    elif is_run:
        yield from _of_run(folder, working, found)
    elif paper.is_study(folder):
        yield from _table(folder, below, found)
        page = folder / "report.html"
        yield f"report: {page}" if page.exists() else "report: not written yet; `easiness paper all` goes on"
    elif working is not None:
        yield f"{folder}: {_process(working)} is at work: it reads and prepares, and has trained nothing yet"
        return
    elif below:
        yield from _table(folder, below, found)
    elif folder.is_dir():
        raise BadInput(f"{folder}: not a run, and none is in it; give a folder written by `easiness measure`")
    else:
        store.open_run(folder)  # says why it is none
    _refuse_damage(folder, found, len(below))
    if asked.verify:
        yield (
            f"{folder}: records, weights and descriptions of {show.counted(len(below), 'run')} are as they "
            "were written (the log, events.jsonl, is not checked)"
        )


def _carry(asked: StatusOptions) -> None:
    for line in _said(asked):
        say(line)


STATUS = Verb(
    "status",
    "Measure",
    "Show which trials of a run are done, missing and in training.",
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
    found: list[Path] = []
    for child in children:
        if store.is_run(child) or store.at_work(child) is not None:
            found.append(child)
        elif depth > 1:
            found += _runs_below(child, depth - 1)
    return found


# ---- several runs


def _table(folder: Path, runs: list[Path], found: _Found) -> Iterator[str]:
    """A row for each run, then what is damaged, a line each; it is put into ``found``, by run."""
    rows = []
    for path in runs:
        run = _opened(path)
        if ones := _seen_damaged(path, opened=None if isinstance(run, str) else run):
            found[path] = ones
        name = str(path.relative_to(folder))
        rows.append(
            [name, *[""] * 6, run] if isinstance(run, str) else [name, *_row(run, damaged=bool(ones))]
        )
    of_heads = ["share" in row[5] for row in rows]
    lengths = "shares" if all(of_heads) else "epochs"
    header = ["run", "network", "data", "examples", "trials", lengths, "accuracy", "state"]
    heads = "; of heads on what they had not seen" if any(of_heads) else ""
    note = (
        f"Accuracy is the mean over trials, on what was measured{heads}. `easiness status` of one run says "
        "more."
    )
    title = f"{folder}: {show.counted(len(rows), 'run')}"
    yield from show.sections_text([show.Section(title, note, [header, *rows])]).split("\n")
    lines = [_text(one) for ones in found.values() for one in ones]
    yield from (f"damaged: {line}" for line in [*lines, *_study_damage(folder)])


def _opened(path: Path) -> store.Run | str:
    if not store.is_run(path):
        return "at work"
    try:
        return store.open_run(path)
    except store.LaterVersion:
        return "of a later version"
    except BadInput:
        return "damaged"


def _row(run: store.Run, *, damaged: bool) -> list[str]:
    measured, missing = run.spec.measured, _missing(run)
    of = "left_out" if run.shares else "train"
    last = [trial.accuracy()[of] for trial in run.trials if of in trial.accuracy()]
    state = f"{len(missing)} missing" if missing else "finished"
    if store.at_work(run.path) is not None:
        state = f"at work, {len(missing)} to go" if missing else "at work"
        hourly = _hourly(store.last_events(run.path), datetime.now(UTC))
        if missing and hourly:
            state += f", {_until(len(missing), hourly)}"
    elif failures := run.failures():
        state = f"{len(failures)} failed"
    return [
        run.network,
        str(run.spec.data.source or "arrays"),
        f"{run.spec.data.train.num_examples:,}",
        str(len(run.trials)) if measured is None else f"{len(run.trials)} of {measured.trials}",
        show.counted(len(run.shares), "share") if run.shares else str(run.epochs),
        f"{sum(last) / len(last):.3f}" if last else "",
        f"damaged, {state}" if damaged else state,
    ]


# ---- one run


def _of_run(path: Path, working: store.AtWork | None, found: _Found) -> Iterator[str]:
    """All there is to say of a run, after its first line what is damaged."""
    damaged = found[path] = _seen_damaged(path, _SHOWN)
    lines = [f"damaged: {_text(one)}" for one in damaged]
    try:
        first, *others = _lines(store.open_run(path), working, damaged=bool(damaged))
        lines = [first, *lines, *others]
    except BadInput:
        if not damaged:
            raise
    yield from lines


def _lines(run: store.Run, working: store.AtWork | None, *, damaged: bool) -> Iterator[str]:
    """All there is to say of one run; what its sets hold only where nothing is damaged."""
    asked, measured, data, num = run.spec, run.spec.measured, run.spec.data, len(run.trials)
    trials = show.counted(num if measured is None else measured.trials, "trial")
    of = "" if measured is None else f"{num} of "
    yield f"{run.path}: {printable(run.network)}, {of}{trials} finished"
    source = printable(data.source or "arrays")
    yield f"data: {source}, {data.train.num_examples} examples of {len(run.classes)} classes"
    if data.num_unreadable:
        yield f"{data.examples_text} left out, since they cannot be read: {data.unreadable_text()}"
    if data.num_other_files:
        no = "pictures" if data.kind == "image" else data.examples_text
        yield f"files left out, since by name they are no {no}: {data.other_files_text()}"
    if measured is not None:
        finished = f"epochs: {run.epochs} finished in every trial, {measured.epochs} asked"
        yield f"shares: {spec.shares_text(run.shares)}" if run.shares else finished
    if asked.observe != spec.ALL:
        yield f"observations: {spec.observe_text(asked.observe)}"
    if measured is not None:
        yield f"precision: {measured.resolved.precision} ({measured.resolved.reason})"
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
    elif run.observed and not damaged:
        yield from matching.outlook_lines(run)


def _work(run: store.Run, working: store.AtWork | None) -> Iterator[str]:
    """Trials in hand, or missing ones where nobody is at work."""
    missing = _missing(run)
    if working is None:
        if missing:
            which = show.trials_text(missing)
            yield f"missing: {which}; no process is at work, run the same `easiness measure` to go on"
        return
    left = f"; {show.counted(len(missing), 'trial')} to go with these" if missing else ""
    hand = [index for index in working.trials if index in missing]
    yield f"at work: {_process(working)}{f' on {show.trials_text(hand)}{left}' if hand else ''}"
    hourly = _hourly(store.last_events(run.path), datetime.now(UTC))
    if missing and hourly:
        rate = f"{hourly:,.0f}" if hourly >= 10 else f"{hourly:.1f}"
        ahead = f"about {show.duration_text(3600 * len(missing) / hourly)} left"
        yield f"rate: {rate} trials an hour; {ahead}, {_until(len(missing), hourly)}"


def _until(num_missing: int, hourly: float) -> str:
    seconds = min(3600 * num_missing / hourly, 1e10)  # a damaged log may give more than a clock has
    return time.strftime("until %a %H:%M", time.localtime(time.time() + seconds))


def _hourly(events: Sequence[Mapping[str, Any]], now: datetime) -> float | None:
    """Trials an hour over the last ones finished since the run was last started; ``None`` before two.

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
    measured = run.spec.measured
    if measured is None:
        return []
    have = {trial.index for trial in run.trials if trial.epochs >= measured.epochs}
    return [index for index in range(measured.trials) if index not in have]


def _process(working: store.AtWork) -> str:
    if working.process is None or working.began is None:
        return "a process"
    where = f" on {working.host}" if working.is_elsewhere else ""
    since = time.strftime("%H:%M on %d %B", time.localtime(working.began))
    return f"process {working.process}{where}, since {since},"


def _accuracies(run: store.Run) -> Iterator[str]:
    """The last accuracy of each trial, or of many the least and the most."""
    if len(run.trials) <= _MOST_LINES:
        for trial in run.trials:
            final = ", ".join(f"{k.replace('_', '-')} {v:.3f}" for k, v in trial.accuracy().items())
            length = show.counted(trial.epochs, "share" if run.shares else "epoch")
            took = "" if trial.document.seconds is None else f" in {trial.document.seconds:.0f} s"
            yield f"trial {trial.index}: {length}{took}, accuracy {final}"
        return
    ranges = []
    for name in run.trials[0].accuracy():
        last = [trial.accuracy()[name] for trial in run.trials]
        ranges.append(f"{name.replace('_', '-')} {show.interval_text(min(last), max(last), 3)}")
    yield f"{show.trials_text([trial.index for trial in run.trials])}: accuracy {', '.join(ranges)}"


# ---- damage


def _verified(folder: Path, runs: Sequence[Path], found: _Found) -> Iterator[str]:
    """Check what the runs below ``folder`` hold, and name each file that is damaged as it is found.

    The log has no digest and is not checked; the description of a study is.
    """
    yield from _study_damage(folder)
    for run in runs:
        for finding in store.findings(run):
            yield _text(finding)
            found.setdefault(run, []).append(finding)


def _seen_damaged(
    run: Path, read: Container[str] = (), opened: store.Run | None = None
) -> list[store.Finding]:
    """The damage in a run, ``opened`` or not, that documents, sizes and the files to ``read`` show."""
    if not store.is_run(run):
        return []  # it is only beginning
    try:
        if sum(1 for _ in os.scandir(run / "trials")) >= _MOST_LOOKED_AT:
            return []
    except OSError:
        pass  # without trials, or findings say so
    try:
        found = list(store.findings(run, read, opened))
    except store.LaterVersion:
        return []  # which whoever opens it is told
    # a longer trial may have taken the place of one meanwhile; a note of a failure counts for nothing
    return [
        one
        for one in found
        if one.trial is None or (os.path.lexists(one.file.parent) and one.file.parent.name != "trials")
    ]


def _text(finding: store.Finding) -> str:
    return " ".join(str(finding).split())


def _study_damage(folder: Path) -> list[str]:
    """A line where the description of a study is damaged."""
    if not paper.is_damaged_study(folder):
        return []
    return [f"{folder / 'study.json'}: is damaged; its runs stay, but the study cannot go on without it"]


def _refuse_damage(folder: Path, of_run: _Found, num_runs: int) -> None:
    """End with what to do where something is damaged: in the runs, or the study in ``folder``.

    Trials are trained again only in a run whose own files are whole.
    """
    found = [one for findings in of_run.values() for one in findings]
    if not found:
        if _study_damage(folder):
            raise RunFailed(
                f"{folder}: the description of the study is damaged; restore study.json from a copy"
            )
        return
    trials = len({(run, one.trial) for run, ones in of_run.items() for one in ones if one.trial is not None})
    of_trials = f", of {show.counted(trials, 'trial')}" if trials else ""
    of_runs = sorted({one.file.name for one in found if one.trial is None})
    steps = []
    if of_runs == [store.KEPT_FILE]:
        steps.append(f"restore {store.KEPT_FILE} from a copy, or remove it: pages then show no examples")
    elif of_runs:
        steps.append(f"restore {' and '.join(of_runs)} from a copy, or measure into another folder")
    if trials:
        first = "then for the files of trials " if of_runs else ""
        again = "run the same `easiness measure` with --retrain-damaged, or restore them from a copy"
        steps.append(f"{first}{again}")
    raise RunFailed(
        f"{folder}: {show.counted(len(found), 'damaged file')} in {sum(map(bool, of_run.values()))} of "
        f"{show.counted(num_runs, 'run')}{of_trials}; {'; '.join(steps)}"
    )
