"""Policies of `prune` from the literature on coresets, which say what to keep: ``ccs`` and ``dual``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import EXPONENT, default_cut, draw_by_beta, draw_for_coverage
from easiness.errors import BadInput
from easiness.store import Run

if TYPE_CHECKING:
    import pandas as pd

SAMPLED = ("ccs", "dual")
"""``ccs`` or ``ccs:CUT``, and ``dual`` or ``dual:C_D``."""

_NUMBERS = {
    "ccs": "a share of the examples to cut away first, such as ccs:0.1",
    "dual": "a positive exponent, such as dual:4",
}


def is_sampled(policy: str) -> bool:
    """Is this one of the policies here?"""
    return policy.partition(":")[0] in SAMPLED


def sampled_policy(policy: str, rate: float) -> tuple[str, float]:
    """The name of a policy, and its number: the one given, or that which is the default at this rate.

    Raises:
        BadInput: what follows the name is no number that it can use.
    """
    name, colon, text = policy.partition(":")
    if not colon:
        return name, default_cut(rate) if name == "ccs" else EXPONENT
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (0 <= number < 1 if name == "ccs" else 0 < number < np.inf):
        raise BadInput(f"policy {policy!r}: give {_NUMBERS[name]}")
    if name == "ccs" and number > rate:
        raise BadInput(
            f"policy {policy!r}: cuts more away than is to be dropped ({rate:g}); give at most that"
        )
    return name, number


def sampled_text(policy: str) -> str:
    """Which examples such a policy drops, to follow a dash; ``policy`` is as `sampled_drop` names it."""
    name, _, number = policy.partition(":")
    if name == "ccs":
        first = f"{float(number):.0%} as the hardest, then " if float(number) else ""
        return f"those that CCS leaves out ({first}all but the same number of each stratum)"
    return f"those that Beta sampling as in DUAL leaves out (c_D = {number})"


def sampled_drop(
    run: Run,
    policy: str,
    ranking: npt.NDArray[np.float64],
    table: pd.DataFrame,
    rate: float,
    *,
    balanced: bool,
    seed: int,
) -> tuple[str, npt.NDArray[np.int64]]:
    """The policy with its number, and the positions to drop: `draw_for_coverage` or `draw_by_beta`.

    ``ranking`` [K] is high for what is easy or not to be kept; ``table`` has all scores at the same epoch.

    Raises:
        BadInput: the policy cannot be used, or needs a mean prediction that the run has not.
    """
    name, number = sampled_policy(policy, rate)
    full = f"{name}:{number:g}"
    labels = run.labels if balanced else None
    if name == "ccs":
        loss = table["loss"].to_numpy()
        return full, draw_for_coverage(
            ranking, rate, refine_by=loss, ids=run.ids, cut=number, seed=seed, labels=labels
        )
    prediction = table["confidence"].to_numpy()
    if np.isnan(prediction).any():
        raise BadInput(
            f"{run.path}: policy 'dual' needs the confidence over all epochs; measure with --observe all, or "
            "give another policy"
        )
    return full, draw_by_beta(
        -ranking, prediction, rate, ids=run.ids, exponent=number, seed=seed, labels=labels
    )
