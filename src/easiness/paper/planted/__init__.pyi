from .claims import of_the_whole as of_the_whole
from .design import PRESETS as PRESETS, find_preset as find_preset
from .kind import planted_kind as planted_kind
from .result import Hypothesis as Hypothesis
from .study import HYPOTHESIS as HYPOTHESIS, Experiment as Experiment, Planted as Planted, plan as plan
