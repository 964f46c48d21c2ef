"""One stored sound to samples, and what counts as unreadable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput, caught, one_line
from easiness.inputs.files import Blob, Unreadable
from easiness.inputs.sound.log_mel import Samples
from easiness.inputs.sound.quiet_mp3 import quiet_mp3
from easiness.inputs.sound.scan import SoundHeader, SoundTraits

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"})
"""Ends of the names of sounds, in lower case."""

MOST_CHANNELS = 32
RATES = (1_000, 1_000_000)
"""Samples a second that a sound may have, at least and at most."""

MOST_SAMPLES = 2**26
"""Samples a channel, at most: 25 minutes at 44.1 kHz."""

_AT_ONCE = 2**16  # samples of every channel that are read together
_FINEST = 1000  # of the fraction by which rates are changed: off by less than a millionth


def suffixes() -> frozenset[str]:
    """Ends of the names of sounds, whether soundfile is there to read them or not."""
    return SUFFIXES


@cache
def soundfile() -> Any:
    """The library soundfile.

    Raises:
        BadInput: it is not installed, or its own library, libsndfile, is not.
    """
    try:
        import soundfile as library
    except (ImportError, OSError):  # the latter for want of libsndfile
        raise BadInput("sounds: reading them needs soundfile; pip install 'easiness[sound]'") from None
    return library


def read_header(blob: Blob, name: str) -> SoundHeader:
    """Rate, channels and samples a channel, as the header says; of MP3 the last is a guess.

    Raises:
        BadInput: soundfile is not there.
        Unreadable: it has no header that can be read, or one of no sound that can be used.
    """
    with _opened(blob, name) as file:
        return SoundHeader(file.samplerate, file.channels, file.frames)


def decode(blob: Blob, name: str, traits: SoundTraits) -> Samples:
    """The samples [n] at the rate of the source; see `decode_at`."""
    return decode_at(blob, name, traits.rate)


def decode_at(blob: Blob, name: str, rate: int | None) -> Samples:
    """The samples [n] of a sound, the mean of its channels, at ``rate`` a second or its own.

    Samples beyond 1 are scaled down with all others of the sound to at most 1.

    Raises:
        BadInput: soundfile is not there.
        Unreadable: it cannot be decoded, is empty, has a sample that is not finite, or is too long.
    """
    with _opened(blob, name) as file:
        own = file.samplerate
        with caught(lambda error: Unreadable(name, f"unreadable or truncated sound ({one_line(error)})")):
            parts = list(_mono(file, name))
    samples = np.concatenate(parts) if parts else np.empty(0, np.float32)
    problem = problem_of(samples)
    if problem:
        raise Unreadable(name, problem)
    return resampled(samples, own, own if rate is None else rate)


def is_readable(blob: Blob, name: str) -> bool:
    """Can the sound be decoded?"""
    try:
        decode_at(blob, name, None)
    except Unreadable:
        return False
    return True


def problem_of(samples: npt.NDArray[Any]) -> str:
    """Why nothing can be learned of samples [n], for an error; empty where something can."""
    if len(samples) == 0:
        return "no samples in it"
    if not np.isfinite(samples).all():
        return f"sample {int(np.argmin(np.isfinite(samples)))} is not a finite number"
    return ""


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Samples [n] at ``rate`` a second as such at ``wanted``, none of them beyond 1.

    By a polyphase filter (`scipy.signal.resample_poly`), which leaves out what the new rate cannot hold.
    """
    made = samples
    if rate != wanted:
        from scipy.signal import resample_poly

        change = Fraction(wanted, rate).limit_denominator(_FINEST)
        made = resample_poly(samples.astype(np.float64), change.numerator, change.denominator)
    loudest = float(np.abs(made).max())
    return (made / loudest if loudest > 1 else made).astype(np.float32)


class _QuietBytesIO(io.BytesIO):
    """Bytes before whose beginning a damaged file may look: the library would print a traceback of that."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """To the offset, or to the beginning."""
        return super().seek(max(offset, 0) if whence == io.SEEK_SET else offset, whence)


@contextmanager
def _opened(blob: Blob, name: str) -> Iterator[Any]:
    """The sound, opened for reading, where its header is of one that can be used."""
    library, data = soundfile(), blob()
    if not data:
        raise Unreadable(name, "an empty file")
    with quiet_mp3(data):
        with caught(lambda error: Unreadable(name, f"not a sound that can be read ({_reason(error)})")):
            file = library.SoundFile(_QuietBytesIO(data))
        with file:
            problem = _problem_of_header(file)
            if problem:
                raise Unreadable(name, problem)
            yield file


def _reason(error: Exception) -> str:
    """What the library says, without the name that it has for bytes in memory."""
    said = one_line(error)
    return (said.partition("BytesIO")[2].partition(": ")[2] or said).rstrip(".")


def _problem_of_header(file: Any) -> str:
    if not 1 <= file.channels <= MOST_CHANNELS:
        return f"{file.channels} channels; give 1 to {MOST_CHANNELS}"
    if not RATES[0] <= file.samplerate <= RATES[1]:
        return f"{file.samplerate} samples a second; give {RATES[0]:,} to {RATES[1]:,}"
    return ""


def _mono(file: Any, name: str) -> Iterator[Samples]:
    """The mean of all channels, some samples at a time."""
    num = 0
    while len(part := file.read(_AT_ONCE, "float32", always_2d=True)):
        num += len(part)
        if num > MOST_SAMPLES:
            raise Unreadable(name, f"longer than {MOST_SAMPLES:,} samples; cut it into shorter sounds")
        yield part[:, 0] if part.shape[1] == 1 else part.mean(axis=1, dtype=np.float32)
