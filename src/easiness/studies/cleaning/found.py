"""What cleaning does to each example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data import DROP, KEEP, RELABEL

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = -1
"""For the label of an example at its source, where that is not known."""

_Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CleanedLabels:
    """The labels of examples before and after cleaning, arrays [K]; ``classes`` are the names by label.

    ``before`` are those that were trained with, ``labels`` those to train with, and ``was`` those at the
    source, which are ``before`` unless these came from a file, or `UNKNOWN`. ``dropped`` are left out.
    """

    ids: npt.NDArray[Any]
    before: _Labels
    labels: _Labels
    dropped: npt.NDArray[np.bool_]
    was: _Labels
    classes: tuple[str, ...]

    @property
    def relabelled(self) -> npt.NDArray[np.bool_]:
        """Does the example get another label? [K]"""
        changed: npt.NDArray[np.bool_] = (self.labels != self.before) & ~self.dropped
        return changed

    @property
    def text(self) -> str:
        """How many examples change: ``relabels 812 and drops 301 of 10,000``."""
        return f"relabels {self.relabelled.sum():,} and drops {self.dropped.sum():,} of {len(self.ids):,}"

    def table(self) -> pd.DataFrame:
        """The file of labels, a row an example: ``id``, ``label``, ``class``, ``was``, ``action``.

        ``label`` and ``was`` are indices of classes, ``class`` is the name for ``label``, ``action`` is
        ``keep``, ``relabel`` (another label than at the source) or ``drop``, whose label stays as it is.
        ``was`` is empty where it is not known.
        """
        import pandas as pd

        known = self.was != UNKNOWN
        other = np.where(known, self.labels != self.was, self.labels != self.before)
        actions = np.where(self.dropped, DROP, np.where(other, RELABEL, KEEP)).astype(object)
        was: Any = self.was
        if not known.all():
            was = [label if there else None for label, there in zip(was.tolist(), known, strict=True)]
            was = np.array(was, dtype=object)
        names = np.array(self.classes, dtype=object)[self.labels]
        return pd.DataFrame(
            {"id": self.ids, "label": self.labels, "class": names, "was": was, "action": actions}
        )

    def by_class(self) -> pd.DataFrame:
        """A row a class: how many ``examples`` it has, go to others, come from others, are dropped, left."""
        import pandas as pd

        num, changed = len(self.classes), self.relabelled

        def count(labels: _Labels, chosen: npt.NDArray[np.bool_]) -> _Labels:
            return np.bincount(labels[chosen], minlength=num)

        return pd.DataFrame(
            {
                "class": self.classes,
                "examples": np.bincount(self.before, minlength=num),
                "to_others": count(self.before, changed),
                "from_others": count(self.labels, changed),
                "dropped": count(self.before, self.dropped),
                "left": count(self.labels, ~self.dropped),
            }
        )
