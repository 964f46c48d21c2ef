from .asking import HYPOTHESIS as HYPOTHESIS, Planted as Planted
from .claims import of_the_whole as of_the_whole
from .design import PRESETS as PRESETS, find_preset as find_preset
from .kind import planted_kind as planted_kind
from .result import Hypothesis as Hypothesis
from .study import Experiment as Experiment, plan as plan
