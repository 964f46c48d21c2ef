from .comparison import Comparison as Comparison, draw_matching as draw_matching
from .outlook import outlook_lines as outlook_lines
from .reliability import (
    Reliability as Reliability,
    ReliabilityCurves as ReliabilityCurves,
    curves_by_epoch as curves_by_epoch,
    curves_by_trials as curves_by_trials,
    draw_reliability as draw_reliability,
)
from .sections import pair_answers as pair_answers
from .study import (
    check_comparable as check_comparable,
    common_epoch as common_epoch,
    compare as compare,
    matching_rate as matching_rate,
)
