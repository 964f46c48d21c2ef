from .score import Score as Score, ScoreMoments as ScoreMoments, formula_text as formula_text
from .scores import easiness_interval as easiness_interval, jeffreys as jeffreys
from .table import (
    SCORES as SCORES,
    Scoring as Scoring,
    find_score as find_score,
    most_named as most_named,
    score_columns as score_columns,
)
