from .design import PRESETS as PRESETS, find_preset as find_preset
from .figure import (
    controls_figure as controls_figure,
    drop_figure as drop_figure,
    frequency_figure as frequency_figure,
    planted_figure as planted_figure,
)
from .result import Hypothesis as Hypothesis
from .study import (
    HypothesisPlan as HypothesisPlan,
    carry_out_hypothesis as carry_out_hypothesis,
    hypothesis as hypothesis,
    plan_hypothesis as plan_hypothesis,
    read_hypothesis as read_hypothesis,
)
from .text import (
    cell_sections as cell_sections,
    drop_section as drop_section,
    leads_of as leads_of,
    slope_section as slope_section,
)
