"""Why an example is hard, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from easiness.studies.suspects.kinds import KindEvidence, Kinds


def kind_reasons(
    found: Kinds, evidence: KindEvidence, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> list[str]:
    """A fragment of a sentence for each example; empty where it has no kind."""
    return [
        _reason(kind, at, evidence, classes[labels[at]], classes) if kind else ""
        for at, kind in enumerate(found.kind)
    ]


def _reason(kind: str, at: int, e: KindEvidence, own: str, classes: Sequence[str]) -> str:
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
