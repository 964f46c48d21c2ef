from .agreement import Agreement as Agreement, Between as Between
from .study import decisions as decisions
