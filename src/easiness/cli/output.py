"""Output files named on the command line: refused before the work, written whole after it."""

from __future__ import annotations

from pathlib import Path

from easiness.errors import BadInput, RunFailed
from easiness.store.files import write_whole


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


def write_file(path: Path, data: bytes) -> None:
    """Write the file, or raise `RunFailed` and leave what was there."""
    try:
        write_whole(path, data)
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None
