"""The table of scores of a run; trials are read in pieces, so that memory does not grow with their length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import membership, num_selected
from easiness.scores import Scoring, most_predicted
from easiness.spec import Split
from easiness.store.observations import Ids
from easiness.store.trial import StoredTrial

if TYPE_CHECKING:
    import pandas as pd

_AT_ONCE = 1 << 22  # predictions held at a time, of all trials together: 16 MiB


@dataclass(frozen=True)
class Examples:
    """Of one ``split`` of a run: ``ids`` [K], ``labels`` [K], and the names of all classes."""

    ids: Ids
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    split: Split


def scores_table(
    trials: Sequence[StoredTrial], examples: Examples, epoch: int, fraction: float | None
) -> pd.DataFrame:
    """What `Run.scores` gives, and its errors."""
    import pandas as pd

    ids, labels, classes, split = examples.ids, examples.labels, examples.classes, examples.split
    if fraction is None:
        fraction = 0.1  # of a handful of examples less than one, and still each has its probability
    else:
        num_selected(len(ids), fraction)  # before the work
    scoring = Scoring(labels, len(classes), epoch)
    for trial in trials:
        for first, observations in trial.blocks(len(classes), epoch, split):
            scoring.add(observations, first)
    belongs = membership(scoring.counts.num_right, scoring.counts.num_trials, fraction)
    columns = scoring.columns()
    columns["predicted"], columns["predicted_share"] = _predicted(trials, epoch, len(ids), split)
    columns |= {
        "p_easy": belongs.p_easy,
        "p_hard": belongs.p_hard,
        "easiness_expected": belongs.expected,
    }
    names = np.array(classes, dtype=object)[labels]
    # every column is an array of its own, so that the table need not copy them all
    fixed = {"id": ids.copy(), "label": labels.copy(), "class": names}
    return pd.DataFrame({**fixed, **columns}, copy=False)


def _predicted(
    trials: Sequence[StoredTrial], epoch: int, num_examples: int, split: Split
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """`most_predicted` of all examples; the trials are read once for every so many examples."""
    predicted, share = np.empty(num_examples, np.int64), np.empty(num_examples)
    size = min(num_examples, max(1, _AT_ONCE // len(trials)))
    for first in range(0, num_examples, size):
        some = slice(first, first + size)
        given = np.empty((len(trials), len(predicted[some])), np.int32)
        for row, trial in zip(given, trials, strict=True):
            row[:] = trial.columns(epoch, ["prediction"], split)["prediction"][some]
        predicted[some], share[some] = most_predicted(given)
    return predicted, share
