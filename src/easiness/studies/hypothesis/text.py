"""The tables of the experiment, and what its page says before its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from easiness.show import Section, capitalized, count, counted, interval_text, number, with_interval
from easiness.studies.hypothesis.claims import drop_of, of_the_whole, slope_of
from easiness.studies.hypothesis.design import CONTROLS, FREQUENT, Arm, examples_of
from easiness.studies.hypothesis.estimates import Estimate, mean
from easiness.studies.hypothesis.found import MEASURES, Found
from easiness.studies.paper import Claim

_DIGITS = 3


def sections_of(found: Found, claims: Sequence[Claim]) -> list[Section]:
    """The verdicts, slopes, drops, cells, and how much was right in all."""
    return [verdict_section(claims), slope_section(found), drop_section(found), *cell_sections(found)]


def verdict_section(claims: Sequence[Claim]) -> Section:
    """A row for each statistic of each claim."""
    rows = [["claim", "what", "verdict", "statistic", "value", "95 % interval", "needed"]]
    for claim in claims:
        for at, one in enumerate(claim.statistics):
            said = [claim.id, claim.text, claim.verdict] if at == 0 else ["", "", ""]
            interval = "" if one.interval is None else interval_text(*one.interval, digits=_DIGITS)
            needed = f"{one.side} {one.margin:g}"
            rows.append([*said, one.name, number(one.value, _DIGITS), interval, needed])
    note = "A claim is decided only where its intervals lie on one side of a margin that was set beforehand. "
    whole = of_the_whole({one.id: one.verdict for one in claims})
    return Section("Claims", f"{note}{capitalized(whole)}.", rows)


def slope_section(found: Found) -> Section:
    """The slope of each arm and network, for both measures."""
    rows = [["arm", "network", "trials", "accuracy", *(f"slope, {what}" for what in MEASURES.values())]]
    for (arm, network), one in found.arms.items():
        slopes = [_text(slope_of(found, arm, network, measure)) for measure in MEASURES]
        rows.append([arm, network, str(len(one.accuracy)), number(one.accuracy.mean(), _DIGITS), *slopes])
    note = (
        "Change of the logit for a doubling of f, at the same contradiction. Only carriers of a "
        "pattern's own label count, and each pattern counts once. Intervals are over patterns and "
        "trials. Accuracy is over all examples, contradicted ones too."
    )
    return Section("Slopes", note, rows)


def drop_section(found: Found) -> Section:
    """The drop of each network by contradiction, and how easy the contradicted carriers are themselves."""
    rows = [
        ["network", "arm", "c", *(f"drop, {what}" for what in MEASURES.values()), "contradicted carriers"]
    ]
    patterns = found.patterns
    parts: list[tuple[Arm, npt.NDArray[np.bool_]]] = [
        ("natural", patterns.support >= FREQUENT),
        ("balanced", np.ones(len(patterns), np.bool_)),
    ]
    for network, (arm, part) in product(found.preset.networks, parts):
        for contradiction in filter(None, found.preset.contradictions):
            others = found.arms[arm, network].contradicted[
                :, part & (patterns.contradiction == contradiction)
            ]
            drops = [_text(drop_of(found, arm, network, one, contradiction, part)) for one in MEASURES]
            rows.append([network, arm, f"{contradiction:g}", *drops, _text(mean(others))])
    note = (
        "How much lower than at c = 0. In the natural arm, which is judged, at the same support of at least "
        f"{FREQUENT} examples an epoch. In the balanced arm, which is not, of all patterns at what would be "
        "the same support: they are shown equally often, but 1 - c of that under their own label. Only "
        "carriers of a pattern's own label count. Last column: easiness of the carriers with other labels."
    )
    return Section("Drops by contradiction", note, rows)


def cell_sections(found: Found) -> list[Section]:
    """A table of means for each arm and network."""
    return [_cells(found, arm, network) for arm, network in found.arms]


def _cells(found: Found, arm: str, network: str) -> Section:
    rows = [["support", "c", "f", *MEASURES.values()]]
    for support in found.preset.supports:
        for contradiction in found.preset.contradictions:
            cells = [found.cell(arm, network, one, support, contradiction) for one in MEASURES]  # type: ignore[arg-type]
            f = support / (1 - contradiction)
            rows.append([str(support), f"{contradiction:g}", f"{f:.0f}", *map(_share, cells)])
    return Section(f"Means by cell: {arm}, {network}", "Means over patterns with 95 % intervals.", rows)


def _text(one: Estimate) -> str:
    return with_interval(one.value, *one.interval, digits=_DIGITS)


def _share(one: Estimate) -> str:
    """A mean of shares, whose interval ends where shares do."""
    low, high = np.clip(one.interval, 0, 1)
    return with_interval(one.value, low, high, digits=_DIGITS)


def leads_of(found: Found) -> Mapping[str, str]:
    """A paragraph for each part of the page, by its key."""
    preset, patterns = found.preset, found.patterns
    examples = count(len(examples_of("natural", patterns, preset, found.seed)))
    shares = ", ".join(f"{one:g}" for one in preset.contradictions)
    controls = "; ".join(f"{arm}: {what}" for arm, what in CONTROLS.items())
    f = patterns.frequency
    return {
        "planted": (
            f"{count(len(patterns))} patterns, random patches of {preset.patch} x {preset.patch} values with "
            f"{preset.amplitude:g} times the deviation of the noise, at random places in pictures of "
            f"{preset.side} x {preset.side} of 1/f noise that are made anew in every epoch: no picture can "
            f"be learned by heart. A pattern has f = {f.min():.0f} to {f.max():.0f} carriers among "
            f"{examples} examples an epoch; a share c of them ({shares}) bears other labels, and patterns "
            f"with the same support f (1 - c) are compared. Each of {preset.classes} classes has the same "
            f"patterns in number, f and c. Trained {counted(preset.trials, 'time')} each: "
            f"{', '.join(preset.networks)}, {counted(preset.epochs, 'epoch')} by the recipe {preset.recipe}."
        ),
        "frequency": (
            "Easiness is the share of trials that are right about an example's label on the picture that "
            "they were trained on last, here of the carriers of a pattern's own label; the probability is "
            "that of the own label on pictures that no training saw. In the balanced arm every pattern is "
            "shown equally often, and what f would be is all that is left of frequency. Bars: 95 % "
            "intervals over patterns and trials."
        ),
        "contradiction": (
            f"Patterns with a support of {FREQUENT} examples an epoch or more, natural arm: as often shown "
            "under their own label as those without contradiction that they are compared with."
        ),
        "controls": (
            f"By {preset.networks[0]}, {counted(preset.control_trials, 'trial')} each. {controls[0].upper()}"
            f"{controls[1:]}."
        ),
    }
