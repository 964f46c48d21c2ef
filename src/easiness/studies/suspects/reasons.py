"""One short sentence for each suspect: what the networks say of it and from when on, and why it is hard."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from easiness.spec import Split
from easiness.store import Run
from easiness.studies.suspects.evidence import Evidence
from easiness.studies.suspects.kinds import KindEvidence, Kinds


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
        text = f"all {networks} have it right" if num > 1 else f"{networks} has it right"
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
        text = f"{who} {verb} it for {classes[e.rival[at]]}{since}"
    return f"{text}; {of_kind}" if of_kind else text


def kind_reasons(
    found: Kinds, evidence: KindEvidence, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[str]:
    """A fragment of a sentence for each example; empty where it has no kind."""
    return [
        _kind_reason(kind, at, evidence, classes[labels[at]], classes) if kind else ""
        for at, kind in enumerate(found.kind)
    ]


def _kind_reason(kind: str, at: int, e: KindEvidence, own: str, classes: Sequence[str]) -> str:
    rival = classes[e.rival[at]] if e.rival[at] >= 0 else ""
    if kind == "wrong label":
        instead = f"; the trials that disagree name {rival}" if rival else ""
        return f"its label {own} is wrong with probability {e.p_wrong[at]:.2f}{instead}"
    if kind == "between two classes":
        return f"between {own} ({e.p_label[at]:.2f}) and {rival} ({e.p_rival[at]:.2f})"
    if kind == "slow":
        return f"right in most trials only from epoch {e.first_right[at]:.0f} of {e.num_epochs} on"
    near = e.near
    assert near is not None
    return (
        f"unlike {own}: the networks' answer to it is {near.strength[at]:.2f} times as strong as usual "
        f"there, and {near.own_share[at]:.0%} of its {near.num_nearest} nearest neighbours are {own}"
    )
