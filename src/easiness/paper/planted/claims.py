"""What trials came to by arm, network and pattern, and the claims: margins were set before any ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP
from easiness.paper.planted.design import CONTROLS, FREQUENT, JUDGED, Arm, Patterns, Preset
from easiness.paper.planted.estimates import Estimate, Values, drop, mean, slope
from easiness.paper.reproduction import Claim, Side, Statistic
from easiness.show import listed

Measure: TypeAlias = Literal["easiness", "held_out"]
MEASURES: dict[Measure, str] = {"easiness": "easiness", "held_out": "held-out probability"}
"""Of carriers of a pattern's own label, and of that label on pictures that no training saw."""
SLOPE, SHARE, DROP, NOTHING = 0.15, 0.25, 0.05, 0.05
"""Margins: of the slope, of the balanced one as a share of it, of the drop, and of slopes of controls."""


@dataclass(frozen=True, eq=False)
class OfArm:
    """What the trials of a network in an arm came to, by trial and pattern, [T, P].

    ``easiness`` is the share of a pattern's carriers with its own label that the network is right about,
    ``contradicted`` that of carriers with other labels, not a number where there are none. ``held_out`` is
    the mean probability of the pattern's own label on pictures that no training saw. ``accuracy`` [T] is over
    all examples.
    """

    easiness: Values
    contradicted: Values
    held_out: Values
    accuracy: Values


@dataclass(frozen=True, eq=False)
class Found:
    """What was planted, the ``patterns``, and what each network made of them in each arm."""

    preset: Preset
    seed: int
    patterns: Patterns
    arms: Mapping[tuple[Arm, str], OfArm]

    def values(self, arm: Arm, network: str, measure: Measure) -> Values:
        """What was measured [T, P]."""
        values: Values = getattr(self.arms[arm, network], measure)
        return values

    def cell(self, arm: Arm, network: str, measure: Measure, support: int, contradiction: float) -> Estimate:
        """The mean over the patterns of a support and contradiction."""
        chosen = (self.patterns.support == support) & (self.patterns.contradiction == contradiction)
        return mean(self.values(arm, network, measure)[:, chosen])

    def slope(self, arm: Arm, network: str, measure: Measure) -> Estimate:
        """The change of the logit for one doubling of f, at the same contradiction."""
        doublings = np.log2(self.patterns.frequency)
        return slope(self.values(arm, network, measure), doublings, self.patterns.contradiction)

    def drop(self, arm: Arm, network: str, measure: Measure, contradiction: float = JUDGED) -> Estimate:
        """How much less it is with contradiction than without, at the same support."""
        with_it, without = (self.compared(arm, one) for one in (contradiction, 0.0))
        return drop(self.values(arm, network, measure), with_it, without, self.patterns.support)

    def compared(self, arm: Arm, contradiction: float) -> npt.NDArray[np.bool_]:
        """The patterns [P] of a contradiction: those that are frequent, or all that are made equally so."""
        often = self.patterns.support >= (0 if arm == "balanced" else FREQUENT)
        compared: npt.NDArray[np.bool_] = often & (self.patterns.contradiction == contradiction)
        return compared

    @cached_property
    def claims(self) -> list[Claim]:
        """Each is decided for every network, and falls with any of them."""
        return [*_of_measure(self, "easiness", 1), *_of_measure(self, "held_out", 2), *_of_controls(self)]


def of_the_whole(verdicts: Mapping[str, str]) -> str:
    """What becomes of the hypothesis by the verdicts of the claims: any of 1a, 1b and 1c refutes it."""
    found = {one: verdicts[one] for one in _WHOLE}
    lost = [one for one, verdict in found.items() if verdict == "does not hold"]
    if lost:
        return f"the hypothesis is refuted by {listed(lost)}"
    held = set(found.values()) == {"holds"}
    return f"the hypothesis holds: {listed(_WHOLE)} do" if held else "the hypothesis is undecided"


_WHOLE = ("1a", "1b", "1c")
_FEW = f"fewer than {MIN_GROUP} trials decide nothing"


def _of_measure(found: Found, measure: Measure, number: int) -> Iterator[Claim]:
    networks = found.preset.networks
    steep, flat = (
        {network: found.slope(arm, network, measure) for network in networks}
        for arm in ("natural", "balanced")
    )
    of_which = "" if measure == "easiness" else f" ({MEASURES[measure]})"
    few = _FEW if found.preset.trials < MIN_GROUP else ""
    claims: list[tuple[str, str, str, str, Side, float, dict[str, Estimate]]] = [
        (
            "a",
            "what is frequent is easy",
            f"the logit rises by more than {SLOPE:g} for one doubling of f in the natural arm",
            "slope, natural",
            "above",
            SLOPE,
            steep,
        ),
        (
            "b",
            "because it is frequent",
            "where every pattern is shown equally often, the slope is less than a quarter of the natural one",
            "slope, balanced - natural / 4",
            "below",
            0.0,
            {network: flat[network].less(steep[network], SHARE) for network in networks},
        ),
        (
            "c",
            "what contradicts is hard",
            f"at the same support of at least {FREQUENT} examples an epoch, patterns of which a quarter "
            f"bears other labels lose more than {DROP:g}",
            f"drop at c = {JUDGED:g}",
            "above",
            DROP,
            {network: found.drop("natural", network, measure) for network in networks},
        ),
    ]
    for letter, text, holds_when, name, side, margin, by_network in claims:
        statistics = [
            Statistic(f"{name}, {network}", one.value, one.interval, side, margin, few)
            for network, one in by_network.items()
        ]
        note = f"judged by {MEASURES[measure]}"
        yield Claim(f"{number}{letter}", f"{text}{of_which}", holds_when, tuple(statistics), note=note)


def _of_controls(found: Found) -> Iterator[Claim]:
    network = found.preset.networks[0]
    few = _FEW if found.preset.control_trials < MIN_GROUP else ""
    nothing: list[Arm] = [arm for arm in CONTROLS if arm != "half"]
    yield Claim(
        "3a",
        "nothing is there without patterns that repeat, or with labels dealt anew",
        f"the slope is below {NOTHING:g} with sham patches and with permuted labels",
        tuple(
            _statistic(
                f"slope, {arm}, {network}", found.slope(arm, network, "easiness"), "below", NOTHING, few
            )
            for arm in nothing
        ),
    )
    half, whole = (mean(found.arms[arm, network].easiness) for arm in ("half", "natural"))
    yield Claim(
        "3b",
        "fainter patterns are harder",
        "mean easiness is lower at half the amplitude",
        (_statistic(f"half - natural, {network}", half.less(whole), "below", 0.0, few),),
    )


def _statistic(name: str, one: Estimate, side: Side, margin: float, few: str) -> Statistic:
    return Statistic(name, one.value, one.interval, side, margin, few)
