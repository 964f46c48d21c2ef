"""Labels and class probabilities, as cleanlab takes them."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.exports.examples import Examples
from easiness.exports.format import Format


def _write(examples: Examples, file: BinaryIO) -> str | None:
    run, table, split = examples.run, examples.table, examples.split
    probabilities = np.full((len(table), len(run.classes)), np.nan)
    with suppress(BadInput):  # no trial left any out, or too few were kept
        probabilities = run.probabilities(examples.epoch, split=split, left_out=True)
    out_of_sample = ~np.isnan(probabilities).any(axis=1)
    if not out_of_sample.all():
        others = _of_all_trials(examples)
        probabilities[~out_of_sample] = others[~out_of_sample]
    np.savez_compressed(
        file,
        labels=table["label"].to_numpy(),
        pred_probs=probabilities,
        out_of_sample=out_of_sample,
        ids=examples.ids,
        classes=np.array(run.classes, str),
    )
    return _said(int(out_of_sample.sum()), len(table))


def _of_all_trials(examples: Examples) -> npt.NDArray[np.float64]:
    run = examples.run
    try:
        return run.probabilities(examples.epoch, split=examples.split)
    except BadInput:
        raise BadInput(
            f"{run.path}: cleanlab needs probabilities of every example, and not all logits were kept; "
            "measure (--keep-logits) or record (keep_logits=True) another run"
        ) from None


def _said(num_out: int, num: int) -> str:
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
    "labels and pred_probs, for cleanlab",
    _write,
    "cleanlab.filter.find_label_issues(**{{k: numpy.load({out!r})[k] for k in ('labels', 'pred_probs')}})",
    suffixes=(".npz",),
)
