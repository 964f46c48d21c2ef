from .choice import (
    Judged as Judged,
    Row as Row,
    choose as choose,
    judged_choice as judged_choice,
    more_labels as more_labels,
)
from .grid import (
    FEWEST_SEEDS as FEWEST_SEEDS,
    KEEP as KEEP,
    SIZES as SIZES,
    Asked as Asked,
    grid_of as grid_of,
)
from .heads import (
    Examples as Examples,
    Judgement as Judgement,
    Labelled as Labelled,
    judged_by_others as judged_by_others,
    read_examples as read_examples,
    right_by_neighbours as right_by_neighbours,
)
from .labelling import DRAWS as DRAWS, PICKED as PICKED, NextLabels as NextLabels, to_label as to_label
from .pacing import (
    Curriculum as Curriculum,
    curriculum as curriculum,
    paced_batches as paced_batches,
    places as places,
)
from .pruning import ids_as_text as ids_as_text, prune as prune
from .ranks import (
    aligned as aligned,
    order_of as order_of,
    ranking as ranking,
    scored_data as scored_data,
)
from .replay import (
    MARGIN as MARGIN,
    PICKS as PICKS,
    RANDOM as RANDOM,
    RARE as RARE,
    Near as Near,
    Replayed as Replayed,
    Replaying as Replaying,
    near_of as near_of,
    recommended as recommended,
    replay as replay,
)
from .study import LOSS as LOSS, worth as worth
from .value import Worth as Worth
