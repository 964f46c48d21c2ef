"""Files that exist whole or not at all, and the digests by which damage is noticed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from pydantic import BaseModel, ConfigDict, Field

from easiness.errors import BadInput
from easiness.regular_file import open_regular

# names that a killed process may leave behind; never read, swept by the next writer
ASIDE = ".aside-"


class FileDigest(BaseModel):
    """Size and SHA-256 of a stored file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_bytes: int = Field(ge=0)
    sha256: str


def digest(path: Path) -> FileDigest:
    """Read a file once for its size and SHA-256.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    with open_regular(path) as file:
        num_bytes = os.fstat(file.fileno()).st_size
        found = hashlib.file_digest(cast(BufferedReader, file), "sha256")
        return FileDigest(num_bytes=num_bytes, sha256=found.hexdigest())


def is_intact(path: Path, expected: FileDigest) -> bool:
    """Is a file there, and what was written? One of another size is not read."""
    try:
        return path.stat().st_size == expected.num_bytes and digest(path) == expected
    except OSError:
        return False


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def file_written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to fill, so that a crash or an error in the block leaves the old content, never a part."""
    aside = path.with_name(f"{ASIDE}{uuid.uuid4().hex}")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _fsync(path.parent)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old content or the new, never a part."""
    with file_written_whole(path) as file:
        file.write(data)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """A new folder to fill, which takes its name ``path`` only when the block ends without an error."""
    aside = path.with_name(f"{ASIDE}{uuid.uuid4().hex}")
    aside.mkdir()
    try:
        yield aside
        for file in aside.iterdir():
            _fsync(file)
        _fsync(aside)
        aside.rename(path)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _fsync(path.parent)


def remove_folder(path: Path) -> None:
    """Remove a folder so that a crash leaves it whole or unnamed."""
    aside = path.with_name(f"{ASIDE}{uuid.uuid4().hex}")
    path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what killed writers left behind in ``folder``."""
    for path in folder.glob(f"{ASIDE}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def check_locks(path: Path) -> None:
    """Make sure that the file at ``path``, which is made where needed, can be locked, or is.

    Raises:
        OSError: the file system has no locks, or it is no regular file.
    """
    if not path.exists():
        path.touch()
    with open_regular(path) as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def check_writable(path: Path) -> None:
    """Make sure that the folder ``path`` could be made or written to, leaving nothing behind.

    Raises:
        BadInput: it could not.
    """
    ancestor = path.absolute()
    while not ancestor.exists() and ancestor != ancestor.parent:
        ancestor = ancestor.parent
    try:
        Path(tempfile.mkdtemp(prefix=ASIDE, dir=ancestor)).rmdir()
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written to ({error.strerror}: {ancestor}); choose another output"
        ) from None
