from .agreement import PeopleAgreement as PeopleAgreement
from .rule import (
    LABELS as LABELS,
    CleanLabels as CleanLabels,
    LabelOptions as LabelOptions,
    clean as clean,
    labels as labels,
    verifying as verifying,
    without as without,
)
