"""Files that a command writes its result to: how help names them, and the line that says it is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from easiness.show import Result

FILES = "FILE.csv, .parquet or .json (rows), .md (tables to read), .png, .svg or .pdf (the figure)"
WRITTEN = f"Also write {FILES}."
"""Of commands that print their result anyway."""


def write_output(output: Path, result: Result) -> None:
    """Write a result to the file of ``-o``, and say so."""
    from easiness.report import write_result

    write_result(output, result)
    say_written(output)


def say_written(path: Path) -> None:
    """Say what was written, on standard error: standard output may be a result that somebody reads on."""
    typer.echo(f"wrote {path}", err=True)
