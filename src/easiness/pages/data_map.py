"""The data map: each example by its confidence and variability, to be explored in the page."""

from __future__ import annotations

import base64
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import zip_longest
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from easiness.analysis import drawn_examples
from easiness.lazy import Array, Integers, pd
from easiness.pages.questions import tags_beside
from easiness.pages.template import InlineScript, inert, inline_script, without_repeats
from easiness.scoring import SCORES, formula_text
from easiness.show import ShownExample, count
from easiness.spec import Split
from easiness.store import Run

Document = dict[str, Any]
"""A value of JSON."""
Name: TypeAlias = tuple[Split, int | str]
"""An example by its split and its id there."""

Bits = Literal[8, 16]
T = TypeVar("T")

_MOST_LEVELS = 255

COMMON_SCRIPTS = ("codes", "elements", "course")
"""The scripts that other views of the page have as well."""
SCRIPTS = (
    *COMMON_SCRIPTS,
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
class DataMap:
    """The map of a page: ``points`` [n] are positions in its ``runs``, ascending, of ``num_examples``.

    A run has its values and notes. ``picture_places`` are the examples whose pictures the map wants, the most
    wanted first, each with its place among the points.
    """

    runs: list[tuple[Document, list[str]]] = field(repr=False)
    points: Integers = field(repr=False)
    picture_places: dict[Name, int] = field(repr=False)
    num_examples: int
    _constants: Document = field(repr=False)

    @property
    def style(self) -> str:
        return (resources.files("easiness.pages") / "data_map.css").read_text("utf-8")

    @property
    def script(self) -> InlineScript:
        return inline_script(SCRIPTS)

    def notes(self) -> list[str]:
        """Sentences on what the map leaves out."""
        sentences = []
        if len(self.points) < self.num_examples:
            sentences.append(
                f"The map has {count(len(self.points))} of the {count(self.num_examples)} examples, drawn at "
                "random, and those shown elsewhere on this page."
            )
        if len(self.points) > _FINE:
            sentences.append("Scores other than the two of the map are rounded to 1/254 of their range.")
        of_runs = [note for _, notes in self.runs for note in notes]
        return sentences + list(dict.fromkeys(of_runs))

    def data(
        self,
        examples: Mapping[Name, ShownExample],
        elsewhere: Container[Name],
        texts: list[str] | None = None,
    ) -> str:
        """Everything that the script reads, as JSON that can stand in a script element."""
        left = _MEDIA_BYTES
        media: dict[str, Any] = {"pictures": {}, "sounds": {}, "texts": {} if texts is None else texts}
        for name, point in self.picture_places.items():
            one = examples.get(name)
            if one is None:
                continue
            if one.uri is None and texts is None:
                media["texts"][point] = one.text
            if name in elsewhere or one.size > left:
                continue
            left -= one.size
            for medium, uri in (("pictures", one.uri), ("sounds", one.sound)):
                if uri is not None:
                    media[medium][point] = uri
        media |= {medium: without_repeats(media[medium]) for medium in ("pictures", "sounds")}
        if texts is not None:
            media["texts"] = [*without_repeats(dict(enumerate(texts))).values()]
        had = {medium: of for medium, of in media.items() if of or medium == "pictures"}
        return inert({**self._constants, "runs": [values for values, _ in self.runs], **had})


def data_map(
    runs: Sequence[Run],
    names: Sequence[str],
    at: Sequence[int],
    scores: Sequence[pd.DataFrame],
    suspects: Sequence[pd.DataFrame | None],
    exhibits: Iterable[int],
    columns: Mapping[str, Array] | None = None,
) -> DataMap:
    """The map of runs with these tables of scores; the first may be seen by other ``columns`` [K], too."""
    num = len(runs[0].ids)
    tables = [_with_suspicion(*both) for both in zip(runs, scores, suspects, strict=True)]
    exhibits = sorted(set(exhibits))
    spread = in_turns(_worth_a_picture(table) for table in tables)[:_MOST_PICTURES]
    picture_places = list(dict.fromkeys([*spread, *exhibits]))
    suspect = [at for table in tables for at in np.flatnonzero(table["p_wrong"].to_numpy() >= 1 / 2).tolist()]
    points = _points(runs[0].ids, tables, picture_places)
    first = np.array(list(dict.fromkeys([*picture_places, *suspect])), np.int64)
    first = first[np.isin(first, points)]
    ids, places = runs[0].ids[picture_places].tolist(), np.searchsorted(points, picture_places).tolist()
    strata, tags = runs[0].stratum_names, tags_beside(runs[0])
    beside = {at: tags.of(("train", one)) for at, one in enumerate(runs[0].ids[points])} if tags else {}
    of_runs = [
        _of_run(run, name, row, table, points, np.searchsorted(points, first), len(runs))
        for run, name, row, table in zip(runs, names, at, tables, strict=True)
    ]
    own = of_runs[0][0]["scores"]
    free = {*(columns or {})} - {one["name"] for one in own}
    own += [_of_column(name, one[points]) for name, one in (columns or {}).items() if name in free]
    return DataMap(
        runs=of_runs,
        points=points,
        picture_places={("train", one): at for one, at in zip(ids, places, strict=True)},
        num_examples=num,
        _constants={
            "num": len(points),
            "ids": listed_ids(runs[0].ids[points]),
            "classes": list(strata),
            "labels": indices(runs[0].strata()[points], len(strata)),
            **({"tags": without_repeats(beside)} if tags else {}),
        },
    )


def _with_suspicion(run: Run, table: pd.DataFrame, suspects: pd.DataFrame | None) -> pd.DataFrame:
    """The scores of a run, ``p_wrong`` and ``suggested``: NaN and -1 where nothing is said."""
    if suspects is None:
        table = table.assign(p_wrong=np.nan, suggested=-1)
    else:
        table = table.assign(id=run.ids).join(suspects.set_index("id")[["p_wrong", "suggested"]], on="id")
    if run.tags is not None:
        for name in ("suggested", "predicted"):
            labels = table[name].to_numpy(np.int64)
            table[name] = np.where(labels < 0, labels, 2 * run.tags.of + labels)
    return table


def _worth_a_picture(table: pd.DataFrame) -> list[int]:
    confidence, variability = (table[name].to_numpy() for name in ("confidence", "variability"))
    if not np.isfinite(confidence).all() or not np.isfinite(variability).all():
        confidence, variability = table["easiness"].to_numpy(), np.zeros(len(table))
    orders = [np.argsort(by, kind="stable")[:_EXTREMES] for by in (-variability, confidence, -confidence)]
    across, up = _CELLS
    width = max(float(variability.max()), 1e-9)
    x = np.minimum((variability / width * across).astype(int), across - 1)
    y = np.minimum((confidence * up).astype(int), up - 1)
    _, cells = np.unique(x * up + y, return_index=True)
    return in_turns([*(order.tolist() for order in orders), cells.tolist()])[:_MOST_PICTURES]


def in_turns(lists: Iterable[Sequence[T]]) -> list[T]:
    """Merge lists without repeating anything, the first of each first."""
    return list(dict.fromkeys(one for turn in zip_longest(*lists) for one in turn if one is not None))


def _points(
    ids: Integers | npt.NDArray[np.object_], tables: Sequence[pd.DataFrame], always: list[int]
) -> Integers:
    """Positions of as many examples as fit the page, those of ``always`` among them."""
    of_id = 3 + sum(len(str(one)) for one in ids[:1000]) // len(ids[:1000])
    num = sum(np.isfinite(table[score.name]).any() for table in tables for score in SCORES)
    # two bytes for each axis; beside the other scores there are two kinds of classes, a share and p_wrong
    of_scores = (len(tables) * (2 + 4) + num) * (2 if len(ids) <= _FINE else 1) * 4 / 3
    sample = drawn_examples(len(ids), int(_COLUMN_BYTES / (of_scores + of_id)))
    return np.arange(len(ids)) if sample is None else np.union1d(sample, np.array(always, np.int64))


def _of_run(
    run: Run,
    name: str,
    epoch: int,
    table: pd.DataFrame,
    points: Integers,
    first: Integers,
    num_runs: int,
) -> tuple[Document, list[str]]:
    """The run as values of JSON, in which a score that another one equals names that one, and notes."""
    rows = table.iloc[points]
    about = {
        one.name: {"high": one.high_means, "formula": formula_text(one.formula, run.row_name)}
        for one in SCORES
    }
    about["p_wrong"] = {"high": "suspect label", "formula": "the probability that the label is wrong"}
    bits: Bits = 16 if len(points) <= _FINE else 8
    columns = {one: rows[one].to_numpy(np.float64) for one in about if np.isfinite(rows[one]).any()}
    same_as = {columns[name].tobytes(): name for name in AXES if name in columns}
    scores: list[Document] = []
    for one, values in columns.items():
        same = same_as.setdefault(values.tobytes(), one)
        column = {"same": same} if same != one else quantize(values, 16 if one in AXES else bits)
        scores.append({"name": one, **about[one], **column})
    most = _MEAN_BYTES // num_runs, _TRIAL_BYTES // num_runs
    course, notes = trajectories(run, epoch, points, first, most)
    document = {
        "name": name,
        "numTrials": len(run.trials),
        "scores": scores,
        "suggested": indices(rows["suggested"].to_numpy(np.int64), len(run.stratum_names)),
        "predicted": indices(rows["predicted"].to_numpy(np.int64), len(run.stratum_names)),
        "predictedShare": quantize(rows["predicted_share"].to_numpy(np.float64), 8),
        **course,
    }
    return document, notes


def _of_column(name: str, values: Array) -> Document:
    """A column as a score is written; texts are places in a list of them."""
    texts: list[str] = []
    if values.dtype == object:
        known, every = pd.notna(values), values
        names, places = np.unique(every[known].astype(str), return_inverse=True)
        texts, values = names.tolist(), np.full(len(every), np.nan)
        values[known] = places
    about = {"name": name, "high": "", "formula": "A column by which hardness is explained"}
    return {**about, **({"names": texts} if texts else {}), **quantize(values, 16)}


def quantize(values: Array, bits: Bits) -> Document:
    """Numbers [K] as unsigned codes: exact where there are at most 255 different ones, else to half a step.

    ``{"bits", "codes", "levels"}``: a code is a place in ``levels``; or ``{"bits", "codes", "low",
    "step"}``: a code c is ``low + c * step``. Codes are little-endian in base64, and the largest that
    ``bits`` can hold is an undefined value: NaN, or one that is not finite.
    """
    values = np.asarray(values, np.float64)
    is_defined = np.isfinite(values)
    levels, places = np.unique(values[is_defined], return_inverse=True)
    if len(levels) <= _MOST_LEVELS:
        codes = np.full(values.shape, 255, np.uint8)
        codes[is_defined] = places
        return {"bits": 8, "codes": encode(codes), "levels": levels.tolist()}
    most = (1 << bits) - 1
    low, high = float(levels[0]), float(levels[-1])
    step = high / (most - 1) - low / (most - 1)  # the difference itself may overflow
    codes = np.full(values.shape, most, np.uint8 if bits == 8 else np.uint16)
    codes[is_defined] = np.clip(np.rint(values[is_defined] / step - low / step), 0, most - 1)
    return {"bits": bits, "codes": encode(codes), "low": low, "step": step}


def shares(values: Array) -> str:
    """Numbers in 0..1, of any shape, as bytes in base64: 254 is 1, and 255 is undefined."""
    codes = np.full(values.shape, 255, np.uint8)
    is_defined = np.isfinite(values)
    codes[is_defined] = np.clip(np.rint(254 * np.asarray(values, np.float64)[is_defined]), 0, 254)
    return encode(codes)


def indices(values: npt.NDArray[np.integer[Any]], num: int) -> Document:
    """Indices below ``num`` [K], or -1 for none: ``{"bits", "codes"}``, the largest code is none."""
    bits: Bits | Literal[32] = 8 if num < 1 << 8 else 16 if num < 1 << 16 else 32
    codes = np.asarray(values, np.int64) % (1 << bits)
    return {"bits": bits, "codes": encode(codes.astype(f"<u{bits // 8}"))}


def listed_ids(ids: Array) -> Document | list[str]:
    """Ids [K] as texts, or ``{"first", "step"}`` where they are numbers that are evenly spaced."""
    if ids.dtype == np.int64 and np.abs(ids).max() < 1 << 53:  # beyond it scripts cannot count
        steps = np.unique(np.diff(ids))
        if len(steps) == 1:
            return {"first": int(ids[0]), "step": int(steps[0])}
    return [str(one) for one in ids.tolist()]


def encode(codes: Array) -> str:
    """The bytes of an array, little-endian, in base64."""
    return base64.b64encode(codes.astype(codes.dtype.newbyteorder("<")).tobytes()).decode()


def trajectories(
    run: Run,
    epoch: int,
    points: Integers,
    first: Integers,
    most: tuple[int, int],
    split: Split = "train",
) -> tuple[Document, list[str]]:
    """Probabilities of the label of the examples at ``points`` [n] of a split of a run up to an epoch.

    As values of JSON, to 1/508, with sentences on what is left out. ``mean`` [n, epochs] is over trials, of
    all points. ``byTrial`` [m, trials, epochs] has each trial, of the points ``detailed`` [m], all
    where that is ``None``: the ``first`` of them as far as ``most`` numbers of both allow.
    """
    observed = [one for one in run.observed if one <= epoch]
    epochs = _spread(observed, max(2, most[0] // max(1, len(points))))
    num_trials = len(run.trials)
    fit = most[1] // (num_trials * len(epochs))
    in_detail = np.arange(len(points)) if num_trials > 1 and len(points) <= fit else np.sort(first[:fit])
    if run.shares or num_trials == 1:  # heads that saw an example are not heard, or the mean is all there is
        in_detail = in_detail[:0]
    mean, votes = np.empty((len(epochs), len(points))), None
    by_trial = np.empty((num_trials, len(epochs), len(in_detail)), np.float32)
    for at, one in enumerate(epochs):
        votes = run.votes(one, spare=votes, split=split)
        mean[at] = votes.mean_p_label[points]
        if len(in_detail):
            by_trial[:, at] = votes.p_label[:, points[in_detail]]
    notes = []
    if len(epochs) < len(observed):
        notes.append(f"Trajectories show {len(epochs)} of the {len(observed)} {run.row_name}s observed.")
    if 0 < len(in_detail) < len(points):
        notes.append(
            f"Curves of single trials are kept for {count(len(in_detail))} examples, those "
            "with a picture and suspects first. Their mean is kept for all."
        )
    document = {
        "rowName": run.row_name,
        "rows": [run.row(one).value for one in epochs],
        "mean": shares(mean.T.astype(np.float32)),
        "detailed": None if len(in_detail) == len(points) else encode(in_detail.astype(np.uint32)),
        "byTrial": shares(np.ascontiguousarray(by_trial.transpose(2, 0, 1))),
    }
    return document, notes


def _spread(epochs: list[int], most: int) -> list[int]:
    """At most so many of the epochs, the first and the last among them."""
    if len(epochs) <= most:
        return epochs
    places = np.unique(np.rint(np.linspace(0, len(epochs) - 1, most)).astype(int))
    return [epochs[at] for at in places.tolist()]
