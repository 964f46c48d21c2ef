from .combined import CombinedScores as CombinedScores
from .run_figures import (
    AccuracyCurves as AccuracyCurves,
    Levels as Levels,
    accuracy_curves as accuracy_curves,
    draw_accuracy as draw_accuracy,
    draw_levels as draw_levels,
    easiness_levels as easiness_levels,
)
from .run_scores import SCORES as SCORES, RunScores as RunScores, run_scores as run_scores, scores as scores
