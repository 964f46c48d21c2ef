from .study import (
    DIFF as DIFF,
    Difference as Difference,
    Matching as Matching,
    Versions as Versions,
    diff as diff,
    renamed_classes as renamed_classes,
)
