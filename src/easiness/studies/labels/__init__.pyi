from .agreement import PeopleAgreement as PeopleAgreement
from .rule import (
    LABELS as LABELS,
    Cleaned as Cleaned,
    Labelling as Labelling,
    cleaned as cleaned,
    labels as labels,
    verifying as verifying,
    without as without,
)
