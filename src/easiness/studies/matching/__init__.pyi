from .comparison import Comparison as Comparison, draw_matching as draw_matching
from .reliability import (
    Reliability as Reliability,
    draw_reliability as draw_reliability,
    outlook_lines as outlook_lines,
    run_reliability as run_reliability,
    tail_text as tail_text,
)
from .study import (
    COMPARE as COMPARE,
    CompareOptions as CompareOptions,
    check_comparable as check_comparable,
    common_epoch as common_epoch,
    compare as compare,
    matching_rate as matching_rate,
    rows_of as rows_of,
    run_names as run_names,
)
