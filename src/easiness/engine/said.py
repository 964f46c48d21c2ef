"""What commands print, which may quote what strangers wrote: no quote ends a line or moves the cursor."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import typer

from easiness import show
from easiness.errors import printable

if TYPE_CHECKING:
    import pandas as pd


def say(line: str, *, err: bool = False) -> None:
    """Print a line, on standard error where ``err`` says so."""
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
