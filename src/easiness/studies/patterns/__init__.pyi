from .found import Leftover as Leftover, Patterns as Patterns
from .neighbourhood import Neighbourhood as Neighbourhood, neighbourhood as neighbourhood
from .study import EXPLAIN as EXPLAIN, Explained as Explained, explain as explain
