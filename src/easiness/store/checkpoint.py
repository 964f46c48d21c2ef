"""How far a training has come, as a folder in its run: tensors, and a document that is sealed by a digest.

A checkpoint belongs to the trials that train side by side, and is named by the first of them and its epoch.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from easiness.errors import BadInput
from easiness.spec import content_hash
from easiness.store.files import FileDigest, digest, folder_written_whole, is_intact, sweep, write_whole
from easiness.store.inside import FileName
from easiness.store.json_file import read_json

if TYPE_CHECKING:
    from torch import Tensor

CHECKPOINTS = "checkpoints"
_DOCUMENT = "checkpoint.json"
_TENSORS = "state.safetensors"
_MOST_BYTES = 2**20  # of the document, which takes a few hundred


class CheckpointDocument(BaseModel):
    """``checkpoint.json``. It is of use where ``identity``, ``easiness`` and ``torch`` are the same.

    ``seconds`` were spent until then, and ``images`` went through the network; ``failures`` says why trials
    have failed, by their place among those side by side.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    identity: str
    easiness: str
    torch: str
    epoch: int = Field(ge=1)
    images: int = Field(ge=0)
    seconds: float = Field(ge=0)
    failures: dict[int, str] = {}
    files: dict[FileName, FileDigest] = {}


@dataclass(frozen=True)
class StoredCheckpoint:
    """What was read of a checkpoint, and found whole."""

    document: CheckpointDocument
    tensors: Mapping[str, Tensor]


def checkpoints_of(folder: Path, first: int) -> list[Path]:
    """Those of the trials that begin with this one, the latest epoch first."""
    return sorted(folder.glob(f"{_name(first)}*"), reverse=True)


def _name(first: int) -> str:
    return f"{first:04d}-"


def write_checkpoint(
    folder: Path, first: int, document: CheckpointDocument, tensors: Mapping[str, Tensor]
) -> None:
    """Write one, whole or not at all, and remove those of other epochs; ``tensors`` are contiguous.

    Raises:
        OSError, SafetensorError: it cannot be written.
    """
    from safetensors.torch import save_file

    path = folder / f"{_name(first)}{document.epoch:06d}"
    others = [other for other in checkpoints_of(folder, first) if other != path]
    if path.exists():  # another process was given the same trials, or this one is not of use
        shutil.rmtree(path)
    with folder_written_whole(path) as aside:
        save_file(dict(tensors), aside / _TENSORS)
        files = {_TENSORS: digest(aside / _TENSORS)}
        content = document.model_copy(update={"files": files}).model_dump(mode="json")
        sealed = {"checkpoint": content, "sha256": content_hash(content)}
        write_whole(aside / _DOCUMENT, json.dumps(sealed, indent=1).encode())
    for other in others:
        shutil.rmtree(other, ignore_errors=True)


def read_checkpoint(path: Path, identity: str, easiness: str, torch: str) -> StoredCheckpoint:
    """Read one, which has to be whole and of these.

    Raises:
        BadInput: it is not; says why in a few words.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        document = _document(path / _DOCUMENT)
        file = path / _TENSORS
        if file.is_symlink() or not file.is_file() or not _is_of(document, file):
            raise ValueError
        if document.identity != identity:
            raise BadInput("it is of a training with other settings")
        for name, there, here in (
            ("easiness", document.easiness, easiness),
            ("torch", document.torch, torch),
        ):
            if there != here:
                raise BadInput(f"it was written with {name} {there}, this is {here}")
        return StoredCheckpoint(document, load_file(file))
    except BadInput:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError, SafetensorError):
        raise BadInput("it is damaged") from None


def _is_of(document: CheckpointDocument, file: Path) -> bool:
    return set(document.files) == {_TENSORS} and is_intact(file, document.files[_TENSORS])


def _document(file: Path) -> CheckpointDocument:
    if file.is_symlink():
        raise ValueError
    sealed = read_json(file, _MOST_BYTES)
    if content_hash(sealed["checkpoint"]) != sealed["sha256"]:
        raise ValueError
    return CheckpointDocument.model_validate(sealed["checkpoint"])


def remove_checkpoints(folder: Path, first: int) -> None:
    """Remove those of the trials that begin with this one; what cannot be removed stays."""
    for path in checkpoints_of(folder, first):
        shutil.rmtree(path, ignore_errors=True)


def clear_checkpoints(folder: Path, but: Collection[int] = ()) -> None:
    """Remove all but those of the trials that begin with these, and the folder where there are none.

    Nobody may be writing to it; what cannot be removed stays.
    """
    if not folder.is_dir():
        return
    sweep(folder)
    for path in folder.iterdir():
        first = path.name.split("-")[0]
        if not (first.isdecimal() and int(first) in but):
            shutil.rmtree(path, ignore_errors=True)
    if not but:
        with contextlib.suppress(OSError):
            folder.rmdir()
