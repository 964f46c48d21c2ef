import numpy as np
import pytest

from easiness.analysis import bits
from easiness.analysis.class_tally import ClassTally


@pytest.mark.parametrize("in_order", [True, False])
def test_members_are_counted_by_class_in_any_order(in_order: bool) -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 2, 4, 9], 300)  # no example of 3, 5, ...
    if in_order:
        labels.sort()
    mask = rng.random(300) < 0.3
    classes = ClassTally(labels)
    assert classes.sizes.tolist() == np.bincount(labels).tolist()
    assert classes.of(bits.pack(mask)).tolist() == np.bincount(labels[mask], minlength=10).tolist()
