"""Output of commands: a result is printed, written where asked, and followed by what to do next."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import typer

from easiness import data, show, store
from easiness.errors import BadInput, RunFailed, printable
from easiness.lazy import pd
from easiness.regular_file import sharing
from easiness.show import SUFFIXES, Result, render

Place = TypeVar("Place")


def check_output_file(path: Path, suffixes: tuple[str, ...] = SUFFIXES, *, decisions: bool = False) -> None:
    """Make sure that ``path`` has a suffix we write and a folder to lie in, and loses nobody's decisions.

    It may be a file of them where ``decisions`` are what is written.
    """
    if path.suffix not in suffixes:
        raise BadInput(f"{path}: cannot tell the format; end the name in {' or '.join(suffixes)}")
    _check_place(path, Path.is_dir, "is a folder; give a file name")
    if not decisions:
        _check_no_decisions(path)


def _check_no_decisions(path: Path) -> None:
    """Make sure that there is no file with the columns in which people decide and sign."""
    if {"action", "by"} <= {*data.csv_header(path)}:
        raise BadInput(f"{path}: holds decisions of people; give another name for -o")


def check_output_folder(path: Path) -> None:
    _check_place(path, Path.exists, "exists already; give the name of a new folder")


def _check_place(path: Path, is_taken: Callable[[Path], bool], why: str) -> None:
    try:
        if is_taken(path):
            raise BadInput(f"{path}: {why}")
        if not path.absolute().parent.is_dir():
            raise BadInput(f"{path}: the folder {path.parent} does not exist; make it first")
    except OSError as error:  # a name may be too long
        raise BadInput(f"{path}: cannot be written ({error.strerror}); choose another name") from None


def output_file(path: Path) -> AbstractContextManager[BinaryIO]:
    """The file to fill; what cannot be written raises `RunFailed` and leaves what was there."""
    return _or_failed(path, path.parent, store.file_written_whole(path))


def output_folder(path: Path) -> AbstractContextManager[Path]:
    """The folder to fill, which takes its name in the end; on `RunFailed` nothing is left of it."""
    return _or_failed(path, path, store.folder_written_whole(path))


@contextmanager
def _or_failed(path: Path, folder: Path, filling: AbstractContextManager[Place]) -> Iterator[Place]:
    try:
        with sharing(folder), filling as place:
            yield place
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None


def write_file(path: Path, data: bytes) -> None:
    with output_file(path) as file:
        file.write(data)


def write_page(path: Path, page: Callable[[], str]) -> None:
    """Write the text that ``page`` makes, in which paths are seen from the folder of the file."""
    _check_no_decisions(path)
    with sharing(path.parent):
        content = page()
    write_file(path, content.encode())


def write_result(path: Path, result: Result) -> None:
    with output_file(path) as file:
        render(result, path.suffix, file)


def say(line: str, *, err: bool = False) -> None:
    typer.echo(printable(line), err=err)


def say_text(text: str, *, err: bool = False) -> None:
    """Print lines that are ours, such as those of a table."""
    typer.echo("\n".join(map(printable, text.split("\n"))), err=err)


def print_rows(table: pd.DataFrame) -> None:
    """Write a table as CSV to standard output: as it is to a pipe or a file, printable to a terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # whose encoding may lack letters of a name
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stdout.isatty():
        table = table.map(lambda cell: printable(cell) if isinstance(cell, str) else cell)
        table = table.rename(columns=lambda name: printable(str(name)))
    show.write_csv(table, sys.stdout)


OUTPUT_HELP = (
    "Also write FILE.csv, .parquet or .json (rows), .md (tables to read), .html (a page), .png, .svg or .pdf "
    "(the figure); may be given several times."
)


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
            _set_aside(output, result)
        write_result(output, result)
        say_written(output)
    for drawing, figure in result.drawings().items():
        write_file(drawing, show.picture_bytes(figure, drawing.suffix))
        say_written(drawing)
    for line in result.next_steps(outputs):
        say(line, err=aside)
    result.check()


def _set_aside(output: Path, result: show.Result) -> None:
    """Keep a file of rows that somebody may have edited under another name."""
    if output.suffix != ".csv" or not output.is_file():
        return
    if (old := output.read_bytes()) != show.file_bytes(result, ".csv"):
        aside = output.with_name(f"{output.name}~")
        write_file(aside, old)
        say(f"{output} had other {result.listing or 'rows'}, which are now in {aside}", err=True)


def say_written(path: Path) -> None:
    """Say what was written, on standard error: standard output may be a result that somebody reads on."""
    say(f"wrote {path}", err=True)
