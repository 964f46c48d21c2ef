"""Log-mel pictures: the loudness of each band of frequency over time."""

from __future__ import annotations

from functools import cache

import numpy as np

from easiness.lazy import Array, Floats, Singles
from easiness.lazy_torch import Tensor, torch

WINDOW = 0.025  # seconds of sound, weighted by Hann's window, behind each column
RANGE = 80.0  # decibels between the beginning of the scale of a picture and its loudest value
_SILENCE = 1e-10  # power below which nothing is told apart

Samples = Singles  # one decoded sound: [n], mono, in [-1, 1]


def log_mel(samples: Samples, rate: int, mels: int, hop: float) -> Singles:
    """The log-mel picture [mels, frames] of ``samples`` [n] at ``rate`` a second, in [0, 1].

    1 is the loudest value of the picture, and 0 is `RANGE` decibels below it or more; silence is 0. Column t
    is the `WINDOW` seconds around t times ``hop`` seconds; a sound is silent beyond its ends. Row 0 is the
    lowest band.
    """
    power = np.maximum(mel_power(samples, rate, mels, hop), _SILENCE)
    decibels = 10 * np.log10(power)
    picture: Singles = ((decibels - decibels.max()) / RANGE + 1).clip(0, 1).astype(np.float32)
    return picture if power.max() > _SILENCE else np.zeros_like(picture)


def mel_power(samples: Samples, rate: int, mels: int, hop: float) -> Floats:
    """The power [mels, frames] of each band over time, in double precision: alike on all machines."""
    step, width = max(1, round(hop * rate)), max(1, round(WINDOW * rate))
    num_fft = 2 ** int(np.ceil(np.log2(2 * width)))  # twice the width, so that no low band is without a bin
    wave = torch.from_numpy(samples.astype(np.float64))
    spectrum: Tensor = torch.stft(
        wave,
        num_fft,
        step,
        width,
        torch.hann_window(width, dtype=torch.float64),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )[:, : max(1, len(samples) // step)]
    power: Array = (spectrum.real**2 + spectrum.imag**2).numpy()
    bands: Floats = mel_filters(mels, num_fft, rate).T @ power
    return bands


@cache
def mel_filters(mels: int, num_fft: int, rate: int) -> Floats:
    """Weights [num_fft / 2 + 1, mels] of triangles of equal width on the mel scale, from 0 to half the rate.

    Mel is 2595 log10(1 + f / 700) (O'Shaughnessy 1987, as in HTK); each triangle has height 1.
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, mels + 2) / 2595) - 1)
    bins = np.linspace(0, rate / 2, num_fft // 2 + 1)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    return np.maximum(0, np.minimum(rising, falling))


def window(samples: Samples, num: int) -> Samples:
    """Cut a sound to its loudest ``num`` samples, in steps of a tenth of them, or pad it on both sides."""
    if len(samples) <= num:
        before = (num - len(samples)) // 2
        return np.pad(samples, (before, num - len(samples) - before))
    starts = np.arange(0, len(samples) - num + 1, max(1, num // 10))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    start = starts[np.argmax(energy[starts + num] - energy[starts])]
    return samples[start : start + num]
