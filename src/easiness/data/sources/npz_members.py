"""The arrays in an ``.npz`` file: what each takes is read off its header before any memory is."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness.data.memory import GIB, available_memory
from easiness.data.pictures.decode import one_line
from easiness.errors import BadInput
from easiness.regular_file import open_regular

_SAVE = "save it with numpy.savez(path, x=x, y=y)"
_AGAIN = "save it again"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class _Member(NamedTuple):
    """An array as its header has it; ``num_bytes`` is what it takes of memory."""

    name: str
    num_bytes: int


def read_npz(path: Path, keys: Sequence[str], needed: Sequence[Sequence[str]]) -> dict[str, npt.NDArray[Any]]:
    """Those of the arrays ``keys`` that the file at ``path`` has.

    Of each group in ``needed`` it has to have all or none, and all of the first.

    Raises:
        BadInput: it is no ``.npz`` file, an array is missing, or one is damaged, pickled or no array; or they
            take more memory than there is.
    """
    try:
        with warnings.catch_warnings(), open_regular(path) as file, zipfile.ZipFile(file) as zipped:
            warnings.simplefilter("ignore", UserWarning)  # numpy's, that files of Python 2 take longer
            names = {name.removesuffix(".npy"): name for name in zipped.namelist()}
            _check_all_there(path, names, needed)
            members = {key: _member(path, key, zipped, names[key]) for key in keys if key in names}
            _check_memory(path, members.values())
            return {key: _array(path, key, zipped, member) for key, member in members.items()}
    except zipfile.BadZipFile:
        raise BadInput(f"{path}: not an .npz file that can be read; {_SAVE}") from None
    except OSError as error:
        raise BadInput(f"{path}: the file cannot be read ({error.strerror or error}); {_SAVE}") from None


def _check_all_there(path: Path, names: dict[str, str], needed: Sequence[Sequence[str]]) -> None:
    for number, group in enumerate(needed):
        missing = [key for key in group if key not in names]
        if missing and (number == 0 or len(missing) < len(group)):
            found = ", ".join(names) or "nothing"
            raise BadInput(f"{path}: no array named {missing[0]} (found {found}); {_SAVE}")


def _member(path: Path, key: str, zipped: zipfile.ZipFile, name: str) -> _Member:
    """What the header says, where the file holds so much."""
    try:
        with zipped.open(name) as opened:
            shape, dtype = _header(opened)
            num_left = zipped.getinfo(name).file_size - opened.tell()
    except Exception as error:  # numpy's parser and the decoders may raise anything on broken bytes
        raise BadInput(
            f"{path}: {key} is no array that can be read ({one_line(error):.200}); {_SAVE}"
        ) from None
    if dtype.hasobject:
        raise BadInput(
            f"{path}: {key} is an array of objects, which would have to be unpickled; save it as numbers "
            "or strings"
        )
    num_bytes = math.prod(shape) * dtype.itemsize
    if num_bytes > num_left or (num_bytes == 0 and shape[:1] != (0,)):
        raise BadInput(
            f"{path}: {key} is damaged (an array of shape {shape!s:.80} and dtype {dtype!s:.80} in "
            f"{num_left} bytes); {_AGAIN}"
        )
    return _Member(name, num_bytes)


def _header(opened: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(opened)
    if version not in _HEADERS:
        raise ValueError(f"format {version[0]}.{version[1]}, which is for fields with names")
    shape, _, dtype = _HEADERS[version](opened)
    if any(side < 0 for side in shape):
        raise ValueError(f"shape {shape}")
    return shape, dtype


def _check_memory(path: Path, members: Iterable[_Member]) -> None:
    needed, available = sum(member.num_bytes for member in members), available_memory()
    if available is not None and needed > available:
        raise BadInput(
            f"{path}: its arrays need {needed / GIB:.1f} GiB and {available / GIB:.1f} GiB of memory are "
            "available; save fewer examples, or images as uint8"
        )


def _array(path: Path, key: str, zipped: zipfile.ZipFile, member: _Member) -> npt.NDArray[Any]:
    try:
        with zipped.open(member.name) as opened:
            return np.lib.format.read_array(opened, allow_pickle=False)
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise BadInput(f"{path}: {key} is damaged ({one_line(error):.200}); {_AGAIN}") from None
