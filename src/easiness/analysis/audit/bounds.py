"""Bounds for the number of wrong labels from looks in strata, for small samples and rare events."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

_FINEST = 1 << 13  # steps that a total is counted in: of more examples a step is a few of them
_CACHED = 4096

_Counts = Sequence[int] | npt.NDArray[np.int64]
_Floats = npt.NDArray[np.float64]
_Spectrum = npt.NDArray[np.complex128]


def most_wrong(sizes: _Counts, looks: _Counts, wrong: _Counts, confidence: float) -> int:
    """An upper confidence bound for the number of wrong labels in all strata.

    Of ``sizes`` [H] examples each, ``looks`` [H] were drawn at random without replacement, and ``wrong`` [H]
    of these are. Of one stratum this is the exact bound of Clopper and Pearson for finite populations. Of
    several it follows Fay and Feuer (1997, confidence intervals for directly standardized rates): each
    stratum has the distribution of those not looked at that its looks tell, the sums are convolved, and one
    more wrong label is added to the looks of one stratum, where it raises the bound most. So strata without
    wrong labels cost no more than one of them. A stratum without looks may be all wrong. Given the right ones
    for the ``wrong``, it is an upper bound for those, and so a lower one for the wrong.
    """
    return _bound(tuple(map(int, sizes)), tuple(map(int, looks)), tuple(map(int, wrong)), float(confidence))


def wrong_in_strata(
    sizes: _Counts,
    looks: _Counts,
    wrong: _Counts,
    unsure: _Counts | int = 0,
    chance: _Floats | float = 1,
) -> float | None:
    """The number of wrong labels, without bias (Horvitz and Thompson, 1952).

    Each one seen stands for as many as its stratum has for a look, and for more where the stratum had no more
    than a ``chance`` [H] to have any. Where all of its looks are ``unsure`` [H], it is taken to be as those
    next to it. Where all strata may have none, it is the number given that one has. ``None`` where nothing
    sure was seen.
    """
    size, num, seen = (np.asarray(values, np.float64) for values in (sizes, looks, wrong))
    sure = num - np.asarray(unsure)
    there = sure > 0
    if not there.any():
        return None
    rate = np.interp(np.arange(len(size)), np.flatnonzero(there), seen[there] / sure[there])
    any_look = np.broadcast_to(np.asarray(chance, np.float64), size.shape)
    stands_for = np.where(num > 0, size / np.where(num > 0, any_look, 1), 0)
    return float((stands_for * rate).sum() * min(any_look.sum(), 1))


@lru_cache(_CACHED)
def _bound(sizes: tuple[int, ...], looks: tuple[int, ...], wrong: tuple[int, ...], confidence: float) -> int:
    unseen = [size - n for size, n in zip(sizes, looks, strict=True)]
    step = -(-sum(unseen) // _FINEST) or 1
    length = 1 << (sum(-(-left // step) for left in unseen)).bit_length()
    plain = [_spectrum(left, k, n - k, step, length) for left, n, k in zip(unseen, looks, wrong, strict=True)]
    most = 0
    for at, (left, n, k) in enumerate(zip(unseen, looks, wrong, strict=True)):
        if not left and any(unseen):
            continue
        one_more = [*plain[:at], _spectrum(left, k + 1, n - k, step, length), *plain[at + 1 :]]
        below = np.fft.irfft(np.prod(one_more, axis=0), length).cumsum()
        most = max(most, int(np.searchsorted(below, confidence - 1e-9)))
    return sum(wrong) + min(most * step, sum(unseen))


@lru_cache(_CACHED)
def _spectrum(left: int, wrong: int, right: int, step: int, length: int) -> _Spectrum:
    """The transform of the distribution of wrong labels among so many ``left``, in steps rounded up."""
    num = np.arange(left + 1)
    if not right:
        p = (num == left).astype(float)  # nothing speaks for any to be right
    elif not wrong:
        p = (num == 0).astype(float)
    else:
        log_p = betaln(num + wrong, left - num + right) - betaln(num + 1, left - num + 1)
        p = np.exp(log_p - log_p.max())
    binned = np.bincount(-(-num // step), p / p.sum(), length)
    return np.asarray(np.fft.rfft(binned, length))
