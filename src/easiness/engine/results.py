"""What commands do with a result: print it, write it where asked, and say what to do next."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from easiness import show
from easiness.engine.files import check_output_file, write_figure, write_file, write_result
from easiness.errors import printable

if TYPE_CHECKING:
    import pandas as pd


def say(line: str, *, err: bool = False) -> None:
    typer.echo(printable(line), err=err)


def say_text(text: str, *, err: bool = False) -> None:
    """Print lines that are ours, such as those of a table."""
    typer.echo("\n".join(map(printable, text.split("\n"))), err=err)


def print_rows(table: pd.DataFrame) -> None:
    """Write a table as CSV to standard output: as it is to a pipe or a file, printable to a terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # whose encoding may lack letters of a name
        sys.stdout.reconfigure(errors="backslashreplace")
    show.write_csv(_printable(table) if sys.stdout.isatty() else table, sys.stdout)


def _printable(table: pd.DataFrame) -> pd.DataFrame:
    return table.map(lambda cell: printable(cell) if isinstance(cell, str) else cell).rename(
        columns=lambda name: printable(str(name))
    )


WRITTEN = (
    "Also write FILE.csv, .parquet or .json (rows), .md (tables to read), .html (a page), .png, .svg or .pdf "
    "(the figure); may be given several times."
)


def check_outputs(
    outputs: Sequence[Path], suffixes: tuple[str, ...] = (), *, decisions: bool = False
) -> None:
    """Make sure, before anything is done, that a result (of ``decisions``) can go to the files of ``-o``."""
    for output in outputs:
        check_output_file(output, (*suffixes, *show.SUFFIXES), decisions=decisions)


def show_result(result: show.Result, outputs: Sequence[Path] = (), *, decisions: bool = False) -> None:
    """Print the tables of a result, write its files, and say what is next.

    A result that is rows is printed itself where no file is asked for, and all else goes to standard error.
    A file of ``decisions`` that somebody may have edited is kept under another name.
    """
    aside = bool(result.listing)
    if aside and not outputs:
        print_rows(result.table())
    for notice in result.notices:
        say(f"note: {notice}", err=True)
    if text := result.in_words():
        say_text(text, err=aside)
    for output in outputs:
        if decisions:
            set_aside(output, result)
        write_result(output, result)
        say_written(output)
    for drawing, figure in result.drawings().items():
        write_figure(drawing, figure)
        say_written(drawing)
    for line in result.next_steps(outputs):
        say(line, err=aside)
    result.check()


def set_aside(output: Path, result: show.Result) -> Path | None:
    """Where a file of rows is now that somebody may have edited, before a result takes its name; says so."""
    if output.suffix != ".csv" or not output.is_file():
        return None
    if (old := output.read_bytes()) == show.rendered(result, ".csv"):
        return None
    kept = output.with_name(f"{output.name}~")
    write_file(kept, old)
    say(f"{output} had other {result.listing or 'rows'}, which are now in {kept}", err=True)
    return kept


def say_written(path: Path) -> None:
    """Say what was written, on standard error: standard output may be a result that somebody reads on."""
    say(f"wrote {path}", err=True)
