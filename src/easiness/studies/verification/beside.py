"""What labels that leave examples out are held against: as many at random, or others in every epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from easiness.analysis import POLICIES, Gain, paired_gain
from easiness.errors import BadInput
from easiness.runs import Plan
from easiness.spec import Draw

RANDOM, RS2 = "random", "rs2"
BESIDE = {RANDOM: "as many at random", RS2: "others in every epoch (RS2)"}
"""Arms by name: as many examples at random, others in each trial; and all, as many of them in each epoch."""


@dataclass(frozen=True, eq=False)
class Beside:
    """An arm: ``accuracy`` [trials], its gain ``over_before``, and that of the new labels over it."""

    name: str
    accuracy: npt.NDArray[np.float64]
    over_before: Gain
    after_over: Gain

    @property
    def title(self) -> str:
        """What is trained on."""
        return BESIDE[self.name]


def plans_beside(names: Sequence[str], before: Plan, everything: int, kept: int) -> dict[str, Plan]:
    """The plans of arms on the labels before, each with as many steps as the new labels have.

    Repeated random subsets without replacement (RS2, Okanovic et al. 2023) are passes over all examples, cut
    into epochs of as many steps as the part that is kept has.
    """
    for name in names:
        if name not in BESIDE:
            raise BadInput(f"--beside {name}: unknown; choose of {', '.join(BESIDE)}")
        if before.asked.heads is not None:
            raise BadInput(
                f"--beside {name}: is for trainings; `easiness keep` has heads of as many at random"
            )
        if kept >= everything:
            raise BadInput(f"--beside {name}: the new labels leave no example out; leave it out")
    return {name: _PLANS[name](before, everything, kept) for name in dict.fromkeys(names)}


def _random(before: Plan, everything: int, kept: int) -> Plan:
    """All but as many as are kept, at random: in each trial others."""
    nothing = np.zeros(len(before.data))
    digest = hashlib.sha256(nothing.astype("<f8").tobytes()).hexdigest()
    rate = 1 - kept / everything
    draw = Draw(effect="drop", rate=rate, beta=POLICIES["random"], ranking=digest)
    return replace(before, asked=before.asked.model_copy(update={"draw": draw}), ranking=nothing)


def _rs2(before: Plan, _: int, kept: int) -> Plan:
    return replace(
        before, asked=before.asked.model_copy(update={"steps_of": round(kept * before.asked.train_share)})
    )


_PLANS = {RANDOM: _random, RS2: _rs2}


def accuracy_of(right: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The accuracy of each trial [T], NaN where it is tested on nothing."""
    return np.asarray(np.ma.filled(right.mean(axis=1), np.nan))


def read_beside(right: Mapping[str, npt.NDArray[np.bool_]], before: str, after: str) -> tuple[Beside, ...]:
    """The arms among the runs by name, of whose trials it is known which test examples are ``right``."""
    return tuple(
        Beside(name, accuracy_of(own), paired_gain(right[before], own), paired_gain(own, right[after]))
        for name, own in right.items()
        if name in BESIDE
    )
