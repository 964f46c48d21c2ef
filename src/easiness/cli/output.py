"""Output files named on the command line: refused before the work, written whole after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from easiness.errors import BadInput, RunFailed
from easiness.store.files import file_written_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from easiness.show.section import Section

TABLE_SUFFIXES = (".csv", ".md", ".json")
"""What `write_table` writes."""

PICTURE_SUFFIXES = (".png", ".svg")
"""What `write_figure` writes."""

RESULT_SUFFIXES = (*TABLE_SUFFIXES, *PICTURE_SUFFIXES)
"""What `write_result` writes."""


def check_output_file(path: Path, suffixes: tuple[str, ...]) -> None:
    """Make sure that ``path`` has a suffix we write and a folder to lie in.

    Raises:
        BadInput: it has not.
    """
    if path.suffix not in suffixes:
        raise BadInput(f"{path}: cannot tell the format; end the name in {' or '.join(suffixes)}")
    try:
        is_folder, has_folder = path.is_dir(), path.absolute().parent.is_dir()
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); choose another name") from None
    if is_folder:
        raise BadInput(f"{path}: is a folder; give a file name")
    if not has_folder:
        raise BadInput(f"{path}: the folder {path.parent} does not exist; make it first")


@contextmanager
def output_file(path: Path) -> Iterator[BinaryIO]:
    """The file to fill; what cannot be written raises `RunFailed` and leaves what was there."""
    try:
        with file_written_whole(path) as file:
            yield file
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None


def write_file(path: Path, data: bytes) -> None:
    """Write the file, or raise `RunFailed` and leave what was there."""
    with output_file(path) as file:
        file.write(data)


def write_table(path: Path, sections: Iterable[Section], table: pd.DataFrame) -> None:
    """Write a result: its table as CSV or JSON (a list of rows), or its sections as Markdown."""
    import json

    from easiness.show.section import defined, sections_markdown

    if path.suffix == ".md":
        text = sections_markdown(sections) + "\n"
    elif path.suffix == ".json":
        rows = [defined(row) for row in table.to_dict("records")]
        text = json.dumps(rows, indent=1, allow_nan=False) + "\n"
    else:
        text = table.to_csv(index=False)
    write_file(path, text.encode())


def write_figure(path: Path, figure: Figure) -> None:
    """Write a figure as a picture."""
    from easiness.show.svg import picture_bytes

    write_file(path, picture_bytes(figure, path.suffix))


def write_result(
    path: Path, sections: Iterable[Section], table: pd.DataFrame, draw: Callable[[], Figure]
) -> None:
    """Write a result as what the name asks for: a table, or the figure that ``draw`` makes."""
    if path.suffix in PICTURE_SUFFIXES:
        write_figure(path, draw())
    else:
        write_table(path, sections, table)
