from .design import (
    PRESETS as PRESETS,
    Experiment as Experiment,
    plan as plan,
    planted_kind as planted_kind,
)
from .result import Hypothesis as Hypothesis, of_the_whole as of_the_whole
