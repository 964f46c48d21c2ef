from .easiness_score import easiness as easiness, easiness_interval as easiness_interval
from .moments import Moments as Moments
from .predicted import most_named as most_named
from .registry import SCORES as SCORES, find_score as find_score, scores_markdown as scores_markdown
from .score import Score as Score, formula_text as formula_text
from .table import Scoring as Scoring, score_columns as score_columns
