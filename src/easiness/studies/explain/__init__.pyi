from .result import SLOPE as SLOPE, Exhibit as Exhibit, Explanation as Explanation
from .study import EXPLAIN as EXPLAIN, ExplainOptions as ExplainOptions, explain as explain
