"""The samples of sounds: decoded from files, or given as arrays, and what counts as unreadable."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs.encoded import Blob, Files, Unreadable, one_line
from easiness.inputs.kind import Stored
from easiness.inputs.sound.log_mel import Samples
from easiness.inputs.sound.scan import SoundHeader, SoundTraits, scan

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"})
"""Ends of the names of sounds, in lower case."""

MOST_CHANNELS = 32
RATES = (1_000, 1_000_000)
"""Samples a second that a sound may have, at least and at most."""

MOST_SAMPLES = 2**26
"""Samples a channel, at most: 25 minutes at 44.1 kHz."""

_AT_ONCE = 2**16  # samples of every channel that are read together
_FINEST = 1000  # of the fraction by which rates are changed: off by less than a millionth

_ERRORS = 2  # the descriptor of standard error
_MP3 = (b"ID3", b"\xff")  # what such files begin with
_FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31}  # what samples of whole numbers are divided by

_lock = threading.Lock()
_num_inside = 0
_kept = -1


@cache
def soundfile() -> Any:
    """The library soundfile; `BadInput` where it or its own library, libsndfile, is not installed."""
    try:
        import soundfile as library
    except (ImportError, OSError):  # the latter for want of libsndfile
        raise BadInput("sounds: reading them needs soundfile; pip install 'easiness[sound]'") from None
    return library


def decode_at(blob: Blob, name: str, rate: int | None) -> Samples:
    """The samples [n] of a sound, the mean of its channels, at ``rate`` a second or its own.

    Samples beyond 1 are scaled down with all others of the sound to at most 1. Raises `Unreadable` where it
    cannot be decoded, is empty, has a sample that is not finite, or is too long.
    """
    with _opened(blob, name) as file:
        own = file.samplerate
        try:
            parts = list(_mono(file, name))
        except Unreadable:
            raise
        except Exception as error:  # a decoder may raise anything on broken bytes
            raise Unreadable(name, f"unreadable or truncated sound ({one_line(error)})") from None
    samples = np.concatenate(parts) if parts else np.empty(0, np.float32)
    problem = problem_of(samples)
    if problem:
        raise Unreadable(name, problem)
    return resampled(samples, own, own if rate is None else rate)


class SoundFiles(Files):
    """Files of sounds, whether soundfile is there to read them or not."""

    noun, measures = "sound", "lengths"

    def suffixes(self) -> frozenset[str]:
        """Ends of the names of sounds."""
        return SUFFIXES

    def read_header(self, blob: Blob, name: str) -> SoundHeader:
        """Rate, channels and samples a channel, as the header says; of MP3 the last is a guess."""
        with _opened(blob, name) as file:
            return SoundHeader(file.samplerate, file.channels, file.frames)

    def header(self, kept: Any) -> SoundHeader | None:
        """From three whole numbers."""
        match kept:
            case [int(rate), int(channels), int(frames)] if bool not in map(type, kept):
                return SoundHeader(rate, channels, frames)
        return None

    def scan(self, headers: Iterator[SoundHeader]) -> SoundTraits | None:
        """The rate and the usual length."""
        return scan(headers)

    def decode(self, blob: Blob, name: str, traits: SoundTraits | None) -> Samples:
        """The samples [n] at the rate of the source; see `decode_at`."""
        return decode_at(blob, name, None if traits is None else traits.rate)


SOUND_FILES = SoundFiles()


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
    with _quiet_mp3(data):
        try:
            file = library.SoundFile(_QuietBytesIO(data))
        except Exception as error:  # a decoder may raise anything on broken bytes
            raise Unreadable(name, f"not a sound that can be read ({_reason(error)})") from None
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


@contextmanager
def _quiet_mp3(data: bytes) -> Iterator[None]:
    """Within the block, of a sound that may be MP3, nothing reaches standard error from any thread.

    The library has no switch for it that can be reached through libsndfile. The descriptor belongs to the
    process, so that the first that comes in turns it away and the last that leaves turns it back.
    """
    if not data.startswith(_MP3):
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _num_inside, _kept
    with _lock:
        _num_inside += 1
        if _num_inside == 1:
            try:
                _kept = os.dup(_ERRORS)
            except OSError:  # there is no standard error
                return
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _ERRORS)
            os.close(nowhere)


def _leave() -> None:
    global _num_inside, _kept
    with _lock:
        _num_inside -= 1
        if _num_inside == 0 and _kept >= 0:
            os.dup2(_kept, _ERRORS)
            os.close(_kept)
            _kept = -1


class ArraySounds(Stored):
    """Sounds [n] in memory, all at ``rate`` a second; stored bytes are the rate and float32 samples."""

    noun = "sound"

    def __init__(self, sounds: Sequence[Samples], rate: int) -> None:
        self._held = sounds
        self._rate = rate

    @cached_property
    def traits(self) -> SoundTraits:
        """Rate and usual length of these sounds."""
        traits = scan(SoundHeader(self._rate, 1, len(sound)) for sound in self._held)
        assert traits is not None
        return traits

    def samples(self) -> list[Samples]:
        """The samples of each at the rate that they were given with."""
        return list(self._held)

    def subset(self, positions: npt.NDArray[np.int64]) -> ArraySounds:
        """The sounds at ``positions``, with the traits of all."""
        part = ArraySounds([self._held[at] for at in positions.tolist()], self._rate)
        part.__dict__["traits"] = self.traits
        return part

    def _stored(self, item: Samples) -> bytes:
        return f"{self._rate}:".encode() + item.astype("<f4").tobytes()

    def _value(self, item: Samples) -> Samples:
        return resampled(item, self._rate, self.traits.rate)


def to_sounds(sounds: Any, rate: Any, where: str, name: Callable[[int], str] | None = None) -> ArraySounds:
    """A list of arrays [n], or an array [K, n], of samples at one ``rate`` a second, copied.

    Samples are floats in [-1, 1], or int16 or int32 of full scale. ``name`` says what the one at a position
    is called in an error.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer):
        raise BadInput(
            f"rate={rate!r:.40}: is not one whole number; give the samples a second that all sounds have, "
            "such as 16000, and resample those that have another"
        )
    if not RATES[0] <= rate <= RATES[1]:
        raise BadInput(f"rate={rate}: no rate of sounds; give {RATES[0]:,} to {RATES[1]:,} samples a second")
    if len(sounds) == 0:
        raise BadInput(f"{where}: no sounds in it; give at least one")
    called = name or (lambda at: f"{where}: sound {at}")
    return ArraySounds([_samples(sound, called(at)) for at, sound in enumerate(sounds)], int(rate))


def _samples(sound: Any, what: str) -> Samples:
    if isinstance(sound, str | bytes | None):
        raise BadInput(f"{what}: {type(sound).__name__} and no samples; give arrays, or leave out rate=")
    array = np.asarray(sound)
    if array.ndim != 1:
        shape = "x".join(map(str, array.shape)) or "()"
        raise BadInput(f"{what}: shape {shape}; give its samples [n], of several channels their mean")
    if array.dtype.kind != "f" and array.dtype.name not in _FULL_SCALE:
        raise BadInput(f"{what}: samples of {array.dtype}; give floats in [-1, 1], or int16 or int32")
    with np.errstate(over="ignore"):
        samples = (array / _FULL_SCALE.get(array.dtype.name, 1)).astype(np.float32)
    problem = problem_of(samples)
    if problem:
        raise BadInput(f"{what}: {problem}; mend it or leave it out")
    return samples
