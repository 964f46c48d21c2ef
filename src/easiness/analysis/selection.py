"""Selection of easy and hard examples, and of the ones that tie at the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from easiness.analysis.draw import as_floats, of_length
from easiness.analysis.rates import fit_counts
from easiness.analysis.sides import SIDES, Side, Ties, first_in_order, id_keys, num_selected
from easiness.errors import BadInput, nearest
from easiness.lazy import Array, Floats, Integers, Reals
from easiness.spec import at_least


@dataclass(frozen=True, eq=False)
class Membership:
    """The place of each of K examples as their counts have it, arrays [K].

    ``p_easy`` and ``p_hard`` are the probabilities to be among the truly easiest and hardest ones, the sets
    that endless trials would give; each sums to the fraction times K. ``expected`` is the mean of the
    posterior of the probability to be right, in 0..1.
    """

    p_easy: Floats
    p_hard: Floats
    expected: Floats


def membership(counts: npt.ArrayLike, num_trials: int, fraction: float = 0.1) -> Membership:
    """Membership by empirical Bayes: the distribution over all examples (`fit_counts`) is the prior of each.

    From five trials on ``p_easy`` and ``p_hard`` are within 0.03 of what comes true, for normal, skewed and
    heavy-tailed difficulty and groups (``tests/property/test_membership_properties.py``). Where all examples
    are alike much of what they say is where the fit began. Examples that would tie with endless trials share
    the places at the cut: where 30 % are right in every trial, none of them is among the easiest tenth with
    more than about a third.

    Args:
        counts: in how many trials each example is right [K], whole numbers in 0..num_trials.
        num_trials: N, at least 1.
        fraction: share of the examples that are called easiest, and hardest, in (0, 1].
    """
    [rates] = fit_counts([(_as_counts(counts, num_trials), num_trials)])
    p_easy, p_hard = (rates.belongs(fraction, side) for side in SIDES)
    return Membership(p_easy, p_hard, rates.expected)


def _as_counts(counts: npt.ArrayLike, num_trials: int) -> Integers:
    at_least("num_trials", num_trials, 1)
    values: Array = np.asarray(counts)
    if values.ndim != 1 or len(values) == 0 or values.dtype.kind not in "iufb":
        raise BadInput("counts: give one number per example, in how many trials it is right")
    outside = ~((values >= 0) & (values <= num_trials) & (values == np.floor(values)))
    if outside.any():
        raise BadInput(
            f"counts: {values[outside.argmax()]} at position {outside.argmax()} is no whole number in "
            f"0..{num_trials}; give in how many of the {num_trials} trials each example is right"
        )
    return values.astype(np.int64)


_SOME = 4096  # values looked at to guess a cut


def check_option(name: str, value: str, options: tuple[str, ...]) -> None:
    if value not in options:
        one_of = f"give one of {', '.join(options)}"
        raise BadInput(f"{name} {value!r}: unknown{nearest(value, options)}; {one_of}")


def _from_side(values: npt.ArrayLike, side: str, name: str) -> Reals:
    """``values`` as floats [K], negated for the hard side, so that members are always the largest."""
    check_option("side", side, get_args(Side))
    return -as_floats(values, name) if side == "hard" else as_floats(values, name)


def nth_largest(values: Reals, n: int) -> np.floating[Any]:
    """The n-th largest of ``values`` (n counts from 1), in linear time."""
    # where values tie a few thousand of them tell, and counting, ten times faster than a partition, proves it
    some = values[:: max(1, len(values) // _SOME)]
    ranks = len(some) - max(1, n * len(some) // len(values)), len(values) - n
    guess: np.floating[Any] = np.partition(some, ranks[0])[ranks[0]]
    if not np.count_nonzero(values > guess) < n <= np.count_nonzero(values >= guess):
        guess = np.partition(values, ranks[1])[ranks[1]]
    return guess


def select(
    values: npt.ArrayLike,
    fraction: float = 0.1,
    side: Side = "easy",
    ties: Ties | Literal["posterior"] = "expected",
    refine_by: npt.ArrayLike | None = None,
    ids: npt.ArrayLike | None = None,
    seed: int = 0,
    num_trials: int | None = None,
) -> Floats:
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
    if (ties == "posterior") != (num_trials is not None):
        raise BadInput(f"ties {ties}: give num_trials, of which the values are counts, for posterior alone")
    if num_trials is not None:
        num_selected(len(v), fraction)
        belongs = membership(values, num_trials, fraction)
        return belongs.p_easy if side == "easy" else belongs.p_hard
    k = num_selected(len(v), fraction)
    if ties == "strict":
        beyond = np.ones(len(v), np.bool_) if k == len(v) else v > nth_largest(v, k + 1)
        return beyond.astype(np.float64)
    cut = nth_largest(v, k)
    beyond, at_cut = v > cut, v == cut
    missing = k - int(np.count_nonzero(beyond))
    if ties == "expected":
        return np.where(at_cut, missing / np.count_nonzero(at_cut), beyond)
    weights = beyond.astype(np.float64)
    positions = np.flatnonzero(at_cut)
    if refine_by is not None and missing < len(positions):
        finer = _from_side(of_length(refine_by, len(v), "refine_by"), side, "refine_by values")[positions]
        cut = nth_largest(finer, missing)
        better = positions[finer > cut]
        weights[better] = 1
        missing -= len(better)
        positions = positions[finer == cut]
    if missing < len(positions):
        own = positions if ids is None else of_length(ids, len(v), "ids")[positions]
        keys = id_keys(own)
        positions = positions[first_in_order(keys, seed, missing)]
    weights[positions] = 1
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
