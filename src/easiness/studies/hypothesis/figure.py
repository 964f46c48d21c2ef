"""Easiness or probability against frequency by contradiction, and the drop by contradiction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from easiness import show
from easiness.studies.hypothesis.claims import DROP, drop_of
from easiness.studies.hypothesis.design import ARMS, CONTROLS, JUDGED, Arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from easiness.studies.hypothesis.found import Found, Measure

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

    from easiness.studies.hypothesis.pictures import Pictures

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
