from .cells import KEEP as KEEP, SIZES as SIZES
from .choice import (
    Judged as Judged,
    Row as Row,
    choose as choose,
    judged_choice as judged_choice,
    more_labels as more_labels,
)
from .grid import FEWEST_SEEDS as FEWEST_SEEDS, Asked as Asked, grid_of as grid_of
from .heads import (
    Judgement as Judgement,
    Labelled as Labelled,
    judged_by_others as judged_by_others,
    right_by_neighbours as right_by_neighbours,
)
from .labelling import DRAWS as DRAWS, PICKED as PICKED, to_label as to_label
from .next_labels import NextLabels as NextLabels
from .picking import (
    MARGIN as MARGIN,
    PICKS as PICKS,
    RANDOM as RANDOM,
    RARE as RARE,
    Near as Near,
    near_of as near_of,
)
from .reading import Examples as Examples, read_examples as read_examples
from .replay import (
    Replayed as Replayed,
    Replaying as Replaying,
    recommended as recommended,
    replay as replay,
)
from .study import LOSS as LOSS, worth as worth
from .value import Worth as Worth
