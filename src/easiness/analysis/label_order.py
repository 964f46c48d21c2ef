"""The order of suspicion of labels, and their probabilities to be wrong made monotone in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

_NEXT_TO_NONE = 1e-3  # of wrong labels: also where networks know too little to tell them from mistakes


def ordered(wrong: Values, margin: Values, log_odds_of_pair: Values) -> tuple[Values, Values]:
    """Probabilities to be wrong [K] as fitted, made monotone, and the suspicion [K] in which they are.

    Suspicion is a logistic regression of the probabilities ``wrong`` [K] on the margins [K] and on how much
    likelier each label's pair with its rival is among wrong ones [K], in nats.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    margin = margin / max(float(margin.std()), 1e-9)
    if wrong.mean() < _NEXT_TO_NONE:  # nothing to learn an order from
        order = -margin
    else:
        by = np.stack([margin, log_odds_of_pair], axis=1)
        both = np.repeat([1, 0], len(by))
        model = LogisticRegression(C=100, max_iter=500)
        model.fit(np.concatenate([by, by]), both, np.concatenate([wrong, 1 - wrong]))
        order = model.decision_function(by)
    monotone = IsotonicRegression(y_min=0, y_max=1).fit_transform(order, wrong)
    return _without_steps(monotone, order), order


def _without_steps(monotone: Values, order: Values) -> Values:
    """Probabilities that rise by steps over ``order`` [K], linear between the middles of the steps."""
    ranked = np.argsort(order, kind="stable")
    values, x = monotone[ranked], order[ranked]
    starts = np.flatnonzero(np.r_[True, np.diff(values) > 0])
    ends = np.r_[starts[1:], len(values)]
    middles = np.array([np.median(x[a:b]) for a, b in zip(starts, ends, strict=True)])
    between: Values = np.interp(order, middles, values[starts])
    return between
