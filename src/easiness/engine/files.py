"""Files that somebody named for a result: refused before the work, written whole after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from easiness.errors import BadInput, RunFailed
from easiness.regular_file import shared
from easiness.show import SUFFIXES, Result, picture_bytes, render
from easiness.store import file_written_whole, folder_written_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Filled = TypeVar("Filled")
Text = TypeVar("Text", bound=str)


def check_output_file(path: Path, suffixes: tuple[str, ...] = SUFFIXES, *, decisions: bool = False) -> None:
    """Make sure that ``path`` has a suffix we write and a folder to lie in, and loses nobody's decisions.

    It may be a file of them where ``decisions`` are what is written.
    """
    if path.suffix not in suffixes:
        raise BadInput(f"{path}: cannot tell the format; end the name in {' or '.join(suffixes)}")
    if _looked_at(path, Path.is_dir):
        raise BadInput(f"{path}: is a folder; give a file name")
    _check_has_folder(path)
    if not decisions:
        _check_no_decisions(path)


def _check_no_decisions(path: Path) -> None:
    """Make sure that there is no file with the columns in which people decide and sign."""
    from easiness.data import csv_header  # which loads NumPy, and is not needed for help

    if {"action", "by"} <= {*csv_header(path)}:
        raise BadInput(f"{path}: holds decisions of people; give another name for -o")


def check_output_folder(path: Path) -> None:
    if _looked_at(path, Path.exists):
        raise BadInput(f"{path}: exists already; give the name of a new folder")
    _check_has_folder(path)


def _check_has_folder(path: Path) -> None:
    if not _looked_at(path.absolute().parent, Path.is_dir):
        raise BadInput(f"{path}: the folder {path.parent} does not exist; make it first")


def _looked_at(path: Path, question: Callable[[Path], bool]) -> bool:
    """The answer, where the path is one that can be asked about: a name may be too long."""
    try:
        return question(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); choose another name") from None


def output_file(path: Path) -> AbstractContextManager[BinaryIO]:
    """The file to fill; what cannot be written raises `RunFailed` and leaves what was there."""
    return _or_failed(path, path.parent, file_written_whole(path))


def output_folder(path: Path) -> AbstractContextManager[Path]:
    """The folder to fill, which takes its name in the end; on `RunFailed` nothing is left of it."""
    return _or_failed(path, path, folder_written_whole(path))


@contextmanager
def _or_failed(path: Path, folder: Path, filling: AbstractContextManager[Filled]) -> Iterator[Filled]:
    try:
        with shared(folder), filling as filled:
            yield filled
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None


def write_file(path: Path, data: bytes) -> None:
    with output_file(path) as file:
        file.write(data)


def write_page(path: Path, page: Callable[[], Text]) -> Text:
    """Write the text that ``page`` makes, in which paths are seen from the folder of the file; returns it."""
    _check_no_decisions(path)
    with shared(path.parent):
        content = page()
    write_file(path, content.encode())
    return content


def write_result(path: Path, result: Result) -> None:
    with output_file(path) as file:
        render(result, path.suffix, file)


def write_figure(path: Path, figure: Figure) -> None:
    write_file(path, picture_bytes(figure, path.suffix))
