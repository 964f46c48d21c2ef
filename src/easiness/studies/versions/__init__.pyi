from .found import Matching as Matching
from .result import Difference as Difference
from .study import diff as diff
