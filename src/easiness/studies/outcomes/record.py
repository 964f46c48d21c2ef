"""``record``: runs of what somebody else measured, outcomes of items or probabilities of classes."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from easiness.data import check_models, read_outcomes
from easiness.engine import Verb, heading, refuse_options, say
from easiness.errors import BadInput, nearest
from easiness.lazy import pd
from easiness.show import percent, quantity
from easiness.spec import Option, TrialsAre, read_columns, setting
from easiness.standard_error import say_on_stderr
from easiness.store import (
    Run,
    is_run,
    model_folders,
    open_run,
    record_outcomes,
    record_probabilities,
    runs_in,
)

_MODELS = "models"  # name of the run whose trials they are


@dataclass(frozen=True)
class RecordOptions:
    """Options of `record`."""

    table: Any = setting(
        "",
        "Outcomes: a CSV, Parquet or JSON-lines file, or a folder of them, with the columns item, model, "
        "trial, and right, score, count and correct, or answer and key. In Python also a DataFrame.",
        metavar="TABLE",
        typed=Path | None,
        argument=True,
    )
    out: Annotated[
        Path | None,
        Option("--out", "Folder for the runs, one below it for each model; of probabilities the run's."),
    ] = None
    columns: Mapping[str, str] | None = setting(
        "--columns",
        "Our names of columns, and yours: item=problem,right=passed.",
        metavar="OURS=YOURS,..",
        read=read_columns,
        typed=str | None,
    )
    errors: Literal["leave-out", "wrong"] = setting(
        "--errors", "Trials that errored are left out, or count as wrong.", default="leave-out"
    )
    trials_are: TrialsAre = setting(
        "--trials-are",
        "Rollouts of one model: how hard items are for it. Or models: how hard for models like these.",
        default="rollouts",
    )
    add: bool = setting("--add", "Join rows without a trial to those that are recorded.", default=False)
    probabilities: Any = setting(
        "--probabilities",
        "Instead of a table: probabilities of classes, a row an example, which nobody trained on it gave: "
        ".npy, .npz, or a table of numbers. Several files are several trials.",
        metavar="FILE",
        typed=list[Path] | None,
        several=True,
    )
    labels: Any = setting(
        "--labels", "Labels for --probabilities: a CSV with the column label, or .npy.", typed=Path | None
    )


@functools.cache
def _aside() -> str:
    """A folder that goes with the process."""
    folder = tempfile.mkdtemp(prefix="easiness-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _out(options: RecordOptions) -> Path:
    return options.out or Path(tempfile.mkdtemp(dir=_aside()))


def record(options: RecordOptions) -> Run | tuple[Run, ...]:
    """Record what somebody else measured: a run, or one for each of several models.

    Without ``out`` they are kept aside as long as the process lives.
    """
    if options.probabilities is not None:
        return _of_probabilities(options)
    runs = tuple(map(open_run, _record_table(options)))
    return runs[0] if len(runs) == 1 else runs


def _record_table(options: RecordOptions) -> dict[Path, int | None]:
    """Record a table: the folders of the runs, with the number of new trials where there was one before."""
    if options.table is None:
        raise BadInput("record: has nothing to record; give a table of outcomes, or --probabilities")
    if options.labels is not None:
        raise BadInput("--labels: are for --probabilities; a table of outcomes has a column key")
    for flag, word, words in (
        ("--errors", options.errors, ("leave-out", "wrong")),
        ("--trials-are", options.trials_are, get_args(TrialsAre)),
    ):
        if word not in words:  # in Python nothing else says so
            raise BadInput(f"{flag} {word!r}: unknown{nearest(str(word), words)}; give {' or '.join(words)}")
    table = read_outcomes(
        options.table,
        columns=options.columns or {},
        errors=options.errors,
        model=_nameless_model(options),
    )
    rows = _by_model(table.rows) if options.trials_are == _MODELS else table.rows
    where = options.table if isinstance(options.table, str | Path) else "table"
    if options.trials_are == "rollouts":
        check_models(table, where)
    by_model = {str(model): part for model, part in rows.groupby("model", sort=False)}
    if options.out is not None and is_run(options.out):
        raise BadInput(f"{options.out}: is a run; give a folder for runs, one below it for each model")
    for kind in {run.trials_are for run in _runs_before(options)} - {options.trials_are}:
        problem = f"has runs whose trials are {kind}, and these are {options.trials_are}"
        raise BadInput(f"{options.out}: {problem}; choose another --out")
    folders = model_folders(_out(options), list(by_model))
    if len(table.items) < 2 and not all(map(is_run, folders.values())):
        raise BadInput(f"{where}: 1 item, beside which nothing is hard; give several")
    for dry in (True, False):  # all that can be refused is, before anything is written
        num_new = {
            folders[model]: record_outcomes(
                folders[model],
                table.items,
                part,
                model=model,
                trials_are=options.trials_are,
                add=options.add,
                dry=dry,
            )
            for model, part in by_model.items()
        }
    num = table.num_errors
    left_out = [f"trials that errored and are left out: {num:,} (--errors wrong counts them)"] if num else []
    is_once = (
        len(by_model) > 1 and (rows["count"] == 1).all() and not rows.duplicated(["item", "model"]).any()
    )
    remedy = "--trials-are models says how hard items are for models like these"
    for note in (*left_out, *table.notes, *([f"one trial of each model: {remedy}"] if is_once else [])):
        say_on_stderr(f"note: {note}")
    return num_new


def _runs_before(options: RecordOptions) -> list[Run]:
    """The runs of outcomes that ``out`` has."""
    folders = [] if options.out is None else runs_in(options.out, several=True)
    return [run for run in map(open_run, filter(is_run, folders)) if run.is_outcomes]


def _nameless_model(options: RecordOptions) -> str | None:
    """The model of rows that name none: the only one, where they are to join; None if there are more."""
    models = [run.model for run in _runs_before(options)] if options.add else []
    if not models or "model" in models or options.trials_are == _MODELS:
        return "model"
    return models[0] if len(models) == 1 else None


def _of_probabilities(options: RecordOptions) -> Run:
    if options.labels is None:
        raise BadInput("--probabilities: come without labels; give --labels FILE")
    if options.table is not None:
        raise BadInput("--probabilities: stand for themselves; leave out the table of outcomes")
    of_outcomes = "is of outcomes, and there are --probabilities; leave it out"
    refuse_options(options, of_outcomes, among=("columns", "errors", "trials_are", "add"))
    return record_probabilities(options.probabilities, options.labels, _out(options))


def _by_model(rows: pd.DataFrame) -> pd.DataFrame:
    """A trial a model: its rate, and the answer that it gave most often, the first of equals."""
    keys = ["item", "model"]
    groups = rows.groupby(keys, sort=False, as_index=False)
    total = groups[["count", "correct"]].sum()
    by_answer = rows.groupby([*keys, "answer"], sort=False, as_index=False)[["count"]].sum()
    first = by_answer.sort_values("count", ascending=False, kind="stable").drop_duplicates(keys)
    total = total.merge(first[[*keys, "answer"]], on=keys, how="left")
    correct = total["correct"] / total["count"]
    return total.assign(trial=total["model"], model=_MODELS, count=1, correct=correct)


def _carry(options: RecordOptions) -> None:
    if options.out is None:
        raise BadInput("--out: is missing; name the folder for the runs, such as --out runs")
    if options.probabilities is not None:
        run = _of_probabilities(options)
        say(f"{run.path}: {quantity(len(run.ids), 'example')}, {quantity(len(run.trials), 'trial')}")
        return
    for path, num_new in _record_table(options).items():
        run = open_run(path)
        new = quantity(num_new or 0, "new answer") if run.trials_are == _MODELS else f"{num_new or 0:,} new"
        more = "" if num_new is None else f" ({new if num_new else 'nothing new'})"
        counts = quantity(len(run.ids), "item")
        num = quantity(run.num_outcome_trials, run.trials_are[:-1])
        say(f"{path}: {counts}, {num}{more}, {percent(float(run.outcomes.rate.mean()))} right on average")


RECORD = Verb(
    *heading("record"),
    RecordOptions,
    record,
    _carry,
    about=(
        "Answers of language models to a benchmark, pass rates, answers of a class: which items are hard, "
        "and how sure that is. Recording the same rows again changes nothing. lm-evaluation-harness' "
        "samples_*.jsonl and Every Eval Ever's instances are known by their form."
    ),
)
