from .grid import (
    SIZES as SIZES,
    choose as choose,
    judged_choice as judged_choice,
    more_labels as more_labels,
)
from .heads import LabelledVectors as LabelledVectors, right_by_neighbours as right_by_neighbours
from .labelling import (
    MARGIN as MARGIN,
    RANDOM as RANDOM,
    RARE as RARE,
    NextAnswers as NextAnswers,
    NextLabels as NextLabels,
)
from .pruning import Pruning as Pruning, ids_as_text as ids_as_text, prune as prune
from .ranks import (
    Curriculum as Curriculum,
    align as align,
    order_of as order_of,
    paced_batches as paced_batches,
    places as places,
    ranking as ranking,
    scored_data as scored_data,
)
from .replay import (
    PICKS as PICKS,
    NearestRows as NearestRows,
    best_rule as best_rule,
    near_of as near_of,
    replay as replay,
)
from .study import (
    KEEP as KEEP,
    NEXT as NEXT,
    KeepOptions as KeepOptions,
    NextOptions as NextOptions,
    keep as keep,
    label_next as label_next,
)
from .worth import Worth as Worth
