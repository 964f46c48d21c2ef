"""The data map: each example by its confidence and variability, to be explored in the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples
from easiness.pages.quantized import Bits, Document, Trajectories, indices, named, quantized, trajectories
from easiness.pages.template import Inlined, inert, inlined
from easiness.scoring import SCORES, formula_text
from easiness.show import ShownExample, count
from easiness.store import Run

if TYPE_CHECKING:
    import pandas as pd

SHARED = ("codes", "elements", "course")
"""The scripts that other views of the page have as well."""
SCRIPTS = (
    *SHARED,
    *("values", "colors", "view", "fragment", "plot", "lasso", "zoom", "card", "table", "map", "players"),
)
"""The scripts of the map, in the order in which they are read."""

AXES = ("variability", "confidence")
"""Across and up."""

_COLUMN_BYTES = 4_200_000  # of base64, for all runs of a page
_MEAN_BYTES, _TRIAL_BYTES = 1_200_000, 500_000  # of trajectories; a third more in base64
_MEDIA_BYTES = 4_000_000  # pictures and sounds that only the map has
_FINE = 20_000  # so many examples have their scores in 16 bits
_EXTREMES = 24  # of each kind that have their pictures
_CELLS = (12, 8)  # one example from each part of the map has its picture
_MOST_PICTURES = 160


@dataclass(frozen=True, eq=False)
class MapOfRun:
    """A run on the map: ``scores`` by name, ``suggested`` and ``predicted`` classes; all [n] of points."""

    name: str
    num_trials: int
    scores: dict[str, npt.NDArray[np.float64]] = field(repr=False)
    suggested: npt.NDArray[np.int64] = field(repr=False)
    predicted: npt.NDArray[np.int64] = field(repr=False)
    predicted_share: npt.NDArray[np.float64] = field(repr=False)
    trajectories: Trajectories

    def document(self, num_classes: int) -> Document:
        """The run as values of JSON; a score that another one equals names that one."""
        bits: Bits = 16 if len(self.predicted) <= _FINE else 8
        scores: list[Document] = []
        seen = {self.scores[name].tobytes(): name for name in AXES if name in self.scores}
        for name, values in self.scores.items():
            same = seen.setdefault(values.tobytes(), name)
            column = {"same": same} if same != name else quantized(values, 16 if name in AXES else bits)
            scores.append({"name": name, **_about(name, self.trajectories.row_name), **column})
        return {
            "name": self.name,
            "numTrials": self.num_trials,
            "scores": scores,
            "suggested": indices(self.suggested, num_classes),
            "predicted": indices(self.predicted, num_classes),
            "predictedShare": quantized(self.predicted_share, 8),
            **self.trajectories.document(),
        }


@dataclass(frozen=True, eq=False)
class DataMap:
    """The map of a page: ``points`` [n] are positions in its ``runs``, ascending, of ``num_examples``.

    ``pictured`` are positions whose pictures the map wants, the most wanted first.
    """

    runs: list[MapOfRun]
    points: npt.NDArray[np.int64] = field(repr=False)
    pictured: list[int] = field(repr=False)
    num_examples: int
    _fixed: Document = field(repr=False)

    @property
    def style(self) -> str:
        """Its styles."""
        return (resources.files("easiness.pages") / "data_map.css").read_text("utf-8")

    @property
    def script(self) -> Inlined:
        """Its script."""
        return inlined(SCRIPTS)

    def notes(self) -> list[str]:
        """Sentences on what the map leaves out."""
        found = []
        if len(self.points) < self.num_examples:
            found.append(
                f"The map has {count(len(self.points))} of the {count(self.num_examples)} examples, drawn at "
                "random, and those shown elsewhere on this page."
            )
        if len(self.points) > _FINE:
            found.append("Scores other than the two of the map are rounded to 1/254 of their range.")
        of_runs = [note for run in self.runs for note in run.trajectories.notes()]
        return found + list(dict.fromkeys(of_runs))

    def data(
        self, shown: Mapping[int, ShownExample], elsewhere: Collection[int], texts: list[str] | None = None
    ) -> str:
        """Everything that the script reads, as JSON that can stand in a script element."""
        left = _MEDIA_BYTES
        media: dict[str, Any] = {"pictures": {}, "sounds": {}, "texts": {} if texts is None else texts}
        for position in self.pictured:
            one = shown.get(position)
            point = str(int(np.searchsorted(self.points, position)))
            if one is None:
                continue
            if one.uri is None and texts is None:
                media["texts"][point] = one.text
            if position in elsewhere or one.size > left:
                continue
            left -= one.size
            addresses = {"pictures": one.uri, "sounds": one.sound}
            for name, uri in addresses.items():
                if uri is not None:
                    media[name][point] = uri
        num_classes = len(self._fixed["classes"])
        runs = [run.document(num_classes) for run in self.runs]
        had = {name: of for name, of in media.items() if of or name == "pictures"}
        return inert({**self._fixed, "runs": runs, **had})


def data_map(
    runs: Sequence[Run],
    names: Sequence[str],
    at: Sequence[int],
    scored: Sequence[pd.DataFrame],
    ranked: Sequence[pd.DataFrame | None],
    shown: Iterable[int],
) -> DataMap:
    """The map of runs over the same examples."""
    num = len(runs[0].ids)
    tables = [_with_suspicion(table, one) for table, one in zip(scored, ranked, strict=True)]
    shown = sorted(set(shown))
    spread = _taking_turns([_worth_a_picture(table) for table in tables])
    pictured = list(dict.fromkeys([*spread, *shown]))
    suspect = [at for table in tables for at in np.flatnonzero(table["p_wrong"].to_numpy() >= 1 / 2).tolist()]
    points = _points(runs[0].ids, tables, pictured)
    first = np.array(list(dict.fromkeys([*pictured, *suspect])), np.int64)
    first = first[np.isin(first, points)]
    return DataMap(
        runs=[
            _of_run(run, name, row, table, points, np.searchsorted(points, first), len(runs))
            for run, name, row, table in zip(runs, names, at, tables, strict=True)
        ],
        points=points,
        pictured=pictured,
        num_examples=num,
        _fixed={
            "num": len(points),
            "ids": named(runs[0].ids[points]),
            "classes": list(runs[0].classes),
            "labels": indices(runs[0].labels[points], len(runs[0].classes)),
        },
    )


def _about(name: str, row_name: str) -> Document:
    for score in SCORES:
        if score.name == name:
            return {"high": score.high_means, "formula": formula_text(score.formula, row_name)}
    return {"high": "suspect label", "formula": "the probability that the label is wrong"}


def _is_defined(values: npt.ArrayLike) -> bool:
    return bool(np.isfinite(np.asarray(values, np.float64)).any())


def _with_suspicion(table: pd.DataFrame, ranked: pd.DataFrame | None) -> pd.DataFrame:
    """The scores of a run, ``p_wrong`` and ``suggested``: NaN and -1 where nothing is said."""
    if ranked is None:
        return table.assign(p_wrong=np.nan, suggested=-1)
    by_id = ranked.set_index("id").loc[table["id"]]
    return table.assign(p_wrong=by_id["p_wrong"].to_numpy(), suggested=by_id["suggested"].to_numpy())


def _worth_a_picture(table: pd.DataFrame) -> list[int]:
    """The extremes of the map, and one example from each part of it."""
    confidence, variability = (table[name].to_numpy() for name in ("confidence", "variability"))
    if not np.isfinite(confidence).all() or not np.isfinite(variability).all():
        confidence, variability = table["easiness"].to_numpy(), np.zeros(len(table))
    orders = [np.argsort(by, kind="stable")[:_EXTREMES] for by in (-variability, confidence, -confidence)]
    across, up = _CELLS
    width = max(float(variability.max()), 1e-9)
    x = np.minimum((variability / width * across).astype(int), across - 1)
    y = np.minimum((confidence * up).astype(int), up - 1)
    _, cells = np.unique(x * up + y, return_index=True)
    return _taking_turns([*(order.tolist() for order in orders), cells.tolist()])


def _taking_turns(lists: Sequence[list[int]]) -> list[int]:
    """Merge lists, the first of each first, and keep as many as get a picture."""
    turns = (one for turn in zip_longest(*lists) for one in turn if one is not None)
    return list(islice(dict.fromkeys(turns), _MOST_PICTURES))


def _points(
    ids: npt.NDArray[np.int64] | npt.NDArray[np.object_], tables: Sequence[pd.DataFrame], kept: list[int]
) -> npt.NDArray[np.int64]:
    """Positions of as many examples as fit the page, those ``kept`` among them."""
    of_id = 8 if ids.dtype == np.int64 else 2 + sum(len(str(one)) for one in ids[:1000]) // len(ids[:1000])
    num = sum(_is_defined(table[score.name]) for table in tables for score in SCORES)
    # two bytes for each axis; beside the other scores there are two kinds of classes, a share and p_wrong
    of_scores = (len(tables) * (2 + 4) + num) * (2 if len(ids) <= _FINE else 1) * 4 / 3
    drawn = drawn_examples(len(ids), int(_COLUMN_BYTES / (of_scores + of_id)))
    return np.arange(len(ids)) if drawn is None else np.union1d(drawn, np.array(kept, np.int64))


def _of_run(
    run: Run,
    name: str,
    epoch: int,
    table: pd.DataFrame,
    points: npt.NDArray[np.int64],
    first: npt.NDArray[np.int64],
    num_runs: int,
) -> MapOfRun:
    drawn = table.iloc[points]
    names = [*(score.name for score in SCORES), "p_wrong"]
    scores = {one: drawn[one].to_numpy(np.float64) for one in names}
    return MapOfRun(
        name=name,
        num_trials=len(run.trials),
        scores={one: values for one, values in scores.items() if _is_defined(values)},
        suggested=drawn["suggested"].to_numpy(np.int64),
        predicted=drawn["predicted"].to_numpy(np.int64),
        predicted_share=drawn["predicted_share"].to_numpy(np.float64),
        trajectories=trajectories(
            run, epoch, points, first, (_MEAN_BYTES // num_runs, _TRIAL_BYTES // num_runs)
        ),
    )
