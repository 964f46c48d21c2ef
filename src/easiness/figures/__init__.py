"""Figures: what a plot shows, as values; and drawing it, as SVG that follows the page it stands in."""

from easiness.figures.accuracy import AccuracyCurves, accuracy_curves, draw_accuracy
from easiness.figures.levels import Levels, draw_levels, easiness_levels
from easiness.figures.reliability import (
    ReliabilityCurves,
    curves_by_epoch,
    curves_by_trials,
    draw_reliability,
)
from easiness.figures.svg import picture_bytes, to_svg

__all__ = [
    "AccuracyCurves",
    "Levels",
    "ReliabilityCurves",
    "accuracy_curves",
    "curves_by_epoch",
    "curves_by_trials",
    "draw_accuracy",
    "draw_levels",
    "draw_reliability",
    "easiness_levels",
    "picture_bytes",
    "to_svg",
]
