from .record import RECORD as RECORD, RecordOptions as RecordOptions, record as record
from .scores import (
    OutcomeScores as OutcomeScores,
    meaning as meaning,
    scores_of_outcomes as scores_of_outcomes,
)
from .suspects import (
    KeySuspects as KeySuspects,
    audit_of_outcomes as audit_of_outcomes,
    suspects_of_outcomes as suspects_of_outcomes,
)
