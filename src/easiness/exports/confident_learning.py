"""Labels and class probabilities, as cleanlab takes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from easiness.errors import BadInput
from easiness.exports.examples import Examples
from easiness.exports.format import Format


def _write(examples: Examples, path: Path) -> str | None:
    run = examples.run
    probabilities = run.probabilities(examples.epoch)
    try:
        left_out = run.probabilities(examples.epoch, left_out=True)
    except BadInput:
        left_out = np.full_like(probabilities, np.nan)
    out_of_sample = ~np.isnan(left_out).any(axis=1)
    probabilities[out_of_sample] = left_out[out_of_sample]
    np.savez_compressed(
        path,
        labels=run.labels,
        pred_probs=probabilities,
        out_of_sample=out_of_sample,
        ids=run.ids if run.ids.dtype == np.int64 else run.ids.astype(str),
        classes=np.array(run.classes, str),
    )
    return _said(int(out_of_sample.sum()), len(run.labels))


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
