from .neighbourhood import (
    Neighbourhood as Neighbourhood,
    Patterns as Patterns,
    least_explained as least_explained,
    neighbourhood as neighbourhood,
)
from .study import EASE as EASE, PatternOptions as PatternOptions, patterns as patterns
