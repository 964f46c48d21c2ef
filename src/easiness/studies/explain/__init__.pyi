from .result import Explanation as Explanation
from .study import EXPLAIN as EXPLAIN, explain as explain
