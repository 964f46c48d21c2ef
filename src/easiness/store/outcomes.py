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
_METADATA = {"int64", "double", "bool", "string", "null"}
_TEXTS = {"string", "null"}
_KINDS = {"id": {"int64", "string"}, "text": _TEXTS, "key": _TEXTS, "group": _TEXTS}
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


def read_outcomes(folder: Path, document: RunDocument) -> Outcomes:
    """The outcomes of the run in a folder, whose files are checked against their digests."""
    tables = {}
    for name, expected in document.files.items():
        path = folder / name
        with read_strictly(path, _damage):
            if not is_intact(path, expected):
                raise ValueError("digest")
            with pq.ParquetFile(path) as file:  # `read_table` takes a=b in the path for a column
                table = file.read()
            table.validate(full=True)
            tables[name.partition("-")[0]] = table
    with read_strictly(folder, _damage):
        names, rows = tables["items"].schema.names, tables["outcomes"]
        kinds = [str(kind).removeprefix("large_") for kind in tables["items"].schema.types]
        if len({*names}) < len(names) or not rows.schema.equals(ROWS):
            raise ValueError("columns")
        if any(kind not in _KINDS.get(name, _METADATA) for name, kind in zip(names, kinds, strict=True)):
            raise ValueError("types")
        items, rows = (one.to_pandas(ignore_metadata=True) for one in (tables["items"], rows))
        _check(items, rows, document.spec.data.train.num_examples)
    return Outcomes(items, rows)


def _damage(path: Path) -> BadInput:
    return BadInput(f"{path}: is damaged or missing; record the table again into another folder")


def _check(items: pd.DataFrame, rows: pd.DataFrame, num_items: int) -> None:
    """Raise `ValueError` where a table is none that is written here."""
    are_items = items["id"].is_unique and items["id"].notna().all() and len(items) == num_items
    are_counts = (rows["count"] >= 1) & rows["correct"].between(0, rows["count"]) & rows["batch"].notna()
    if not (are_items and are_counts.all() and np.array_equal(np.unique(rows["item"]), np.arange(num_items))):
        raise ValueError("outcomes")
