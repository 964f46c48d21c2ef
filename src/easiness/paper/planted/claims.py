"""The claims of the experiment: margins were set before it was run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from easiness.analysis import MIN_GROUP
from easiness.paper.planted.design import FREQUENT, JUDGED, Arm
from easiness.paper.planted.estimates import Estimate, drop, mean, slope
from easiness.paper.planted.found import MEASURES, Found, Measure
from easiness.paper.reproduction import Claim, Side, Statistic
from easiness.show import listed

SLOPE, SHARE, DROP, NOTHING = 0.15, 0.25, 0.05, 0.05
"""Margins: of the slope, of the balanced one as a share of it, of the drop, and of slopes of controls."""

_FEW = f"fewer than {MIN_GROUP} trials decide nothing"


def slope_of(found: Found, arm: Arm, network: str, measure: Measure) -> Estimate:
    """The change of the logit for one doubling of f, at the same contradiction."""
    patterns, values = found.patterns, getattr(found.arms[arm, network], measure)
    return slope(values, np.log2(patterns.frequency), patterns.contradiction)


def drop_of(
    found: Found,
    arm: Arm,
    network: str,
    measure: Measure,
    contradiction: float = JUDGED,
    part: npt.NDArray[np.bool_] | None = None,
) -> Estimate:
    """How much less it is with contradiction than without, at the same support.

    Of frequent patterns, or of those of a ``part`` [P] in their place.
    """
    patterns, values = found.patterns, getattr(found.arms[arm, network], measure)
    part = patterns.support >= FREQUENT if part is None else part
    with_it, without = patterns.contradiction == contradiction, patterns.contradiction == 0
    return drop(values, with_it & part, without & part, patterns.support)


def claims_of(found: Found) -> list[Claim]:
    """Each is decided for every network, and falls with any of them."""
    return [*_of_measure(found, "easiness", "1"), *_of_measure(found, "held_out", "2"), *_controls(found)]


def of_the_whole(verdicts: Mapping[str, str]) -> str:
    """What becomes of the hypothesis by the verdicts of the claims: any of 1a, 1b and 1c refutes it."""
    found = {one: verdicts[one] for one in _WHOLE}
    lost = [one for one, verdict in found.items() if verdict == "does not hold"]
    if lost:
        return f"the hypothesis is refuted by {listed(lost)}"
    held = set(found.values()) == {"holds"}
    return f"the hypothesis holds: {listed(_WHOLE)} do" if held else "the hypothesis is undecided"


_WHOLE = ("1a", "1b", "1c")


def _of_measure(found: Found, measure: Measure, number: str) -> Iterator[Claim]:
    what = f"judged by {MEASURES[measure]}"

    def claim(letter: str, text: str, holds_when: str, statistics: tuple[Statistic, ...]) -> Claim:
        return Claim(f"{number}{letter}", text, holds_when, statistics, note=what)

    def of_each(name: str, side: Side, margin: float, estimate: Callable[[str], Estimate]) -> Claim:
        letter, text, holds_when = _WORDS[name]
        text += "" if measure == "easiness" else f" ({MEASURES[measure]})"
        return claim(letter, text, holds_when, _statistics(found, name, side, margin, estimate))

    yield of_each(
        "slope, natural", "above", SLOPE, lambda network: slope_of(found, "natural", network, measure)
    )
    yield of_each(
        "slope, balanced - natural / 4",
        "below",
        0.0,
        lambda network: slope_of(found, "balanced", network, measure).less(
            slope_of(found, "natural", network, measure), SHARE
        ),
    )
    yield of_each(
        f"drop at c = {JUDGED:g}", "above", DROP, lambda network: drop_of(found, "natural", network, measure)
    )


_WORDS = {
    "slope, natural": (
        "a",
        "what is frequent is easy",
        f"the logit rises by more than {SLOPE:g} for one doubling of f in the natural arm",
    ),
    "slope, balanced - natural / 4": (
        "b",
        "because it is frequent",
        "where every pattern is shown equally often, the slope is less than a quarter of the natural one",
    ),
    f"drop at c = {JUDGED:g}": (
        "c",
        "what contradicts is hard",
        f"at the same support of at least {FREQUENT} examples an epoch, patterns of which a quarter bears "
        f"other labels lose more than {DROP:g}",
    ),
}


def _statistics(
    found: Found, name: str, side: Side, margin: float, estimate: Callable[[str], Estimate]
) -> tuple[Statistic, ...]:
    few = _FEW if found.preset.trials < MIN_GROUP else ""
    made = [(network, estimate(network)) for network in found.preset.networks]
    return tuple(
        Statistic(f"{name}, {network}", one.value, one.interval, side, margin, few) for network, one in made
    )


def _controls(found: Found) -> Iterator[Claim]:
    network = found.preset.networks[0]
    few = _FEW if found.preset.control_trials < MIN_GROUP else ""
    controls: tuple[Arm, ...] = ("sham", "permuted")
    slopes = [(arm, slope_of(found, arm, network, "easiness")) for arm in controls]
    yield Claim(
        "3a",
        "nothing is there without patterns that repeat, or with labels dealt anew",
        f"the slope is below {NOTHING:g} with sham patches and with permuted labels",
        tuple(
            Statistic(f"slope, {arm}, {network}", one.value, one.interval, "below", NOTHING, few)
            for arm, one in slopes
        ),
    )
    half, whole = (mean(found.arms[arm, network].easiness) for arm in ("half", "natural"))
    fainter = half.less(whole)
    yield Claim(
        "3b",
        "fainter patterns are harder",
        "mean easiness is lower at half the amplitude",
        (Statistic(f"half - natural, {network}", fainter.value, fainter.interval, "below", 0.0, few),),
    )
