"""What other labels are worth, as tables of text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP
from easiness.show import Section, capitalized, count, number
from easiness.studies.verification.found import VerifiedLabels


def verification_sections(verified: VerifiedLabels) -> list[Section]:
    """The accuracy with both labels, then that of each trial."""
    return [_accuracy(verified), _trials(verified)]


def _accuracy(verified: VerifiedLabels) -> Section:
    num = len(verified.before)
    few = f" Fewer than {MIN_GROUP} trials make it a rough one." if 1 < num < MIN_GROUP else ""
    left = verified.num_examples - verified.num_dropped + verified.num_taken_back
    return Section(
        f"Accuracy of {verified.model} on {count(verified.num_held_out)} held-out examples after epoch "
        f"{verified.epochs}",
        f"{capitalized(verified.text)}. {_over(num)}{few} The labels of the held-out examples are "
        "taken as they are.",
        [
            ["labels", "trained on", "accuracy", "± sd"],
            ["before", count(verified.num_examples), *_summary(verified.before)],
            ["after", count(left), *_summary(verified.after)],
        ],
    )


def _over(num: int) -> str:
    if num == 1:
        return "From one pair of trials with the same seeds, which has no standard deviation and no interval."
    return (
        f"Mean ± standard deviation over {num} pairs of trials with the same seeds; the 95 % interval is for "
        "other trials and other held-out examples."
    )


def _summary(accuracy: npt.NDArray[np.float64]) -> list[str]:
    deviation = float(accuracy.std(ddof=1)) if len(accuracy) > 1 else None
    return [number(float(accuracy.mean()), 3), number(deviation, 3)]


def _trials(verified: VerifiedLabels) -> Section:
    pairs = zip(verified.before, verified.after, strict=True)
    rows = [["trial", "before", "after", "gain"]]
    rows += [
        [str(trial), number(before, 3), number(after, 3), f"{after - before:+.3f}"]
        for trial, (before, after) in enumerate(pairs)
    ]
    return Section("By trial", "Held-out accuracy of each trial with both labels.", rows)
