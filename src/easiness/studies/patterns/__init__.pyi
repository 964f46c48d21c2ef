from .neighbourhood import (
    Neighbourhood as Neighbourhood,
    Patterns as Patterns,
    least_explained as least_explained,
    neighbourhood as neighbourhood,
)
from .study import EXPLAIN as EXPLAIN, ExplainOptions as ExplainOptions, explain as explain
