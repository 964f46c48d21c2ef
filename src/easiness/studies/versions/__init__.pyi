from .result import Difference as Difference
from .study import diff as diff
