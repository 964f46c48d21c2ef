"""How far apart the easy, any and the hard examples of a class are, in pixels and in features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from easiness.show import EASY, FAINT, FONT_SIZE, HARD, INK, quiet
from easiness.studies.similarity.found import Distances, SetName, Space, SpaceDistances

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN: tuple[tuple[SetName, str, str], ...] = (
    ("easy", "easy", EASY),
    ("all", "any", INK),
    ("hard", "hard", HARD),
)
_UNITS: dict[Space, str] = {
    "pixel": "in pixels",
    "feature": "in features",
}


def draw_similarity(similarity: Distances) -> Figure:
    """A panel per space: the mean over classes with its interval, and a faint line for each class."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.7 * len(similarity.spaces) + 0.3, 2.9), layout="constrained")
    panels = figure.subplots(1, len(similarity.spaces), squeeze=False)[0]
    for axes, space in zip(panels, similarity.spaces.values(), strict=True):
        _draw_space(axes, space)
    panels[0].set_ylabel("mean distance within a class", color=INK, fontsize=FONT_SIZE)
    return figure


def _draw_space(axes: Axes, space: SpaceDistances) -> None:
    quiet(axes)
    at = range(len(_SHOWN))
    for values in zip(*(space.by_class[name] for name, _, _ in _SHOWN), strict=True):
        axes.plot(at, values, color=FAINT, linewidth=0.8)
    for x, (name, _, color) in zip(at, _SHOWN, strict=True):
        mean = space.sets[name]
        low, high = mean.interval
        axes.errorbar(
            x,
            mean.value,
            [[max(0, mean.value - low)], [max(0, high - mean.value)]],
            fmt="o",
            color=color,
            markersize=6,
            capsize=3,
            linewidth=1.6,
        )
    axes.set_xticks(list(at), [label for _, label, _ in _SHOWN])
    axes.set_xlim(-0.4, len(_SHOWN) - 0.6)
    axes.set_title(_UNITS[space.space], color=INK, fontsize=FONT_SIZE, loc="left")
