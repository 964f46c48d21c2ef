"""The result of the experiment: rows, figures, tables, and claims whose margins were set before any ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import torch

from easiness import show
from easiness.analysis import MIN_GROUP
from easiness.lazy import Figure, Floats, Mask, pd
from easiness.paper.claims import Claim, Side, Statistic, count_verdicts
from easiness.paper.options import HypothesisOptions
from easiness.paper.planted.design import (
    ARMS,
    CONTROLS,
    DECISIVE,
    FREQUENT,
    Arm,
    ArmExamples,
    Experiment,
    PatternKind,
    PlantedPatterns,
    PlantedPreset,
)
from easiness.paper.planted.estimates import PlantedEstimate, drop, mean, slope
from easiness.store import Run

Measure: TypeAlias = Literal["easiness", "held_out"]
MEASURES: dict[Measure, str] = {"easiness": "easiness", "held_out": "held-out probability"}
"""The first is of carriers of a pattern's own label, the other of that label on pictures never trained on."""
SLOPE, SHARE, DROP, NOTHING = 0.15, 0.25, 0.05, 0.05
"""Margins: of the slope, of the balanced one as a share of it, of the drop, and of slopes of controls."""

_WHOLE = ("1a", "1b", "1c")
_SHOWN_PATTERNS, _SHOWN_PICTURES = 3, 5
_STYLES = ((show.EASY, "o"), (show.TRAIN, "^"), (show.LEFT_OUT, "s"), (show.HARD, "D"))
_DARKEST = 4.0  # deviations of the noise that are black, or white


class OfArm(NamedTuple):
    """Outcomes of the trials of a network in an arm, by trial and pattern, [T, P].

    ``easiness`` is the share of a pattern's carriers with its own label that the network is right about,
    ``other_carriers`` that of carriers with other labels, not a number where there are none. ``held_out`` is
    the mean probability of the pattern's own label on pictures that no training saw. ``accuracy`` [T] is over
    all examples.
    """

    easiness: Floats
    other_carriers: Floats
    held_out: Floats
    accuracy: Floats


def decide(options: HypothesisOptions, experiment: Experiment, runs: Mapping[str, Run]) -> Hypothesis:  # noqa: ARG001
    """Decide the claims by the finished runs; trials beyond the plan are left out."""
    arms = {}
    for cell, (examples, plan) in experiment.cells.items():
        run = runs["-".join(cell)].first(plan.trials)
        right = run.votes(plan.epochs).correct.astype(np.float64)
        probability = run.votes(plan.epochs, split="held_out").p_label
        arms[cell] = OfArm(
            easiness=_shares(right, examples, examples.own),
            other_carriers=_shares(right, examples, ~examples.own),
            held_out=probability.reshape(len(right), len(experiment.patterns), -1).mean(axis=2),
            accuracy=right.mean(axis=1),
        )
    return Hypothesis(experiment.preset, experiment.seed, experiment.patterns, arms)


def _shares(right: Floats, examples: ArmExamples, among: Mask) -> Floats:
    """The share [T, P] of the carriers ``among`` those of each pattern that a trial is right about."""
    carries = examples.pattern[among, None] == np.unique(examples.pattern)
    with np.errstate(invalid="ignore"):  # of patterns that none of them carries
        shares: Floats = right[:, among] @ carries / carries.sum(axis=0)
    return shares


@dataclass(frozen=True, eq=False)
class Hypothesis(show.Result):
    """The ``patterns`` that were planted, what each network made of them in each arm, and ``claims``."""

    preset: PlantedPreset
    seed: int
    patterns: PlantedPatterns
    arms: Mapping[tuple[Arm, str], OfArm]

    def cell(
        self, arm: Arm, network: str, measure: Measure, support: int, contradiction: float
    ) -> PlantedEstimate:
        members = (self.patterns.support == support) & (self.patterns.contradiction == contradiction)
        return mean(getattr(self.arms[arm, network], measure)[:, members])

    def slope(self, arm: Arm, network: str, measure: Measure) -> PlantedEstimate:
        """The change of the logit for one doubling of f, at the same contradiction."""
        values, patterns = getattr(self.arms[arm, network], measure), self.patterns
        return slope(values, np.log2(patterns.frequency), patterns.contradiction)

    def drop(
        self, arm: Arm, network: str, measure: Measure, contradiction: float = DECISIVE
    ) -> PlantedEstimate:
        """How much less it is with contradiction than without, at the same support."""
        low, high = (self.comparable(arm, one) for one in (contradiction, 0.0))
        return drop(getattr(self.arms[arm, network], measure), low, high, self.patterns.support)

    def comparable(self, arm: Arm, contradiction: float) -> Mask:
        """The patterns [P] of a contradiction: those that are frequent, or all that are made equally so."""
        often = self.patterns.support >= (0 if arm == "balanced" else FREQUENT)
        both: Mask = often & (self.patterns.contradiction == contradiction)
        return both

    @cached_property
    def claims(self) -> list[Claim]:
        """Each is decided for every network, and falls with any of them."""
        return [*_of_measure(self, 1, "easiness"), *_of_measure(self, 2, "held_out"), *_of_controls(self)]

    @property
    def headline(self) -> str:
        counts = count_verdicts(self.claims)
        verdicts = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
        return f"{verdicts}; {of_the_whole({one.id: one.verdict for one in self.claims})}"

    @property
    def notices(self) -> list[str]:
        return [self.preset.warning] if self.preset.warning else []

    def table(self) -> pd.DataFrame:
        patterns = self.patterns
        tables = [
            pd.DataFrame(
                {
                    "arm": arm,
                    "network": network,
                    "pattern": np.arange(len(patterns)),
                    "class": patterns.label,
                    "support": patterns.support,
                    "contradiction": patterns.contradiction,
                    "frequency": patterns.frequency,
                    "easiness": one.easiness.mean(axis=0),
                    "easiness_contradicted": one.other_carriers.mean(axis=0),
                    "held_out_probability": one.held_out.mean(axis=0),
                }
            )
            for (arm, network), one in self.arms.items()
        ]
        return pd.concat(tables, ignore_index=True)

    def document(self) -> Any:
        supports = {str(support): number for support, number in self.preset.supports.items()}
        return {
            "preset": {**asdict(self.preset), "supports": supports},
            "seed": self.seed,
            "claims": [claim.as_dict() for claim in self.claims],
            "rows": super().document(),
        }

    def printed_sections(self) -> list[show.Section]:
        return self.sections()[:3]

    def frames(self) -> list[show.Frame]:
        verdicts = [
            {
                "claim": "" if at else claim.id,
                "what": "" if at else claim.text,
                "verdict": "" if at else claim.verdict,
                "statistic": one.name,
                "value": one.value,
                "95 % interval": "" if one.interval is None else show.interval_text(*one.interval, 3),
                "needed": f"{one.side} {one.margin:g}",
            }
            for claim in self.claims
            for at, one in enumerate(claim.statistics)
        ]
        slopes = [
            {
                "arm": arm,
                "network": network,
                "trials": len(one.accuracy),
                "accuracy": float(one.accuracy.mean()),
                **{f"slope, {of}": self.slope(arm, network, by) for by, of in MEASURES.items()},
            }
            for (arm, network), one in self.arms.items()
        ]
        return [
            show.table(
                f"Claims about planted patterns, preset {self.preset.name}, seed {self.seed}",
                "A claim is decided only where its intervals lie on one side of a margin set beforehand.",
                verdicts,
            ),
            show.table(
                "Slopes",
                "Change of the logit for a doubling of f, at the same contradiction. Only carriers of a "
                "pattern's own label count, and each pattern counts once. Intervals are over patterns and "
                "trials. Accuracy is over all examples, contradicted ones too.",
                slopes,
            ),
            self._drops(),
            self._cells(),
        ]

    def _drops(self) -> show.Frame:
        rows = [
            {
                "network": network,
                "arm": arm,
                "c": f"{c:g}",
                **{f"drop, {of}": self.drop(arm, network, by, c) for by, of in MEASURES.items()},
                "contradicted carriers": mean(
                    self.arms[arm, network].other_carriers[:, self.comparable(arm, c)]
                ),
            }
            for network, arm, c in product(self.preset.networks, ARMS, self._contradictions)
        ]
        return show.table(
            "Drops by contradiction",
            "How much lower than at c = 0. In the natural arm, which is judged, at the same support of at "
            f"least {FREQUENT} examples an epoch. In the balanced arm, which is not, of all patterns at what "
            "would be the same support: they are shown equally often, but 1 - c of that under their own "
            "label. Only carriers of a pattern's own label count. Last column: easiness of the carriers with "
            "other labels.",
            rows,
        )

    def _cells(self) -> show.Frame:
        preset = self.preset
        rows = [
            {
                "arm": arm,
                "network": network,
                "support": support,
                "c": f"{c:g}",
                "f": f"{support / (1 - c):.0f}",
                **{of: _share(self.cell(arm, network, by, support, c)) for by, of in MEASURES.items()},
            }
            for (arm, network), support, c in product(self.arms, preset.supports, preset.contradictions)
        ]
        return show.table("Means by cell", "Means over patterns with 95 % intervals.", rows)

    @property
    def _contradictions(self) -> list[float]:
        return [one for one in self.preset.contradictions if one]

    def figure(self) -> Figure:
        return self._against_frequency("easiness", ARMS, self.preset.networks)

    def figures(self) -> Mapping[str, Figure]:
        """By caption: what was planted, then what the tables say."""
        preset, patterns, f = self.preset, self.patterns, self.patterns.frequency
        first, shares = preset.networks[0], ", ".join(f"{one:g}" for one in preset.contradictions)
        controls = "; ".join(f"{arm}: {what}" for arm, what in CONTROLS.items())
        return {
            f"Planted: {len(patterns)} random patches of {preset.patch} x {preset.patch} values with "
            f"{preset.amplitude:g} times the deviation of the noise, at random places in pictures of "
            f"{preset.side} x {preset.side} of 1/f noise that are made anew in every epoch: no picture can "
            f"be learned by heart. A pattern has f = {f.min():.0f} to {f.max():.0f} carriers an epoch; a "
            f"share c of them ({shares}) bears other labels, and patterns with the same support f (1 - c) "
            f"are compared. Each of {preset.classes} classes has the same patterns in number, f and c. "
            f"Trained {show.quantity(preset.trials, 'time')} each: {', '.join(preset.networks)}, "
            f"{show.quantity(preset.epochs, 'epoch')} by the recipe {preset.recipe}.": self._carriers(),
            "Frequency: easiness is the share of trials that are right about an example's label on the "
            "picture that they were trained on last, here of the carriers of a pattern's own label. In the "
            "balanced arm every pattern is shown equally often, and what f would be is all that is left of "
            "frequency. Bars: 95 % intervals over patterns and trials.": self.figure(),
            "The probability of the own label on pictures that no training saw, against frequency.": (
                self._against_frequency("held_out", ARMS, preset.networks)
            ),
            f"Contradiction: how much lower than at c = 0, of patterns with a support of {FREQUENT} examples "
            "an epoch or more, as often shown under their own label as those they are compared with. The "
            f"margin is for c = {DECISIVE:g}.": self._against_contradiction(),
            f"Controls, by {first}, {show.quantity(preset.control_trials, 'trial')} each. {controls}.": (
                self._against_frequency("easiness", [*CONTROLS], [first])
            ),
        }

    def _against_frequency(self, by: Measure, arms: Sequence[Arm], networks: Sequence[str]) -> Figure:
        preset = self.preset
        supports = np.array([*preset.supports])
        ends = supports[0], supports[-1] / (1 - preset.contradictions[-1])
        panels = {}
        for network, arm in product(networks, arms):
            chance = show.Curve(ends, [1 / preset.classes] * 2, "chance", marker="", line=":")
            panels[f"{network}, {arm}"] = [chance]
            for c, style in zip(preset.contradictions, _STYLES, strict=False):
                cells = [self.cell(arm, network, by, support, c) for support in preset.supports]
                panels[f"{network}, {arm}"].append(_curve(supports / (1 - c), cells, f"c = {c:g}", style))
        figure = show.curves(
            panels,
            (0.4 + 3.1 * len(arms), 0.5 + 2.4 * len(networks)),
            x="f, carriers an epoch in the natural arm",
            y=f"{MEASURES[by]}, own label",
            columns=1 + len(_STYLES),
            across=len(arms),
        )
        for axes in figure.axes:
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:g}")
            axes.set_ylim(0, 1.04)
        return figure

    def _against_contradiction(self) -> Figure:
        panels = {}
        for by, name in MEASURES.items():
            margin = show.Curve((0.05, 0.45), [DROP] * 2, "margin", marker="", line=":")
            panels[f"{name}, own label"] = [margin]
            for network, style in zip(self.preset.networks, _STYLES, strict=False):
                drops = [self.drop("natural", network, by, c) for c in self._contradictions]
                panels[f"{name}, own label"].append(_curve(self._contradictions, drops, network, style))
        x, y = "c, share of carriers with other labels", "lower than at c = 0"
        return show.curves(panels, (6.6, 2.9), x=x, y=y)

    def _carriers(self) -> Figure:
        """Some patterns, a row each: the patch, then pictures that have it at random places."""
        kind = PatternKind(self.preset.side, self.preset.amplitude)
        generator = torch.Generator().manual_seed(self.seed % 2**64)  # which takes no more bits
        rows = []
        for at in np.linspace(0, len(self.patterns) - 1, _SHOWN_PATTERNS).astype(np.int64):
            patch = self.patterns.patch[at]
            pictures = kind.draw(torch.from_numpy(patch).expand(_SHOWN_PICTURES, -1, -1), generator)
            room = self.preset.side - self.preset.patch
            rows.append([np.pad(kind.amplitude * patch, (0, room)), *pictures[:, 0].numpy()])
        return show.pictures(rows, ["patch", *["a carrier"] * _SHOWN_PICTURES], _DARKEST)


def of_the_whole(verdicts: Mapping[str, str]) -> str:
    """The verdict on the hypothesis by those on the claims: any of 1a, 1b and 1c refutes it."""
    against = [one for one in _WHOLE if verdicts[one] == "does not hold"]
    if against:
        return f"the hypothesis is refuted by {show.enumeration(against)}"
    if all(verdicts[one] == "holds" for one in _WHOLE):
        return f"the hypothesis holds: {show.enumeration(_WHOLE)} do"
    return "the hypothesis is undecided"


def _statistics(
    name: str, side: Side, margin: float, estimates: Mapping[str, PlantedEstimate], trials: int
) -> tuple[Statistic, ...]:
    few = f"fewer than {MIN_GROUP} trials decide nothing" if trials < MIN_GROUP else ""
    return tuple(
        Statistic(f"{name}, {which}", one.value, one.interval, side, margin, few)
        for which, one in estimates.items()
    )


def _of_measure(result: Hypothesis, number: int, by: Measure) -> Iterator[Claim]:
    networks, trials, measure = result.preset.networks, result.preset.trials, MEASURES[by]
    steep, flat = (
        {network: result.slope(arm, network, by) for network in networks} for arm in ("natural", "balanced")
    )
    left = {network: flat[network].less(steep[network], SHARE) for network in networks}
    drops = {network: result.drop("natural", network, by) for network in networks}
    for letter, text, condition, statistics in (
        (
            "a",
            "what is frequent is easy",
            f"the logit rises by more than {SLOPE:g} for one doubling of f in the natural arm",
            _statistics("slope, natural", "above", SLOPE, steep, trials),
        ),
        (
            "b",
            "because it is frequent",
            "where every pattern is shown equally often, the slope is less than a quarter of the natural one",
            _statistics("slope, balanced - natural / 4", "below", 0.0, left, trials),
        ),
        (
            "c",
            "what contradicts is hard",
            f"at the same support of at least {FREQUENT} examples an epoch, patterns of which a quarter "
            f"bears other labels lose more than {DROP:g}",
            _statistics(f"drop at c = {DECISIVE:g}", "above", DROP, drops, trials),
        ),
    ):
        which = "" if by == "easiness" else f" ({measure})"
        yield Claim(f"{number}{letter}", f"{text}{which}", condition, statistics, note=f"judged by {measure}")


def _of_controls(result: Hypothesis) -> Iterator[Claim]:
    first, trials = result.preset.networks[0], result.preset.control_trials
    slopes = {f"{arm}, {first}": result.slope(arm, first, "easiness") for arm in CONTROLS if arm != "half"}
    yield Claim(
        "3a",
        "nothing is there without patterns that repeat, or with labels dealt anew",
        f"the slope is below {NOTHING:g} with sham patches and with permuted labels",
        _statistics("slope", "below", NOTHING, slopes, trials),
    )
    half, whole = (mean(result.arms[arm, first].easiness) for arm in ("half", "natural"))
    yield Claim(
        "3b",
        "fainter patterns are harder",
        "mean easiness is lower at half the amplitude",
        _statistics("half - natural", "below", 0.0, {first: half.less(whole)}, trials),
    )


def _curve(x: Any, estimates: Sequence[PlantedEstimate], label: str, style: tuple[str, str]) -> show.Curve:
    reach = np.nan_to_num([one.interval[1] - one.value for one in estimates])
    return show.Curve(x, [one.value for one in estimates], label, *style, errors=reach)


def _share(one: PlantedEstimate) -> str:
    """A mean of shares, whose interval ends where shares do."""
    low, high = np.clip(one.interval, 0, 1)
    return show.with_interval(one.value, low, high, digits=3)
