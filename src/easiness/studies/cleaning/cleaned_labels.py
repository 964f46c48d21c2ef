"""What cleaning does to each example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data import DROP, KEEP, RELABEL
from easiness.show import (
    EASY,
    HARD,
    TRAIN,
    Result,
    Section,
    capitalized,
    count,
    legend_above,
    new_axes,
    whole_ticks,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

UNKNOWN = -1
"""For the label of an example at its source, where that is not known."""

_MOST = 15  # classes whose names can be read
_BARS = {
    "to_others": ("to others", HARD),
    "from_others": ("from others", TRAIN),
    "dropped": ("dropped", EASY),
}

_Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cleaned(Result):
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

        def num_of(labels: _Labels, chosen: npt.NDArray[np.bool_]) -> _Labels:
            return np.bincount(labels[chosen], minlength=num)

        return pd.DataFrame(
            {
                "class": self.classes,
                "examples": np.bincount(self.before, minlength=num),
                "to_others": num_of(self.before, changed),
                "from_others": num_of(self.labels, changed),
                "dropped": num_of(self.before, self.dropped),
                "left": num_of(self.labels, ~self.dropped),
            }
        )

    def figure(self) -> Figure:
        """Bars for the classes that change most: examples that leave them, come to them, and are dropped."""
        table = self.by_class()
        total = table[list(_BARS)].sum(axis=1)
        shown = table.loc[total.sort_values(ascending=False, kind="stable").index[:_MOST]]
        figure, axes = new_axes(5.2, 1.2 + 0.3 * len(shown))
        places = np.arange(len(shown))
        for row, (column, (name, color)) in enumerate(_BARS.items()):
            axes.barh(places + 0.27 * (row - 1), shown[column], 0.25, color=color, label=name)
        axes.set_yticks(places, list(shown["class"]), parse_math=False)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set(xlabel="examples")
        whole_ticks(axes)
        legend_above(axes, len(_BARS))
        return figure

    def sections(self) -> list[Section]:
        """One table: how many examples of each class change, below the total."""
        table = self.by_class()
        numbers = table.drop(columns="class")
        rows = [["class", "examples", "to others", "from others", "dropped", "left"]]
        rows.append(["all", *(count(int(total)) for total in numbers.sum())])
        changing = table[numbers[list(_BARS)].any(axis=1)]
        rows += [
            [name, *(count(int(cell)) for cell in cells)] for name, *cells in changing.itertuples(index=False)
        ]
        return [
            Section(
                capitalized(self.text),
                "By class, as far as it changes: examples that get another label (to others), that get this "
                "one (from others), and that are dropped.",
                rows,
            )
        ]
