"""What commands do with a result: make it, with progress shown, print it and write it where asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from easiness import executors, pages, runs, show
from easiness.cli.kit import said
from easiness.spec import Execution

Found = TypeVar("Found", bound=show.Result)

FILES = "FILE.csv, .parquet or .json (rows), .md (tables to read), .png, .svg or .pdf (the figure)"
WRITTEN = f"Also write {FILES}."
"""Help of commands that print their result anyway."""


def check_output(output: Path | None, *, decisions: bool = False) -> None:
    """Make sure, before anything is done, that a result (of ``decisions``) can go to the file of ``-o``."""
    if output is not None:
        pages.check_output_file(output, decisions=decisions)


def carry_out(study: Callable[[runs.Progress], Found], execution: Execution, output: Path | None) -> Found:
    """The result of a study that trains, with progress shown; what can be refused is refused before."""
    executors.check_execution(execution)
    check_output(output)
    with runs.ShownProgress() as progress:
        return study(progress)


def show_result(result: show.Result, output: Path | None) -> None:
    """Print the tables of a result, and write it to the file of ``-o`` where there is one."""
    said.say_text(show.sections_text(result.sections()))
    if output is not None:
        write_output(output, result)


def write_output(output: Path, result: show.Result) -> None:
    """Write a result to a file, and say so."""
    pages.write_result(output, result)
    say_written(output)


def set_aside(output: Path, result: show.Result, rows: str = "rows") -> Path | None:
    """Where a file of rows is now that somebody may have edited, before a result takes its name; says so."""
    if output.suffix != ".csv" or not output.is_file():
        return None
    if (old := output.read_bytes()) == show.rendered(result, ".csv"):
        return None
    kept = output.with_name(f"{output.name}~")
    pages.write_file(kept, old)
    said.say(f"{output} had other {rows}, which are now in {kept}", err=True)
    return kept


def say_written(path: Path) -> None:
    """Say what was written, on standard error: standard output may be a result that somebody reads on."""
    said.say(f"wrote {path}", err=True)
