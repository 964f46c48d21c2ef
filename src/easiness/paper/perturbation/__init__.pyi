from .asked import image_shape as image_shape
from .asking import PERTURB as PERTURB, Perturbing as Perturbing
from .curve import (
    Loss as Loss,
    PerturbationCurve as PerturbationCurve,
    difference_of_losses as difference_of_losses,
)
from .panel import (
    draw_panel as draw_panel,
    draw_patterns as draw_patterns,
    pattern_pictures as pattern_pictures,
    perturbed_panel as perturbed_panel,
)
from .patterns import PseudoPatterns as PseudoPatterns
from .study import (
    perturbation_curve as perturbation_curve,
    pseudo_patterns as pseudo_patterns,
)
