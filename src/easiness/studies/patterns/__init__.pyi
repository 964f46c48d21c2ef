from .found import Patterns as Patterns, least_explained as least_explained
from .neighbourhood import Neighbourhood as Neighbourhood, neighbourhood as neighbourhood
from .study import EXPLAIN as EXPLAIN, Explained as Explained, explain as explain
