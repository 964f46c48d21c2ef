"""Scores of examples: pure functions of what trials recorded."""

from easiness.scores.easiness import easiness, easiness_interval
from easiness.scores.moments import Moments
from easiness.scores.predicted import most_named, most_predicted
from easiness.scores.reference import scores_markdown
from easiness.scores.registry import SCORES, find_score
from easiness.scores.score import Score
from easiness.scores.table import Scoring, score_columns

__all__ = [
    "Moments",
    "SCORES",
    "Score",
    "Scoring",
    "easiness",
    "easiness_interval",
    "find_score",
    "most_named",
    "most_predicted",
    "score_columns",
    "scores_markdown",
]
