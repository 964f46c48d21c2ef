"""Positions and weights, for `torch.utils.data.Subset` and `WeightedRandomSampler`."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.data import load_dataset
from easiness.exports.examples import Examples
from easiness.exports.format import Format


def _write(examples: Examples, file: BinaryIO) -> str | None:
    table, ids = examples.table, examples.run.ids
    indices, said = _positions(examples)
    order = np.argsort(-table["confidence"].fillna(table["max_confidence"]).to_numpy(), kind="stable")
    wrong = table["p_wrong"] if "p_wrong" in table else np.zeros(len(table))
    np.savez_compressed(
        file,
        indices=indices[order],
        weights=1 - table["easiness_expected"].to_numpy()[order],
        p_wrong=np.asarray(wrong, np.float64)[order],
        labels=table["label"].to_numpy()[order],
        ids=(ids if ids.dtype == np.int64 else ids.astype(str))[order],
    )
    return said


def _positions(examples: Examples) -> tuple[npt.NDArray[np.int64], str]:
    """Where the examples [K] are in the data set that they come from, and how that is known."""
    run = examples.run
    ids, ref = run.ids, run.spec.data
    if run.spec.measured is None:
        return np.arange(len(ids)), "indices are positions in the ids that the Recorder was given"
    if ids.dtype == np.int64:
        return ids.astype(np.int64), "indices are the ids: positions in the source"
    if examples.data is None or examples.data.source is None:
        return np.arange(len(ids)), "indices are positions in the run, since the source is not known"
    whole = {"holdout": None, "labels": None}
    options = ref.load_options().model_dump() | whole
    names = load_dataset(examples.data.source, **options).ids.tolist()
    where = {name: at for at, name in enumerate(names)}
    said = "indices are positions in the training split, ids in order, as torchvision's ImageFolder has them"
    return np.array([where[name] for name in ids.tolist()], np.int64), said


TORCH = Format(
    "torch",
    "indices, easiest first, and weights, for Subset and WeightedRandomSampler",
    _write,
    "torch.utils.data.Subset(data, numpy.load({out!r})['indices'][:1000])",
    suffixes=(".npz",),
)
