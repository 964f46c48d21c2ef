from .record import RECORD as RECORD, RecordOptions as RecordOptions, record as record
from .scores import (
    OutcomeScores as OutcomeScores,
    meaning as meaning,
    scores_of_outcomes as scores_of_outcomes,
)
