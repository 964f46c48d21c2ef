from .changes import OutcomeChanges as OutcomeChanges, diff_of_outcomes as diff_of_outcomes
from .compare import OutcomeComparison as OutcomeComparison, compare_outcomes as compare_outcomes
from .record import RECORD as RECORD, RecordOptions as RecordOptions, record as record
from .rollouts import (
    ItemsBetween as ItemsBetween,
    NextRollouts as NextRollouts,
    RolloutsAhead as RolloutsAhead,
    keep_between as keep_between,
    next_rollouts as next_rollouts,
)
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
