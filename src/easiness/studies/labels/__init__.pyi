from .agreement import ANSWER_COLUMN as ANSWER_COLUMN, PeopleAgreement as PeopleAgreement
from .consensus import (
    Consensus as Consensus,
    audited_consensus as audited_consensus,
    consensus as consensus,
)
from .rule import (
    LABELS as LABELS,
    CleanLabels as CleanLabels,
    LabelOptions as LabelOptions,
    clean as clean,
    labels as labels,
    verifying as verifying,
    without as without,
)
