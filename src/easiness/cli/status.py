"""``easiness status``: what runs have, what is missing, and whether a process is at work."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from easiness import show, spec, store
from easiness.cli.kit import damage
from easiness.engine import Verb, say
from easiness.errors import BadInput, RunFailed, printable
from easiness.paper import reproduction as paper
from easiness.spec import Option
from easiness.studies import matching

MOST_READ = 1000  # trials whose observations are read for a summary; of more it would take minutes
_DEEPEST = 3  # folders below the one given, as `ablate` in a folder of runs makes them
_LATEST = 20  # finished trials that the rate is taken of
_LENGTH, _SHARE = 5, "share"  # of a row of the table: a column, and what it says of heads
_MOST_LINES = 10  # of trials, a line each; of more, a line of all


@dataclass(frozen=True)
class Asked:
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


def status(asked: Asked) -> Status:
    """Say which trials are there and which are missing."""
    lines: list[str] = []
    try:
        lines.extend(said(asked))
    except RunFailed as error:
        return Status(tuple(lines), str(error))
    return Status(tuple(lines))


def said(asked: Asked) -> Iterator[str]:
    """The lines of a status as they are found; raises `RunFailed` at the end where something is damaged."""
    if asked.verify:
        runs = [asked.run] if store.is_run(asked.run) else _runs_below(asked.run) or [asked.run]
        yield from damage.verified(asked.run, runs)
    elif store.is_run(asked.run):
        yield from _of_run(asked.run)
    else:
        yield from _of_folder(asked.run)


def _carry(asked: Asked) -> None:
    for line in said(asked):
        say(line)


STATUS = Verb(
    "status",
    "Measure",
    "Show which trials of a run are done, missing and in training.",
    Asked,
    status,
    _carry,
    about="For a folder with several runs, a row for each.",
)


def _of_folder(run: Path) -> Iterator[str]:
    """A row for each run below a folder, or what is at work there."""
    below = _runs_below(run)
    found: dict[Path, list[store.Finding]] = {}
    if paper.is_study(run):
        yield from _table(run, below, found)
        page = run / "report.html"
        yield f"report: {page}" if page.exists() else "report: not written yet; `easiness paper all` goes on"
        damage.refuse_damage(run, found, len(below))
    elif (working := store.at_work(run)) is not None:
        yield f"{run}: {_process(working)} is at work: it reads and prepares, and has trained nothing yet"
    elif below:
        yield from _table(run, below, found)
        damage.refuse_damage(run, found, len(below))
    elif run.is_dir():
        raise BadInput(f"{run}: not a run, and none is in it; give a folder written by `easiness measure`")
    else:
        store.open_run(run)  # says why it is none


def _of_run(run: Path) -> Iterator[str]:
    """All there is to say of a run, after its first line what is damaged."""
    working = store.at_work(run)
    damaged = damage.seen_damaged(run, damage.SHOWN)
    lines = [f"damaged: {damage.finding_text(one)}" for one in damaged]
    try:
        first, *others = _lines(store.open_run(run), working, damaged=bool(damaged))
        lines = [first, *lines, *others]
    except BadInput:
        if not damaged:
            raise
    yield from lines
    damage.refuse_damage(run, {run: damaged}, 1)


def _table(folder: Path, runs: list[Path], found: dict[Path, list[store.Finding]]) -> Iterator[str]:
    """A row for each run, then what is damaged, a line each; it is put into ``found``, by run."""
    rows = []
    for path in runs:
        run = _opened(path)
        if ones := damage.seen_damaged(path, opened=None if isinstance(run, str) else run):
            found[path] = ones
        rows.append(_row(folder, path, run, damaged=bool(ones)))
    yield from _table_text(folder, rows).split("\n")
    yield from damage.damage_lines(folder, found)


def _table_text(folder: Path, rows: list[list[str]]) -> str:
    """A row for each run, with what it is, has and lacks."""
    of_heads = [_SHARE in row[_LENGTH] for row in rows]
    lengths = f"{_SHARE}s" if all(of_heads) else "epochs"
    header = ["run", "network", "data", "examples", "trials", lengths, "accuracy", "state"]
    heads = "; of heads on what they had not seen" if any(of_heads) else ""
    note = (
        f"Accuracy is the mean over trials, on what was measured{heads}. `easiness status` of one run says "
        "more."
    )
    title = f"{folder}: {show.counted(len(rows), 'run')}"
    return show.sections_text([show.Section(title, note, [header, *rows])])


def _opened(path: Path) -> store.Run | str:
    """The run, or why it cannot be opened."""
    if not store.is_run(path):
        return "at work"
    try:
        return store.open_run(path)
    except store.LaterVersion:
        return "of a later version"
    except BadInput:
        return "damaged"


def _row(folder: Path, path: Path, run: store.Run | str, *, damaged: bool) -> list[str]:
    name, working = str(path.relative_to(folder)), store.at_work(path)
    if isinstance(run, str):
        return [name, "", "", "", "", "", "", run]
    measured, missing = run.spec.measured, _missing(run)
    of = "left_out" if run.shares else "train"
    last = [trial.accuracy()[of] for trial in run.trials if of in trial.accuracy()]
    if working is not None:
        state = f"at work, {len(missing)} to go" if missing else "at work"
        hourly = _hourly(store.last_events(path), datetime.now(UTC))
        if missing and hourly:
            state += f", {_until(len(missing), hourly)}"
    elif failures := run.failures():
        state = f"{len(failures)} failed"
    else:
        state = f"{len(missing)} missing" if missing else "finished"
    if damaged:
        state = f"damaged, {state}"
    return [
        name,
        run.network,
        str(run.spec.data.source or "arrays"),
        f"{run.spec.data.train.num_examples:,}",
        str(len(run.trials)) if measured is None else f"{len(run.trials)} of {measured.trials}",
        show.counted(len(run.shares), _SHARE) if run.shares else str(run.epochs),
        f"{sum(last) / len(last):.3f}" if last else "",
        state,
    ]


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


def _lines(run: store.Run, working: store.AtWork | None, *, damaged: bool) -> list[str]:
    """All there is to say of one run; what its sets hold only where nothing is damaged."""
    asked, measured = run.spec, run.spec.measured
    lines = _heading(run)
    if asked.data.num_unreadable:
        what = asked.data.examples_text
        lines.append(f"{what} left out, since they cannot be read: {asked.data.unreadable_text()}")
    if asked.data.num_other_files:
        no = "pictures" if asked.data.kind == "image" else asked.data.examples_text
        lines.append(f"files left out, since by name they are no {no}: {asked.data.other_files_text()}")
    if measured is not None:
        finished = f"epochs: {run.epochs} finished in every trial, {measured.epochs} asked"
        lines.append(f"shares: {spec.shares_text(run.shares)}" if run.shares else finished)
    if asked.observe != spec.ALL:
        lines.append(f"observations: {spec.observe_text(asked.observe)}")
    if measured is not None:
        lines.append(f"precision: {measured.resolved.precision} ({measured.resolved.reason})")
    lines += _work(run, working)
    if run.document.stopped is not None:
        lines.append(f"reliability: {run.document.stopped.sentence}")
    of_reason: dict[str, list[int]] = {}
    for index, reason in run.failures().items():
        of_reason.setdefault(reason, []).append(index)
    lines += [f"failed: {show.trials_text(indices)}: {reason}" for reason, indices in of_reason.items()]
    lines += _accuracies(run)
    if len(run.trials) > MOST_READ:
        return [*lines, "reliability of its sets: not computed here, since every trial would have to be read"]
    return lines + (matching.outlook_lines(run) if run.observed and not damaged else [])


def _heading(run: store.Run) -> list[str]:
    """What was trained how often, and on what."""
    data, measured, num = run.spec.data, run.spec.measured, len(run.trials)
    trials = (
        show.counted(num, "trial")
        if measured is None
        else f"{num} of {show.counted(measured.trials, 'trial')}"
    )
    return [
        f"{run.path}: {printable(run.network)}, {trials} finished",
        f"data: {printable(data.source or 'arrays')}, {data.train.num_examples} examples "
        f"of {len(run.classes)} classes",
    ]


def _work(run: store.Run, working: store.AtWork | None) -> list[str]:
    """What is in hand, or what is missing where nobody is at work."""
    missing = _missing(run)
    if working is None:
        if not missing:
            return []
        which = show.trials_text(missing)
        return [f"missing: {which}; no process is at work, run the same `easiness measure` to go on"]
    left = f"; {show.counted(len(missing), 'trial')} to go with these" if missing else ""
    hand = [index for index in working.trials if index in missing]
    lines = [f"at work: {_process(working)}{f' on {show.trials_text(hand)}{left}' if hand else ''}"]
    hourly = _hourly(store.last_events(run.path), datetime.now(UTC))
    if missing and hourly:
        rate = f"{hourly:,.0f}" if hourly >= 10 else f"{hourly:.1f}"
        seconds = 3600 * len(missing) / hourly
        ahead = f"about {show.duration_text(seconds)} left, {_until(len(missing), hourly)}"
        lines.append(f"rate: {rate} trials an hour; {ahead}")
    return lines


def _until(num_missing: int, hourly: float) -> str:
    """When the last of the missing trials is finished, by the clock on the wall."""
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
    """Indices of the trials that were asked for and are not there, or not as long as asked."""
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


def _accuracies(run: store.Run) -> list[str]:
    """The last accuracy of each trial, or of many the least and the most."""
    if len(run.trials) <= _MOST_LINES:
        lines = []
        for trial in run.trials:
            final = ", ".join(f"{_plain(k)} {v:.3f}" for k, v in trial.accuracy().items())
            length = show.counted(trial.epochs, "share" if run.shares else "epoch")
            took = "" if trial.document.seconds is None else f" in {trial.document.seconds:.0f} s"
            lines.append(f"trial {trial.index}: {length}{took}, accuracy {final}")
        return lines
    ranges = []
    for name in run.trials[0].accuracy():
        last = [trial.accuracy()[name] for trial in run.trials]
        ranges.append(f"{_plain(name)} {show.interval_text(min(last), max(last), 3)}")
    return [f"{show.trials_text([trial.index for trial in run.trials])}: accuracy {', '.join(ranges)}"]


def _plain(name: str) -> str:
    return name.replace("_", "-")
