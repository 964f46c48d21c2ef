"""Selection of easy and hard examples, and of the ones that tie at the cut."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis.draw import of_length
from easiness.analysis.membership import membership
from easiness.analysis.sides import Side, Ties, first_in_order, id_keys, num_selected
from easiness.errors import BadInput, nearest

Floats = npt.NDArray[np.floating[Any]]

_SOME = 4096  # values looked at to guess a cut


def check_option(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise `BadInput` unless the value is one of those known."""
    if value not in known:
        raise BadInput(f"{name} {value!r}: unknown{nearest(value, known)}; give one of {', '.join(known)}")


def _from_side(values: npt.ArrayLike, side: str, name: str) -> Floats:
    """``values`` as floats [K], negated for the hard side, so that members are always the largest.

    Single precision stays as it is, which orders counts in half the time and memory.
    """
    check_option("side", side, get_args(Side))
    try:
        array = np.asarray(values)
        if array.dtype != np.float32:
            array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise BadInput(f"{name}: not numbers; give one number per example") from None
    if array.ndim != 1:
        raise BadInput(f"{name}: have shape {array.shape}; give one number per example")
    undefined = np.isnan(array)
    if undefined.any():
        raise BadInput(
            f"{name}: NaN for {undefined.sum()} of {len(array)} examples "
            f"(the first at position {undefined.argmax()}); leave those examples out"
        )
    return -array if side == "hard" else array


def nth_largest(values: Floats, n: int) -> np.floating[Any]:
    """The n-th largest of ``values`` (n counts from 1), in linear time."""
    # where values tie a few thousand of them tell, and counting, ten times faster than a partition, proves it
    some = values[:: max(1, len(values) // _SOME)]
    guess = _at_rank(some, len(some) - max(1, n * len(some) // len(values)))
    if np.count_nonzero(values > guess) < n <= np.count_nonzero(values >= guess):
        return guess
    return _at_rank(values, len(values) - n)


def _at_rank(values: Floats, position: int) -> np.floating[Any]:
    return np.partition(values, position)[position]  # type: ignore[no-any-return]


def select(
    values: npt.ArrayLike,
    fraction: float = 0.1,
    side: Side = "easy",
    ties: Ties | Literal["posterior"] = "expected",
    refine_by: npt.ArrayLike | None = None,
    ids: npt.ArrayLike | None = None,
    seed: int = 0,
    num_trials: int | None = None,
) -> npt.NDArray[np.float64]:
    """Membership weights [K] in [0, 1] of the ``k = round(fraction * K)`` easiest or hardest examples.

    ``expected``: examples beyond the k-th value have weight 1, those that share it share what is left
    of k equally; weights sum to k. ``strict``: the literal sets of Kishida and Nakayama (2019), all
    beyond tau, the (k+1)-th value from that side, with weight 1; fewer than k where values tie at tau,
    none at all where tau is the extreme value, and everything where k = K (there is no tau then).
    ``refine``: exactly k examples of weight 1; those that share the k-th value are ranked by
    ``refine_by``, and what still ties by a hash of id and seed. ``posterior``: the probability of each
    example to be in the set that endless trials would select, from the values as counts of the trials that
    are right (`membership`); weights sum to fraction * K.

    Two selections that are to be compared need different seeds: hashing ties alike in both would
    make them match.

    Args:
        values: one number per example [K], high = easy; infinities are allowed, NaN is not.
        fraction: share of the examples to select, in (0, 1].
        side: ``easy`` selects the highest values, ``hard`` the lowest.
        ties: the policy, see above.
        refine_by: a finer score [K], high = easy; used by ``refine`` only, and there optional.
        ids: ids of the examples [K], distinct integers or texts; their positions where not given.
        seed: of the hash.
        num_trials: N, for ``posterior``, where the values are whole numbers in 0..N.

    Raises:
        BadInput: an unknown option, a fraction out of range or too small for K, lengths that differ,
            NaN among the values, or values that are not counts under ``posterior``.
    """
    v = _from_side(values, side, "values")
    check_option("ties", ties, (*get_args(Ties), "posterior"))
    if ties == "posterior" and num_trials is None:
        raise BadInput("ties posterior: give the number of trials that the values are counts of, num_trials")
    if ties != "posterior" and num_trials is not None:
        raise BadInput(f"num_trials {num_trials}: is for ties posterior; leave it out for ties {ties}")
    if num_trials is not None:
        num_selected(len(v), fraction)
        belongs = membership(values, num_trials, fraction)
        return belongs.p_easy if side == "easy" else belongs.p_hard
    k = num_selected(len(v), fraction)
    if ties == "strict":
        beyond = np.ones(len(v), np.bool_) if k == len(v) else v > nth_largest(v, k + 1)
        return beyond.astype(np.float64)
    cut = nth_largest(v, k)
    beyond, tied = v > cut, v == cut
    missing = k - int(np.count_nonzero(beyond))
    if ties == "expected":
        return np.where(tied, missing / np.count_nonzero(tied), beyond)
    weights = beyond.astype(np.float64)
    tied_at = np.flatnonzero(tied)
    if refine_by is not None and missing < len(tied_at):
        finer = _from_side(of_length(refine_by, len(v), "refine_by"), side, "refine_by values")[tied_at]
        cut = nth_largest(finer, missing)
        better = tied_at[finer > cut]
        weights[better] = 1
        missing -= len(better)
        tied_at = tied_at[finer == cut]
    if missing < len(tied_at):
        keys = tied_at.astype(np.uint64) if ids is None else id_keys(of_length(ids, len(v), "ids")[tied_at])
        tied_at = tied_at[first_in_order(keys, seed, missing)]
    weights[tied_at] = 1
    return weights


def tie_mass(values: npt.ArrayLike, fraction: float = 0.1, side: Side = "easy") -> float:
    """Share of all examples that have the k-th value from that side, if the cut splits them; else 0.

    Args and errors are those of `select`.
    """
    v = _from_side(values, side, "values")
    k = num_selected(len(v), fraction)
    cut = nth_largest(v, k)
    num_tied = int(np.count_nonzero(v == cut))
    return num_tied / len(v) if np.count_nonzero(v > cut) + num_tied > k else 0.0
