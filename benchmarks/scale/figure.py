"""The figure of docs/scale.md: up to how many examples each part of today's design holds."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from easiness.show import EASY, FONT_SIZE, INK, picture_bytes, quiet
from scale.words import amount

FEWEST = 1e5
MARKS = {1_281_167: "ImageNet-1k", 1e9: "a billion"}


def draw(found):
    """The figure as SVG, of limits that are numbers of examples, the lowest at the top."""
    found = sorted(found, key=lambda limit: -limit.holds)
    figure = Figure(figsize=(8.6, 3.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    quiet(axes)
    axes.grid(visible=False)
    axes.barh(range(len(found)), [one.holds - FEWEST for one in found], left=FEWEST, color=EASY, height=0.5)
    for at, one in enumerate(found):
        axes.text(one.holds * 1.1, at, amount(one.holds), va="center", color=INK, fontsize=FONT_SIZE)
    for value, name in MARKS.items():
        axes.axvline(value, color=INK, linewidth=0.8, linestyle=":")
        axes.text(value, len(found) - 0.4, f" {name}", color=INK, fontsize=FONT_SIZE, va="bottom")
    axes.set_yticks(range(len(found)), [one.what.replace("`", "") for one in found], fontsize=FONT_SIZE)
    axes.set_xscale("log")
    axes.set_xlim(FEWEST, 3e9)
    axes.set_xlabel("examples")
    return picture_bytes(figure, ".svg")
