from .boosting import fit_boosted as fit_boosted
from .folds import (
    Deal as Deal,
    Partition as Partition,
    join_pairs as join_pairs,
    join_with_near as join_with_near,
    kept_together as kept_together,
)
from .influence import Influence as Influence, influence_of as influence_of
from .ridge import (
    Head as Head,
    Moments as Moments,
    Rows as Rows,
    by_examples as by_examples,
    bytes_of_moments as bytes_of_moments,
    eigen_of as eigen_of,
    fit_ridge as fit_ridge,
    sample_of as sample_of,
    temperature_of as temperature_of,
)
from .trial import (
    MOST_LOGITS as MOST_LOGITS,
    StoredHeads as StoredHeads,
    run_heads as run_heads,
    stored_heads as stored_heads,
)
