"""Outcomes of trials by arm, network and pattern, and the claims: margins were set before any ran."""

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
"""The first is of carriers of a pattern's own label, the other of that label on pictures never trained on."""
SLOPE, SHARE, DROP, NOTHING = 0.15, 0.25, 0.05, 0.05
"""Margins: of the slope, of the balanced one as a share of it, of the drop, and of slopes of controls."""


@dataclass(frozen=True, eq=False)
class OfArm:
    """Outcomes of the trials of a network in an arm, by trial and pattern, [T, P].

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
    """The ``patterns`` that were planted, and what each network made of them in each arm."""

    preset: Preset
    seed: int
    patterns: Patterns
    arms: Mapping[tuple[Arm, str], OfArm]

    def values(self, arm: Arm, network: str, measure: Measure) -> Values:
        """The values of a measure [T, P]."""
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
        return [*_of_measure(self, 1, "easiness"), *_of_measure(self, 2, "held_out"), *_of_controls(self)]


def of_the_whole(verdicts: Mapping[str, str]) -> str:
    """The verdict on the hypothesis by those on the claims: any of 1a, 1b and 1c refutes it."""
    found = {one: verdicts[one] for one in _WHOLE}
    lost = [one for one, verdict in found.items() if verdict == "does not hold"]
    if lost:
        return f"the hypothesis is refuted by {listed(lost)}"
    held = set(found.values()) == {"holds"}
    return f"the hypothesis holds: {listed(_WHOLE)} do" if held else "the hypothesis is undecided"


_WHOLE = ("1a", "1b", "1c")


def _judged(
    name: str, side: Side, margin: float, estimates: Mapping[str, Estimate], trials: int
) -> tuple[Statistic, ...]:
    few = f"fewer than {MIN_GROUP} trials decide nothing" if trials < MIN_GROUP else ""
    return tuple(
        Statistic(f"{name}, {which}", one.value, one.interval, side, margin, few)
        for which, one in estimates.items()
    )


def _of_measure(found: Found, number: int, by: Measure) -> Iterator[Claim]:
    networks, trials, measure = found.preset.networks, found.preset.trials, MEASURES[by]
    of_which, note = "" if by == "easiness" else f" ({measure})", f"judged by {measure}"
    steep, flat = (
        {network: found.slope(arm, network, by) for network in networks} for arm in ("natural", "balanced")
    )
    left = {network: flat[network].less(steep[network], SHARE) for network in networks}
    lost = {network: found.drop("natural", network, by) for network in networks}
    yield Claim(
        f"{number}a",
        f"what is frequent is easy{of_which}",
        f"the logit rises by more than {SLOPE:g} for one doubling of f in the natural arm",
        _judged("slope, natural", "above", SLOPE, steep, trials),
        note=note,
    )
    yield Claim(
        f"{number}b",
        f"because it is frequent{of_which}",
        "where every pattern is shown equally often, the slope is less than a quarter of the natural one",
        _judged("slope, balanced - natural / 4", "below", 0.0, left, trials),
        note=note,
    )
    yield Claim(
        f"{number}c",
        f"what contradicts is hard{of_which}",
        f"at the same support of at least {FREQUENT} examples an epoch, patterns of which a quarter "
        f"bears other labels lose more than {DROP:g}",
        _judged(f"drop at c = {JUDGED:g}", "above", DROP, lost, trials),
        note=note,
    )


def _of_controls(found: Found) -> Iterator[Claim]:
    first, trials = found.preset.networks[0], found.preset.control_trials
    slopes = {f"{arm}, {first}": found.slope(arm, first, "easiness") for arm in CONTROLS if arm != "half"}
    yield Claim(
        "3a",
        "nothing is there without patterns that repeat, or with labels dealt anew",
        f"the slope is below {NOTHING:g} with sham patches and with permuted labels",
        _judged("slope", "below", NOTHING, slopes, trials),
    )
    half, whole = (mean(found.arms[arm, first].easiness) for arm in ("half", "natural"))
    yield Claim(
        "3b",
        "fainter patterns are harder",
        "mean easiness is lower at half the amplitude",
        _judged("half - natural", "below", 0.0, {first: half.less(whole)}, trials),
    )
