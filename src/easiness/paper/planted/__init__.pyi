from .design import PRESETS as PRESETS, find_preset as find_preset
from .result import (
    Hypothesis as Hypothesis,
    cell_sections as cell_sections,
    controls_figure as controls_figure,
    drop_figure as drop_figure,
    drop_section as drop_section,
    frequency_figure as frequency_figure,
    leads_of as leads_of,
    planted_figure as planted_figure,
    slope_section as slope_section,
)
from .study import (
    HypothesisPlan as HypothesisPlan,
    carry_out_hypothesis as carry_out_hypothesis,
    hypothesis as hypothesis,
    plan_hypothesis as plan_hypothesis,
    read_hypothesis as read_hypothesis,
)
