from .answers import pair_answers as pair_answers
from .comparison import Comparison as Comparison, draw_matching as draw_matching
from .outlook import outlook_lines as outlook_lines
from .reliability import (
    Reliability as Reliability,
    ReliabilityCurves as ReliabilityCurves,
    curves_by_epoch as curves_by_epoch,
    curves_by_trials as curves_by_trials,
    draw_reliability as draw_reliability,
    run_reliability as run_reliability,
)
from .study import (
    COMPARE as COMPARE,
    Compared as Compared,
    check_comparable as check_comparable,
    common_epoch as common_epoch,
    compare as compare,
    matching_rate as matching_rate,
    rows_of as rows_of,
)
