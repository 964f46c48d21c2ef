"""Outcomes of items that somebody else measured: what a run keeps of them, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from easiness.analysis import Rates, fit_rates
from easiness.errors import BadInput
from easiness.lazy import Floats, pd
from easiness.scoring import jeffreys
from easiness.store.files import is_intact
from easiness.store.parquet import read_strictly
from easiness.store.run_folder import RunDocument

ROWS = pa.schema(
    [
        ("item", pa.int64()),
        ("trial", pa.string()),
        ("count", pa.int64()),
        ("correct", pa.float64()),
        ("answer", pa.string()),
        ("batch", pa.int64()),
    ]
)
_KINDS = {"int64", "double", "bool", "string", "null"}
_LEAST_DISPERSION = 1 / 64


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Outcomes of K items: what was recorded, and what follows from it.

    ``items`` has a row an item: ``id``, and where they are known ``text``, ``key``, ``group`` and metadata.
    ``rows`` are many an item: the position of the ``item``, the name of the ``trial`` or None, the ``count``
    of trials of which ``correct`` are right (a score in [0, 1] is a part of one), and the ``answer`` or None.
    ``batch`` tells apart rows without a trial that were recorded at different times.
    """

    items: pd.DataFrame
    rows: pd.DataFrame

    def _total(self, values: Any) -> Floats:
        values = np.asarray(values, np.float64)
        return np.bincount(self.rows["item"], values, len(self.items)).astype(np.float64)

    @cached_property
    def trials(self) -> Floats:
        """The number of trials of each item, [K]."""
        return self._total(self.rows["count"])

    @cached_property
    def right(self) -> Floats:
        """How many of them are right, [K], or the sum of their scores."""
        return self._total(self.rows["correct"])

    @property
    def rate(self) -> Floats:
        """The share of the trials that are right, [K] in [0, 1]."""
        return np.asarray(self.right / self.trials)

    @cached_property
    def dispersion(self) -> float:
        """The variance of trials of an item in parts of that of trials that are right or wrong: 1, or less.

        Scores between 0 and 1 vary less than right and wrong, so that few of them tell as much as many.
        """
        correct = self.rows["correct"].to_numpy()
        if (correct % 1 == 0).all():
            return 1.0
        squares = self._total(np.where(self.rows["count"] == 1, correct**2, correct))
        several = self.trials > 1
        n, right = self.trials[several], self.right[several]
        within = squares[several] - right**2 / n
        binary = ((n - 1) * (right - right**2 / n) + within) / n  # unbiased: the rate itself has an error
        if binary.sum() <= 0:
            return 1.0
        return min(max(float(within.sum() / binary.sum()), _LEAST_DISPERSION), 1.0)

    @property
    def effective(self) -> tuple[Floats, Floats]:
        """Trials [K], and right ones among them [K], that tell as much and are right or wrong."""
        return self.trials / self.dispersion, self.right / self.dispersion

    @cached_property
    def rates(self) -> Rates:
        """The distribution of the true rates, fitted to all items."""
        return fit_rates(*self.effective)

    def scores(self, fraction: float, between: tuple[float, float] | None = None) -> pd.DataFrame:
        """The scores of each item: see `Run.scores`."""
        trials, right = self.effective
        low, high = jeffreys(right, trials)
        a, total = right + 0.5, trials + 1
        most = self.rate.max()
        columns = {
            "id": self.items["id"].to_numpy(),
            "trials": self.trials.astype(np.int64),
            "rate": self.rate,
            "rate_se": np.sqrt(a * (total - a) / (total + 1)) / total,
            "rate_low": low,
            "rate_high": high,
            "easiness": self.rate / most if most > 0 else np.full(len(self.items), np.nan),
            "p_easy": self.rates.belongs(fraction, "easy"),
            "p_hard": self.rates.belongs(fraction, "hard"),
        }
        if between is not None:
            columns["p_between"] = self.rates.between(*between)
        return pd.DataFrame(columns)

    def answers(self) -> pd.DataFrame:
        """How often each answer was given: ``item`` (its position), ``answer``, ``count``, ``correct``."""
        known = self.rows.dropna(subset=["answer"])
        return known.groupby(["item", "answer"], as_index=False)[["count", "correct"]].sum()


def read_outcomes(folder: Path, document: RunDocument) -> Outcomes:
    """The outcomes of the run in a folder, whose files are checked against their digests."""
    frames: dict[str, pd.DataFrame] = {}
    for name, expected in document.files.items():
        path, role = folder / name, name.partition("-")[0]
        with read_strictly(path, _damage):
            if not is_intact(path, expected):
                raise ValueError("digest")
            with pq.ParquetFile(path) as file:  # `read_table` takes a=b in the path for a column
                table = file.read()
            table.validate(full=True)
            if not (_are_items(table) if role == "items" else table.schema.equals(ROWS)):
                raise ValueError("columns")
            frames[role] = table.to_pandas(ignore_metadata=True)
    items, rows = frames["items"], frames["outcomes"]
    with read_strictly(folder, _damage):
        _check(items, rows, document.spec.data.train.num_examples)
    return Outcomes(items, rows)


def _damage(path: Path) -> BadInput:
    return BadInput(f"{path}: is damaged or missing; record the table again into another folder")


def _are_items(table: pa.Table) -> bool:
    """Are the columns those of items, of which each has a name of its own?"""
    kinds = {
        name: str(kind).removeprefix("large_")
        for name, kind in zip(table.schema.names, table.schema.types, strict=True)
    }
    texts = {kinds.get(name, "null") for name in ("text", "key", "group")}
    has_ids = kinds.get("id") in ("int64", "string") and len(kinds) == table.num_columns
    return has_ids and texts <= {"string", "null"} and {*kinds.values()} <= _KINDS


def _check(items: pd.DataFrame, rows: pd.DataFrame, num_items: int) -> None:
    """Raise `ValueError` where a table is none that is written here."""
    count, correct = rows["count"], rows["correct"]
    counts = bool(((count >= 1) & (correct >= 0) & (correct <= count)).all())
    names = items["id"].is_unique and not items["id"].isna().any() and len(items) == num_items
    in_batches = not rows["batch"].isna().any()
    if not (
        counts and names and in_batches and np.array_equal(np.unique(rows["item"]), np.arange(num_items))
    ):
        raise ValueError("outcomes")
