"""One short sentence for each suspect: what the networks say of it, and from when on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from easiness.spec import Split
from easiness.store import Run
from easiness.studies.suspects.evidence import Evidence


def naming(
    run: Run, split: Split, evidence: Evidence, positions: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """How many of those heard predict the rival of the examples at ``positions`` [n], [epochs, n]."""
    rival, heard = evidence.rival[positions], evidence.heard[:, positions]
    num = np.zeros((len(evidence.epochs), len(positions)), np.int64)
    for own, trial in zip(heard, run.trials, strict=True):
        for row, epoch in enumerate(evidence.epochs):
            prediction = trial.columns(epoch, ["prediction"], split)["prediction"][positions]
            num[row] += own & (prediction == rival)
    return num


def reasons(
    evidence: Evidence,
    positions: npt.NDArray[np.int64],
    num_naming: npt.NDArray[np.int64],
    classes: Sequence[str],
    of_kinds: Sequence[str],
) -> list[str]:
    """A sentence for each of the examples at ``positions`` [n], with what ``of_kinds`` [K] adds."""
    num_heard = evidence.num_heard
    return [
        _reason(evidence, int(at), num_naming[:, column], int(num_heard[at]), classes, of_kinds[at])
        for column, at in enumerate(positions)
    ]


def _reason(
    e: Evidence, at: int, naming: npt.NDArray[np.int64], num: int, classes: Sequence[str], of_kind: str
) -> str:
    that = " that did not train on it" if e.left_out[at] else ""
    networks = f"{num} networks{that}" if num > 1 else f"the network{that}"
    if e.rival[at] < 0:
        said = f"all {networks} have it right" if num > 1 else f"{networks} has it right"
    else:
        most = np.logical_and.accumulate((naming > num / 2)[::-1]).sum()
        since = f", from epoch {e.epochs[len(e.epochs) - most]} on" if most else ""
        last = naming[-1]
        some = "all" if last == num else f"{last or 'none'} of"
        who = f"{some} {networks}" if num > 1 else networks
        verb = "takes" if last == 1 or num == 1 else "take"
        if num == 1 and not last:
            verb = "no longer takes"
        since = since if last else " in the end"
        said = f"{who} {verb} it for {classes[e.rival[at]]}{since}"
    return f"{said}; {of_kind}" if of_kind else said
