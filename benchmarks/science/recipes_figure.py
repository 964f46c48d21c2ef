"""The figure of `recipes.py`: rank correlation with the reference against core minutes, a panel a subject."""

from __future__ import annotations

from matplotlib.figure import Figure

from easiness.show.svg import EASY, FONT_SIZE, HARD, INK, picture_bytes, quiet

COLORS = {"short": EASY, "paper": HARD}
MARKERS = {"easiness": "o", "confidence": "s", "loss": "D"}
SHOWN = ("cifar10", "imagenette224", "digits")


def draw(results, goal, scores):
    """The figure as SVG: ``paper`` and ``short`` with one trial, two, and so on, by each score."""
    shown = [name for name in SHOWN if name in results]
    figure = Figure(figsize=(3.3 * len(shown), 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        own, rows = results[name]
        quiet(axes)
        axes.axhline(own, color=INK, linewidth=0.8, linestyle=":")
        axes.axhline(goal * own, color=INK, linewidth=0.8, linestyle="--")
        for way, _, found, minutes in rows:
            for score, values in found.items() if way in COLORS else ():
                axes.plot(
                    [minutes * (n + 1) for n in range(len(values))],
                    values,
                    color=COLORS[way],
                    marker=MARKERS[score],
                    markersize=4,
                    linewidth=1,
                    label=f"{way}, {score}",
                )
        axes.set_title(
            f"{name}, {len(rows[0][1].ids):,} examples", color=INK, fontsize=FONT_SIZE + 1, loc="left"
        )
        axes.set_xlabel("core minutes")
        axes.set_xlim(left=0)
    figure.axes[0].set_ylabel("rank correlation with the reference")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(scores), frameon=False, fontsize=FONT_SIZE
    )
    return picture_bytes(figure, ".svg")
