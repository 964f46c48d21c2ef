from .notes import renamed_classes as renamed_classes
from .study import (
    DIFF as DIFF,
    Difference as Difference,
    Matching as Matching,
    Versions as Versions,
    diff as diff,
)
