"""How far a training has come, as a folder in its run: tensors, and a document that is sealed by a digest.

A checkpoint is named by its trial and epoch.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from easiness.errors import BadInput, recast
from easiness.lazy_torch import Tensor, safetensors
from easiness.spec import Frozen
from easiness.store import files
from easiness.store.files import FileDigest, FileName

CHECKPOINTS = "checkpoints"
_DOCUMENT = "checkpoint.json"
_TENSORS = "state.safetensors"
_MOST_BYTES = 2**20  # of the document, which takes a few hundred


class CheckpointDocument(Frozen):
    """``checkpoint.json``. It is of use where ``identity``, ``easiness`` and ``torch`` are the same.

    ``seconds`` were spent until then, and ``images`` went through the network. ``failures`` is from versions
    that trained several trials in one process, and is empty now.
    """

    format: Literal[1] = 1
    identity: str
    easiness: str
    torch: str
    epoch: int = Field(ge=1)
    images: int = Field(ge=0)
    seconds: float = Field(ge=0)
    failures: dict[int, str] = Field(default={})
    files: dict[FileName, FileDigest] = Field(default={})


def checkpoints_of(folder: Path, trial: int) -> list[Path]:
    return sorted(folder.glob(f"{trial:04d}-*"), reverse=True)


def write_checkpoint(
    folder: Path, trial: int, document: CheckpointDocument, tensors: Mapping[str, Tensor]
) -> None:
    """Write a checkpoint of contiguous ``tensors``, whole or not at all, and remove those of other epochs."""
    path = folder / f"{trial:04d}-{document.epoch:06d}"
    others = [other for other in checkpoints_of(folder, trial) if other != path]
    if path.exists():  # another process was given the same trial, or this one is not of use
        shutil.rmtree(path)
    with files.folder_written_whole(path) as aside:
        safetensors.save_file(dict(tensors), aside / _TENSORS)
        digests = {_TENSORS: files.digest(aside / _TENSORS)}
        files.write_sealed(aside / _DOCUMENT, "checkpoint", document.model_copy(update={"files": digests}))
    for other in others:
        shutil.rmtree(other, ignore_errors=True)


def read_checkpoint(
    path: Path, identity: str, easiness: str, torch: str
) -> tuple[CheckpointDocument, Mapping[str, Tensor]]:
    """Read a checkpoint and its tensors, which has to be whole, and of this training and these versions."""
    with recast(lambda _: BadInput("it is damaged")):
        file, note = path / _TENSORS, path / _DOCUMENT
        if file.is_symlink() or note.is_symlink():
            raise ValueError
        document = CheckpointDocument.model_validate(files.read_sealed(note, "checkpoint", _MOST_BYTES))
        if set(document.files) != {_TENSORS} or not files.is_intact(file, document.files[_TENSORS]):
            raise ValueError
        if document.identity != identity:
            raise BadInput("it is of a training with other settings")
        for name, here in (("easiness", easiness), ("torch", torch)):
            if (there := getattr(document, name)) != here:
                raise BadInput(f"it was written with {name} {there}, this is {here}")
        return document, safetensors.load_file(file)


def remove_checkpoints(folder: Path, trial: int) -> None:
    for path in checkpoints_of(folder, trial):
        shutil.rmtree(path, ignore_errors=True)


def clear_checkpoints(folder: Path, but: Collection[int] = ()) -> None:
    """Remove all checkpoints but of the trials ``but``, and an empty folder; nobody may be writing to it."""
    if not folder.is_dir():
        return
    files.sweep(folder)
    for path in folder.iterdir():
        trial = path.name.split("-")[0]
        if not (trial.isdecimal() and int(trial) in but):
            shutil.rmtree(path, ignore_errors=True)
    if not but:
        with contextlib.suppress(OSError):
            folder.rmdir()
