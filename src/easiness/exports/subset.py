"""Positions, for `torch.utils.data.Subset`, and weights in their order, for a sampler over it."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.data import load_dataset
from easiness.exports.examples import Examples
from easiness.exports.format import Format


def _write(examples: Examples, file: BinaryIO) -> str | None:
    table = examples.table
    indices, said = _positions(examples)
    order = np.argsort(-table["confidence"].fillna(table["max_confidence"]).to_numpy(), kind="stable")
    wrong = table["p_wrong"] if "p_wrong" in table else np.zeros(len(table))
    np.savez_compressed(
        file,
        indices=indices[order],
        weights=1 - table["easiness_expected"].to_numpy()[order],
        p_wrong=np.asarray(wrong, np.float64)[order],
        labels=table["label"].to_numpy()[order],
        ids=examples.ids[order],
    )
    return said


def _positions(examples: Examples) -> tuple[npt.NDArray[np.int64], str]:
    """Where the examples [K] are in the data set that they come from, and how that is known."""
    ids, ref = examples.table["id"].to_numpy(), examples.run.spec.data
    whole = "held-out split" if examples.split == "held_out" and ref.holdout is None else "training split"
    if examples.run.spec.measured is None:
        return np.arange(len(ids)), "indices are positions in the ids that the Recorder was given"
    if ids.dtype == np.int64:
        of = "source" if whole == "training split" else f"source's {whole}"
        return ids.astype(np.int64), f"indices are the ids: positions in the {of}"
    if examples.data is None or examples.data.source is None:
        return np.arange(len(ids)), "indices are positions in the run, since the source is not known"
    options = ref.load_options().model_dump() | {"holdout": None, "labels": None}
    data = load_dataset(examples.data.source, **options)
    if whole == "held-out split":
        assert data.held_out is not None
        data = data.held_out
    where = {name: at for at, name in enumerate(data.ids.tolist())}
    said = f"indices are positions in the {whole}, ids in order, as torchvision's ImageFolder has them"
    return np.array([where[name] for name in ids.tolist()], np.int64), said


TORCH = Format(
    "torch",
    "indices, easiest first, and their weights, for Subset and a WeightedRandomSampler over it",
    _write,
    "part = numpy.load({out!r}); subset = torch.utils.data.Subset(data, part['indices']); sampler = "
    "torch.utils.data.WeightedRandomSampler(part['weights'], len(subset)); loader = "
    "torch.utils.data.DataLoader(subset, sampler=sampler)",
    suffixes=(".npz",),
)
