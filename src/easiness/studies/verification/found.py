"""What other labels are worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from easiness.analysis import Gain

if TYPE_CHECKING:
    import pandas as pd

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VerifiedLabels:
    """Accuracies [trials] of ``model`` after ``epochs`` epochs on the same ``num_held_out`` examples.

    Those ``before`` were trained on all ``num_examples`` with the labels of the source, or of a file, those
    ``after`` with ``num_relabelled`` other labels, without the ``num_dropped``, and with
    ``num_taken_back`` that the file before had dropped. Trials of the same index have the same
    seeds. ``gain`` is the mean difference, with an interval over trials and held-out examples.
    """

    model: str
    epochs: int
    num_examples: int
    num_relabelled: int
    num_dropped: int
    num_held_out: int
    before: _Floats
    after: _Floats
    gain: Gain
    num_taken_back: int = 0

    @property
    def text(self) -> str:
        """``relabelling 812 and dropping 301 of 10,000 gains 2.1 points (1.4 to 2.8)``."""
        numbers = {
            "relabelling": self.num_relabelled,
            "dropping": self.num_dropped,
            "taking back": self.num_taken_back,
        }
        *first, last = [f"{verb} {number:,}" for verb, number in numbers.items() if number]
        done = f"{', '.join(first)} and {last}" if first else last
        return f"{done} of {self.num_examples:,} {_effect(self.gain)}"

    def table(self) -> pd.DataFrame:
        """A row a trial: its accuracies before and after, and its ``gain``, all in 0..1 or -1..1.

        ``gain_mean`` with ``gain_low`` and ``gain_high``, its 95 % interval, is over all trials.
        """
        import pandas as pd

        low, high = self.gain.interval
        return pd.DataFrame(
            {
                "trial": np.arange(len(self.before)),
                "accuracy_before": self.before,
                "accuracy_after": self.after,
                "gain": self.after - self.before,
                "gain_mean": self.gain.value,
                "gain_low": low,
                "gain_high": high,
                "model": self.model,
                "epochs": self.epochs,
                "num_examples": self.num_examples,
                "num_relabelled": self.num_relabelled,
                "num_dropped": self.num_dropped,
                "num_taken_back": self.num_taken_back,
                "num_held_out": self.num_held_out,
            }
        )


def _effect(gain: Gain) -> str:
    low, high = (100 * end for end in gain.interval)
    value = 100 * gain.value
    if math.isnan(low):
        return f"changes accuracy by {value:+.1f} points in one trial, which shows nothing"
    if not gain.shown:
        return f"shows no difference: {value:+.1f} points ({low:+.1f} to {high:+.1f})"
    if value > 0:
        return f"gains {value:.1f} points ({_near_end(low)} to {high:.1f})"
    return f"loses {-value:.1f} points ({_near_end(-high)} to {-low:.1f})"


def _near_end(value: float) -> str:
    """The end of an interval towards 0, which it leaves out."""
    text = f"{value:.1f}"
    return "just over 0" if float(text) == 0 else text
