from .answers import pair_answers as pair_answers
from .comparison import (
    check_comparable as check_comparable,
    common_epoch as common_epoch,
    compare as compare,
    matching_rate as matching_rate,
)
from .figure import draw_matching as draw_matching
from .outlook import outlook_lines as outlook_lines
from .reliability import Reliability as Reliability
from .reliability_figure import (
    ReliabilityCurves as ReliabilityCurves,
    curves_by_epoch as curves_by_epoch,
    curves_by_trials as curves_by_trials,
    draw_reliability as draw_reliability,
)
from .result import Comparison as Comparison
from .texts import as_text as as_text
