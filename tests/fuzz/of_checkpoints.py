"""Checkpoints with an altered file and a fitting digest, read as by a training that would go on from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from herd import Asked
from json_mutations import altered_value, text_of
from mutations import altered
from refitted import canonical_digest, digest_of
from tables import altered_safetensors

from easiness.errors import BadInput
from easiness.store import CHECKPOINTS, CheckpointDocument, checkpoints_of, read_checkpoint, write_checkpoint

_DOCUMENT, _TENSORS = "checkpoint.json", "state.safetensors"
_OURS = {"identity": "a", "easiness": "b", "torch": "c"}


def make_checkpoint(whole: Path) -> None:
    """``whole/checkpoints``: one of the trials from 0 on."""
    import torch

    (whole / CHECKPOINTS).mkdir()
    document = CheckpointDocument(**_OURS, epoch=1, images=40, seconds=1.0)  # type: ignore[arg-type]
    tensors = {"network/bias": torch.zeros(10), "losses": torch.ones(1, 1, dtype=torch.float64)}
    write_checkpoint(whole / CHECKPOINTS, 0, document, tensors)


def _read(folder: Path) -> None:
    """As a training does, which goes on without one that it cannot use."""
    for path in checkpoints_of(folder, 0):
        stored = read_checkpoint(path, **_OURS)
        if not all(value.isfinite().all() for value in stored.tensors.values() if value.is_floating_point()):
            raise BadInput("not finite")


def any_of_them(rng: np.random.Generator, whole: Path, folder: Path) -> Asked:
    """Tensors or document, altered as bytes or so that they stay what they are."""
    copy = Path(shutil.copytree(whole / CHECKPOINTS, folder / CHECKPOINTS))
    (path,) = copy.iterdir()
    document, tensors = path / _DOCUMENT, path / _TENSORS
    content = json.loads(document.read_bytes())["checkpoint"]
    if rng.random() < 0.5:
        alter = altered if rng.random() < 0.4 else altered_safetensors
        changed, how = alter(rng, tensors.read_bytes())
        tensors.write_bytes(changed)
        content["files"][_TENSORS] = digest_of(tensors)
    else:
        content, how = altered_value(rng, content)
    document.write_bytes(text_of(rng, {"checkpoint": content, "sha256": canonical_digest(content)}))
    return Asked(f"checkpoint: {how}, its digest fits", "read_checkpoint", lambda: _read(copy))
