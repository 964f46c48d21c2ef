"""Files that users name: regular ones alone, so that no pipe is waited for and no device read without end.

A fault is an `OSError` whose ``strerror`` says it, as for any other file that cannot be read.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO, cast

MOST_IN_A_LINE = 2**20
"""Characters: a file without line ends is no table, and would be taken into memory whole."""

UTF_8 = "utf-8-sig"
"""With or without the mark that some programs begin with."""

_RATIO = 100  # of what texts are packed by at most, and that above so many bytes
_NO_BOMB = 2**26
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def at_home(path: str | os.PathLike[str]) -> Path:
    """The path of a user with the home folder in place of ``~``, which a shell leaves in ``--out=~/run``."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


_shared_from: ContextVar[Path | None] = ContextVar("shared_from", default=None)
_HOMES = frozenset({"home", "users"})  # folders in which people have theirs, in small letters
_ABSOLUTE = re.compile(r"([\w.-]+:)?(/(?!/).*)", re.DOTALL)


@contextmanager
def sharing(folder: Path) -> Iterator[None]:
    """Meanwhile `in_words` says where things lie from the ``folder`` of a file that others may get."""
    before = _shared_from.set(folder.resolve())
    try:
        yield
    finally:
        _shared_from.reset(before)


def in_words(path: object) -> str:
    """The words for a path, or for a text that is or ends in an absolute one, as ``hf:/data/model`` does.

    It is said as it is, and in files that others may get (`sharing`) by the way from there; by the last name
    alone where the way leads through a folder above the home folder, or by one that has the user's name.
    """
    text, folder = str(path), _shared_from.get()
    match = _ABSOLUTE.fullmatch(text)
    if folder is None or not (match or isinstance(path, Path)):
        return text
    form, place = (match[1] or "", Path(match[2])) if match else ("", Path.cwd() / text)
    place = place.parent.resolve() / place.name
    return form + (way_between(folder, place) or place.name)


def way_between(folder: Path, place: Path) -> str:
    """The relative path from a folder to a place, both absolute; empty where it would tell whose they are."""
    home = at_home("~").resolve()
    try:
        way, common = os.path.relpath(place, folder), Path(os.path.commonpath([place, folder]))
    except ValueError:  # on two drives
        return ""
    tells = common in home.parents or common.name.lower() in _HOMES or home.name in Path(way).parts
    return "" if tells else way


def last_name(text: str) -> str:
    """A name, of which an absolute path at the end is only its last name."""
    match = _ABSOLUTE.fullmatch(text)
    return (match[1] or "") + Path(match[2]).name if match else text


def open_regular(path: Path) -> BinaryIO:
    """The file at ``path``, opened for reading."""
    try:
        return open(path, "rb", opener=_regular)
    except ValueError:
        raise OSError(errno.EINVAL, "no file has such a name", str(path)) from None


def open_growing(path: Path) -> BinaryIO:
    """The file at ``path``, made where it is not there, opened to be read and written in place.

    Files in a folder of ours may have come with it from others: a link is not written through.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, through which writing would leave its folder", str(path))
    flags = os.O_CREAT | os.O_NOFOLLOW
    return open(path, "r+b", opener=lambda name, own: _regular(name, own | flags))


def _regular(path: str, flags: int) -> int:
    """As `os.open`, which else waits at a pipe until somebody writes to it, of files that are regular."""
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):  # a folder is refused by whoever opens it
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'something else')} and no file", path)
    return descriptor


def read_regular(path: Path, most: int) -> bytes:
    """All bytes of the file at ``path``, which are at most ``most``."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it is larger than {most // 1024} KiB", str(path))
        return file.read()


def text_lines(
    path: Path, errors: str = "strict", encoding: str = UTF_8, most: int | None = None
) -> Iterator[str]:
    """The lines of the text at ``path``, which may be a ``.gz``, with their ends but no byte order mark.

    They have less than ``most`` characters, by default `MOST_IN_A_LINE`.
    """
    most = most or MOST_IN_A_LINE
    with io.TextIOWrapper(_text_file(path), encoding=encoding, errors=errors, newline="") as file:
        number = 0
        while line := file.readline(most):
            number += 1
            if len(line) == most:
                raise OSError(errno.EFBIG, f"line {number} is longer than any table has", str(path))
            yield line


class _GzipReader(gzip.GzipFile):
    """A damaged file is an `OSError`, as for any other file."""

    most = _NO_BOMB

    def read1(self, size: int = -1) -> bytes:
        try:
            content = super().read1(size)
        except (EOFError, zlib.error) as error:
            raise OSError(errno.EIO, f"it is damaged: {error}") from None
        if self.tell() > self.most:
            raise OSError(errno.EFBIG, f"it unpacks to more than {_RATIO} times its size: unpack it first")
        return content


def _text_file(path: Path) -> Any:
    file = open_regular(path)
    if path.suffix.lower() != ".gz":
        return file
    reader = _GzipReader(fileobj=file)
    reader.most = max(_NO_BOMB, _RATIO * os.fstat(file.fileno()).st_size)
    reader.myfileobj = cast(Any, file)  # to be closed with it
    return reader
