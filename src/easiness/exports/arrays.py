"""NumPy archives: labels and class probabilities for cleanlab; positions and their weights for torch."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.data import load_dataset
from easiness.errors import BadInput
from easiness.exports.examples import Examples, Format
from easiness.runs import positions_in

_TEXT_BYTES = 2**28  # of texts in an array, where each takes as much as the longest


def _write_cleanlab(examples: Examples, file: BinaryIO) -> str | None:
    run, table, split = examples.run, examples.table, examples.split
    probabilities = np.full((len(table), len(run.classes)), np.nan)
    with suppress(BadInput):  # no trial left any out, or too few were kept
        probabilities = run.probabilities(**run.asked(examples.epoch), split=split, left_out=True)
    out_of_sample = ~np.isnan(probabilities).any(axis=1)
    if not out_of_sample.all():
        others = _of_all_trials(examples)
        probabilities[~out_of_sample] = others[~out_of_sample]
    arrays: dict[str, Any] = {
        "labels": table["label"].to_numpy(),
        "pred_probs": probabilities,
        "out_of_sample": out_of_sample,
        "ids": examples.ids,
        "classes": np.array(run.classes, str),
        **_told(examples),
    }
    np.savez_compressed(file, **arrays)
    return _out_of_sample(int(out_of_sample.sum()), len(table))


def _told(examples: Examples) -> dict[str, npt.NDArray[Any]]:
    """``texts`` or ``paths`` [K] of a fixed width, beginnings where the whole would take too much memory."""
    if examples.told is None:
        return {}
    most = max(1, _TEXT_BYTES // (4 * len(examples.told.texts)))
    return {f"{examples.told.column}s": np.array([text[:most] for text in examples.told.texts], str)}


def _of_all_trials(examples: Examples) -> npt.NDArray[np.float64]:
    run = examples.run
    try:
        return run.probabilities(**run.asked(examples.epoch), split=examples.split)
    except BadInput:
        raise BadInput(
            f"{run.path}: cleanlab needs probabilities of every example, and not all logits were kept; "
            "measure (--keep-logits) or record (keep_logits=True) another run"
        ) from None


def _out_of_sample(num_out: int, num: int) -> str:
    if num_out == num:
        return "all probabilities are out of sample: of trials that did not train on the example"
    if num_out == 0:
        return (
            "all probabilities are of networks that trained on the example, which hides wrong labels; "
            "measure with --train-share 0.8 for trials that leave examples out"
        )
    return (
        f"{num_out:,} of {num:,} examples have probabilities out of sample, see `out_of_sample`; every trial "
        "trained on the others, and more trials would leave them out"
    )


CLEANLAB = Format(
    "cleanlab",
    "labels and pred_probs, for cleanlab, and texts beside them",
    _write_cleanlab,
    "cleanlab.filter.find_label_issues(**{{k: numpy.load({out!r})[k] for k in ('labels', 'pred_probs')}})",
    suffixes=(".npz",),
)


def _write_torch(examples: Examples, file: BinaryIO) -> str | None:
    table = examples.table
    indices, note = _positions(examples)
    order = np.argsort(table["difficulty"].to_numpy(), kind="stable")
    wrong = table["p_wrong"] if "p_wrong" in table else np.zeros(len(table))
    np.savez_compressed(
        file,
        indices=indices[order],
        weights=1 - table["easiness_expected"].to_numpy()[order],
        p_wrong=np.asarray(wrong, np.float64)[order],
        labels=table["label"].to_numpy()[order],
        ids=examples.ids[order],
    )
    return note


def _positions(examples: Examples) -> tuple[npt.NDArray[np.int64], str]:
    """Positions [K] of the examples in the data set that they come from, and how these are known."""
    ids, ref = examples.table["id"].to_numpy(), examples.run.spec.data
    whole = "held-out split" if examples.split == "held_out" and ref.holdout is None else "training split"
    if examples.data is not None:  # or says which it lacks
        positions_in(examples.data, examples.run, examples.split)
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
    note = f"indices are positions in the {whole}, ids in order, as torchvision's ImageFolder has them"
    return positions_in(data, examples.run, examples.split), note


TORCH = Format(
    "torch",
    "indices, easiest first, and their weights, for Subset and a WeightedRandomSampler over it",
    _write_torch,
    "part = numpy.load({out!r}); subset = torch.utils.data.Subset(data, part['indices']); sampler = "
    "torch.utils.data.WeightedRandomSampler(part['weights'], len(subset)); loader = "
    "torch.utils.data.DataLoader(subset, sampler=sampler)",
    suffixes=(".npz",),
)
