from .difference import Difference as Difference, Matching as Matching
from .notes import renamed_classes as renamed_classes
from .study import diff as diff
