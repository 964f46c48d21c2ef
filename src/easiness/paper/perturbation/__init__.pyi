from .curve import PerturbationCurve as PerturbationCurve
from .looking import image_shape as image_shape
from .panel import draw_panel as draw_panel, draw_patterns as draw_patterns
from .study import (
    PseudoPatterns as PseudoPatterns,
    perturbation_curve as perturbation_curve,
    pseudo_patterns as pseudo_patterns,
)
