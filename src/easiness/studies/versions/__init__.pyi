from .difference import Difference as Difference, Matching as Matching
from .notes import renamed_classes as renamed_classes
from .study import DIFF as DIFF, Versions as Versions, diff as diff
