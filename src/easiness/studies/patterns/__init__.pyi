from .neighbourhood import (
    Neighbourhood as Neighbourhood,
    Patterns as Patterns,
    least_explained as least_explained,
    neighbourhood as neighbourhood,
)
from .study import (
    DIFFICULTY as DIFFICULTY,
    ERROR_RATE as ERROR_RATE,
    P_WRONG as P_WRONG,
    ExplainOptions as ExplainOptions,
    patterns as patterns,
)
