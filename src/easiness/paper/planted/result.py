"""The result of the experiment: rows, figure, tables, and the claims that it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness import show
from easiness.paper.planted.claims import DROP, claims_of, drop_of, of_the_whole, slope_of
from easiness.paper.planted.design import ARMS, CONTROLS, FREQUENT, JUDGED, Arm, examples_of
from easiness.paper.planted.estimates import Estimate, mean
from easiness.paper.planted.found import MEASURES, Found
from easiness.paper.reproduction import Claim, count_verdicts
from easiness.show import Section, capitalized, count, counted, interval_text, number, with_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from easiness.paper.planted.found import Found, Measure


_STYLES = ((show.EASY, "o"), (show.TRAIN, "^"), (show.LEFT_OUT, "s"), (show.HARD, "D"))
_SHOWN_PATTERNS, _SHOWN_PICTURES = 3, 5
_DARKEST = 4.0  # deviations of the noise that are black, or white
_AXES: dict[str, str] = {
    "easiness": "easiness of own carriers",
    "held_out": "held-out probability of own label",
}
_TITLES: dict[Arm, str] = {
    "natural": "natural: as often as f says",
    "balanced": "balanced: all equally often",
    "sham": "sham patches",
    "permuted": "permuted labels",
    "half": "half amplitude",
}


def frequency_figure(found: Found, measure: Measure) -> Figure:
    """Against f, a line for each contradiction: a row for each network, a column for each arm."""
    networks = found.preset.networks
    figure, panels = _panels(len(networks), len(ARMS))
    for network, row in zip(networks, panels, strict=True):
        for arm, axes in zip(ARMS, row, strict=True):
            _lines(axes, found, arm, network, measure)
            title = _TITLES[arm] if len(networks) == 1 else f"{network}, {_TITLES[arm]}"
            axes.set_title(title, fontsize=show.FONT_SIZE, color=show.INK, loc="left")
        row[0].set_ylabel(_AXES[measure])
    for axes in panels[-1]:
        axes.set_xlabel("f, carriers an epoch in the natural arm")
    _legend(figure, panels[0][0])
    return figure


def controls_figure(found: Found) -> Figure:
    """Easiness against f in each control, by the first network."""
    figure, panels = _panels(1, len(CONTROLS))
    for arm, axes in zip(CONTROLS, panels[0], strict=True):
        _lines(axes, found, arm, found.preset.networks[0], "easiness")
        axes.set_title(_TITLES[arm], fontsize=show.FONT_SIZE, color=show.INK, loc="left")
        axes.set_xlabel("f")
    panels[0][0].set_ylabel(_AXES["easiness"])
    _legend(figure, panels[0][0])
    return figure


def drop_figure(found: Found) -> Figure:
    """The drop at equal support by contradiction, of easiness and held-out probability, with the margin."""
    measures: tuple[Measure, ...] = ("easiness", "held_out")
    figure, panels = _panels(1, len(measures))
    contradictions = [one for one in found.preset.contradictions if one]
    for measure, axes in zip(measures, panels[0], strict=True):
        for at, (network, (color, marker)) in enumerate(zip(found.preset.networks, _STYLES, strict=False)):
            drops = [drop_of(found, "natural", network, measure, one) for one in contradictions]
            reach = [one.interval[1] - one.value for one in drops]
            axes.errorbar(
                np.array(contradictions) + 0.008 * (at - 0.5),
                [one.value for one in drops],
                yerr=np.nan_to_num(reach),
                color=color,
                marker=marker,
                markersize=4.5,
                linewidth=1.4,
                capsize=2.5,
                label=network,
            )
        axes.axhline(0, color=show.FAINT, linewidth=0.8)
        axes.plot([JUDGED], [DROP], marker="_", markersize=26, color=show.INK, label="margin")
        axes.set(xlabel="c, share of carriers with other labels", xlim=(0.05, 0.45))
        axes.set_title(_AXES[measure], fontsize=show.FONT_SIZE, color=show.INK, loc="left")
    panels[0][0].set_ylabel("lower than at c = 0")
    _legend(figure, panels[0][0])
    return figure


def planted_figure(found: Found) -> Figure:
    """Some patterns, a row each: the patch, then pictures that have it at random places."""
    import torch

    from easiness.paper.planted.pictures import Pictures

    patterns = np.linspace(0, len(found.patterns) - 1, _SHOWN_PATTERNS).astype(np.int64)
    pictures = Pictures(found.patterns, found.preset, "natural")
    generator = torch.Generator().manual_seed(found.seed % 2**64)  # which takes no more bits
    figure, panels = _panels(_SHOWN_PATTERNS, 1 + _SHOWN_PICTURES, width=0.9, height=0.9)
    for pattern, row in zip(patterns, panels, strict=True):
        made = pictures.make(torch.full((_SHOWN_PICTURES,), int(pattern)), generator)[:, 0].numpy()
        patch = found.preset.amplitude * found.patterns.patch[pattern]
        shown = np.zeros(made.shape[1:])
        shown[: len(patch), : len(patch)] = patch
        for axes, values in zip(row, [shown, *made], strict=True):
            axes.imshow(values, cmap="gray", vmin=-_DARKEST, vmax=_DARKEST, interpolation="nearest")
            axes.set_axis_off()
    for axes, title in zip(panels[0], ["patch", *["a carrier"] * _SHOWN_PICTURES], strict=True):
        axes.set_title(title, fontsize=show.FONT_SIZE, color=show.INK)
    return figure


def _panels(
    rows: int, columns: int, width: float = 3.1, height: float = 2.4
) -> tuple[Figure, list[list[Axes]]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.4 + width * columns, 0.5 + height * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=rows * columns > 1, squeeze=False)
    for axes in panels.flat:
        show.quiet(axes)
    return figure, panels.tolist()


def _lines(axes: Axes, found: Found, arm: Arm, network: str, measure: Measure) -> None:
    supports = list(found.preset.supports)
    for contradiction, (color, marker) in zip(found.preset.contradictions, _STYLES, strict=False):
        cells = [found.cell(arm, network, measure, support, contradiction) for support in supports]
        frequency = np.array(supports) / (1 - contradiction)
        axes.errorbar(
            frequency,
            [one.value for one in cells],
            yerr=np.nan_to_num([one.interval[1] - one.value for one in cells]),
            color=color,
            marker=marker,
            markersize=4,
            linewidth=1.4,
            elinewidth=0.8,
            capsize=2,
            label=f"c = {contradiction:g}",
        )
    axes.axhline(1 / found.preset.classes, color=show.INK, linewidth=0.8, linestyle=":", label="chance")
    axes.set_xscale("log", base=2)
    ticks = [
        2**power
        for power in range(1, 12, 2)
        if supports[0] <= 2**power < 1.1 * found.patterns.frequency.max()
    ]
    axes.set_xticks(ticks, list(map(str, ticks)))
    axes.minorticks_off()
    axes.set_ylim(0, 1.04)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=len(labels),
        frameon=False,
        fontsize=show.FONT_SIZE,
        labelcolor=show.INK,
    )


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


@dataclass(frozen=True, eq=False)
class Hypothesis(Found, show.Result):
    """The experiment: what was planted and what became of it, and the ``claims`` that it decides."""

    @cached_property
    def claims(self) -> list[Claim]:
        """The claims with their verdicts."""
        return claims_of(self)

    @property
    def text(self) -> str:
        """``5 holds, 3 undecided; the hypothesis ...`` in one line."""
        counts = count_verdicts(self.claims)
        told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
        return f"{told}; {of_the_whole({one.id: one.verdict for one in self.claims})}"

    def table(self) -> pd.DataFrame:
        """A row for each arm, network and pattern: what it is, and the means over trials."""
        import pandas as pd

        patterns = self.patterns
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "arm": arm,
                        "network": network,
                        "pattern": np.arange(len(patterns)),
                        "class": patterns.label,
                        "support": patterns.support,
                        "contradiction": patterns.contradiction,
                        "frequency": patterns.frequency,
                        "easiness": found.easiness.mean(axis=0),
                        "easiness_contradicted": found.contradicted.mean(axis=0),
                        "held_out_probability": found.held_out.mean(axis=0),
                    }
                )
                for (arm, network), found in self.arms.items()
            ],
            ignore_index=True,
        )

    def figure(self) -> Figure:
        """Easiness against frequency by contradiction, in both arms, a row for each network."""
        return frequency_figure(self, "easiness")

    def sections(self) -> list[show.Section]:
        """The verdicts, then the numbers that they rest on."""
        return sections_of(self, self.claims)

    def document(self) -> Any:
        """The settings, the claims, and the rows of the table."""
        return {
            "preset": self.preset.as_dict(),
            "seed": self.seed,
            "claims": [claim.as_dict() for claim in self.claims],
            "rows": super().document(),
        }
