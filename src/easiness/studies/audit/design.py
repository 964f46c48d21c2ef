"""How examples were drawn, as each row of an audit's file says it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from easiness.analysis import Strata

KNOWN = "known"
"""The stratum of an example that had been decided before."""

_DIGITS = 8


@dataclass(frozen=True, eq=False)
class Design:
    """So many ``looks`` were drawn from ``strata`` with a ``seed``; ``known`` examples had been decided.

    Where ``at_most`` is a share, they were drawn one by one, to stop when no more are left wrong.
    """

    strata: Strata
    looks: int
    seed: int
    known: int
    at_most: float | None

    def text(self) -> str:
        """Everything in one line, as `parse` reads it."""
        strata = self.strata
        target = "" if self.at_most is None else f" at_most={self.at_most!r}"
        return (
            f"looks={self.looks} seed={self.seed} known={self.known}{target} "
            f"sizes={_listed(strata.sizes)} shares={_listed(strata.shares)} "
            f"expected={_listed(strata.expected)}"
        )

    def cell(self, data: str, split: str, name: object, order: str, stratum: str) -> str:
        """What the row of an example has in the column ``draw``: the design, and a digest of the row.

        Of the ``data`` the version counts; their name may change.
        """
        row = "\n".join((self.text(), data.rpartition("@")[2], split, str(name), order, stratum))
        return f"{self.text()} check={hashlib.sha256(row.encode()).hexdigest()[:_DIGITS]}"


def parse(cell: str) -> Design | None:
    """The design that a cell tells; ``None`` where it tells none."""
    said = dict(word.split("=", 1) for word in cell.split() if "=" in word)
    try:
        sizes = np.array([int(one) for one in said["sizes"].split("+")], np.int64)
        shares, expected = (np.array(said[name].split("+"), np.float64) for name in ("shares", "expected"))
        target = None if "at_most" not in said else float(said["at_most"])
        looks, seed, known = (int(said[name]) for name in ("looks", "seed", "known"))
        design = Design(Strata(sizes, shares, expected), looks, seed, known, target)
    except (KeyError, ValueError, OverflowError):
        return None
    alike = len(sizes) == len(shares) == len(expected)
    sound = alike and (sizes > 0).all() and (shares > 0).all() and ((expected >= 0) & (expected <= 1)).all()
    return design if sound and (shares <= 1).all() and (target is None or 0 < target < 1) else None


def rounded(strata: Strata) -> Strata:
    """The strata as a file tells them: what is drawn by them and what is read is then the same."""
    shares, expected = (
        np.array([float(f"{one:.6g}") for one in values]) for values in (strata.shares, strata.expected)
    )
    return Strata(strata.sizes, shares, expected)


def _listed(values: object) -> str:
    return "+".join(
        f"{one:.6g}" if isinstance(one, float) else str(one) for one in np.asarray(values).tolist()
    )
