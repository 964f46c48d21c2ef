from .found import Matching as Matching
from .notes import renamed_classes as renamed_classes
from .result import Difference as Difference
from .study import diff as diff
