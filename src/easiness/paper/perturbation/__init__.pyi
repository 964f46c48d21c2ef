from .asked import seen_as as seen_as
from .curve import PerturbationCurve as PerturbationCurve
from .match import difference_of_losses as difference_of_losses
from .panel import (
    draw_panel as draw_panel,
    draw_patterns as draw_patterns,
    pattern_pictures as pattern_pictures,
    perturbed_panel as perturbed_panel,
)
from .patterns import PseudoPatterns as PseudoPatterns
from .pixels import image_shape as image_shape
from .study import (
    PERTURB as PERTURB,
    PerturbAsked as PerturbAsked,
    curve_of as curve_of,
    patterns_of as patterns_of,
)
