from .asked import check_asked as check_asked, seen_as as seen_as, spec_with_weights as spec_with_weights
from .curve import PerturbationCurve as PerturbationCurve
from .match import difference_of_losses as difference_of_losses
from .panel import (
    draw_panel as draw_panel,
    draw_patterns as draw_patterns,
    pattern_pictures as pattern_pictures,
    perturbed_panel as perturbed_panel,
)
from .patterns import Perturbed as Perturbed, PseudoPatterns as PseudoPatterns
from .pixels import (
    check_changes_something as check_changes_something,
    image_shape as image_shape,
)
from .study import perturbation_curve as perturbation_curve, pseudo_patterns as pseudo_patterns
