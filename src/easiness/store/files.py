"""Files that exist whole or not at all, the digests by which damage is noticed, and JSON read strictly.

Files of a run stay in its folder: documents name them without a path, and nothing is written through links.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import BufferedReader
from pathlib import Path, PureWindowsPath
from typing import Annotated, Any, BinaryIO, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, Field

from easiness.errors import BadInput
from easiness.regular_file import open_regular, read_regular
from easiness.spec import Frozen, content_hash

# names that a killed process may leave behind; never read, swept by the next writer
ASIDE = ".aside-"

_HALF = re.compile(rb"\\\x00*u\x00*d\x00*[89a-f]", re.IGNORECASE)  # of a letter; the other may be missing
MOST_BYTES = 2**28
"""The largest document: lists of a million names fit."""


def _without_path(name: str) -> str:
    # the rules of Windows know all separators, and drives too
    if name in ("", ".", "..") or "\0" in name or PureWindowsPath(name).name != name:
        raise ValueError(f"{name!r} is no name of a file in this folder")
    return name


FileName: TypeAlias = Annotated[str, AfterValidator(_without_path)]
"""The name of a file in the folder of the document that has it: it leads nowhere else."""


class FileDigest(Frozen):
    """Size and SHA-256 of a stored file."""

    num_bytes: int = Field(ge=0)
    sha256: str


def digest(path: Path) -> FileDigest:
    with open_regular(path) as file:
        num_bytes = os.fstat(file.fileno()).st_size
        sha = hashlib.file_digest(cast(BufferedReader, file), "sha256")
        return FileDigest(num_bytes=num_bytes, sha256=sha.hexdigest())


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


def _aside(path: Path) -> Path:
    return path.with_name(f"{ASIDE}{uuid.uuid4().hex}")


@contextmanager
def file_written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to fill, so that a crash or an error in the block leaves the old content, never a part."""
    aside = _aside(path)
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
    aside = _aside(path)
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
    aside = _aside(path)
    path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what killed writers left behind in ``folder``."""
    for name in os.listdir(folder) if folder.is_dir() else ():  # noqa: PTH208 - of very many trials
        if not name.startswith(ASIDE):
            continue
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def check_locks(path: Path) -> None:
    """Make sure that the file at ``path``, which is made where needed, can be locked, or is."""
    if not path.exists():
        path.touch()
    with open_regular(path) as file, contextlib.suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def check_writable(path: Path) -> None:
    """Make sure that the folder ``path`` could be made or written to, leaving nothing behind."""
    ancestor = path.absolute()
    while not ancestor.exists() and ancestor != ancestor.parent:
        ancestor = ancestor.parent
    try:
        folder = Path(tempfile.mkdtemp(prefix=ASIDE, dir=ancestor))
        with contextlib.suppress(FileNotFoundError):  # another process may have swept it away
            folder.rmdir()
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written to ({error.strerror}: {ancestor}); choose another output"
        ) from None


def check_no_links(*folders: Path) -> None:
    """Make sure that what is written below entries of these folders, where they are there, stays there."""
    for folder in folders:
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            link = next((entry.path for entry in entries if entry.is_symlink()), None)
        if link is not None:
            raise BadInput(
                f"{link}: is a link, through which writing would leave its folder; copy the folder without "
                "links (cp -rL)"
            )


def read_json(file: Path, most: int = MOST_BYTES) -> Any:
    try:
        content = read_regular(file, most)
        value = json.loads(content)
        if _HALF.search(content):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except RecursionError:
        raise ValueError(f"{file}: is nested without end") from None


def write_sealed(file: Path, name: str, document: BaseModel) -> None:
    value = document.model_dump(mode="json")
    write_whole(file, json.dumps({name: value, "sha256": content_hash(value)}, indent=1).encode())


def read_sealed(file: Path, name: str, most: int = MOST_BYTES) -> Any:
    """The JSON value of a document that `write_sealed` wrote, compared with its digest."""
    note = read_json(file, most)
    try:
        intact = content_hash(note[name]) == note["sha256"]
    except RecursionError:
        intact = False
    if not intact:
        raise ValueError(f"{file}: other content than was written")
    return note[name]


_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?[0-9a-z.+]{0,20}", re.ASCII)


def damage_error(path: Path) -> BadInput:
    return BadInput(
        f"{path}: this trial file is damaged or missing; run the same `easiness measure` with "
        "--retrain-damaged, or where you recorded it yourself remove the trial's folder and record it again"
    )


class LaterVersion(BadInput):
    """A later version of this package wrote the file."""


def own_version() -> str:
    return version("easiness")


def later(file: Path, document: Any, newest: int = 1) -> LaterVersion | None:
    """The error for a ``document`` (JSON value or bytes) of a later version, or format than ``newest``.

    Its ``format`` is 1 where it says none; what wrote it is its ``version``, or ``easiness`` in other fields.
    """
    values = _object(document)
    number, written_by = values.get("format", 1), values.get("version")
    for name in ("versions", "ran"):
        written_by = _object(values.get(name)).get("easiness", written_by)
    newer_format = type(number) is int and number > newest
    release, own = _release(written_by), _release(own_version())
    if not newer_format and (release is None or own is None or release <= own):
        return None
    by = "a later easiness" if release is None else f"easiness {written_by}"
    reads = f"this is {own_version()}, which reads format {newest}"
    return LaterVersion(f"{file}: was written by {by}, format {number}; {reads}: update easiness")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, bytes):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _release(text: Any) -> tuple[int, ...] | None:
    match = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else tuple(int(part or 0) for part in match.groups())
