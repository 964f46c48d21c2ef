"""Sounds as a kind of examples: recordings of any length, each a log-mel picture of one window of it."""

from __future__ import annotations

import base64
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from easiness import inputs
from easiness.errors import BadInput, one_line, recast
from easiness.gate import check_fits
from easiness.inputs.encoding import Blob, Files, Unreadable
from easiness.inputs.kind import (
    OF_SOUNDS,
    ExportForm,
    InputKind,
    ShownValue,
    Signature,
    StoredExamples,
    Traits,
)
from easiness.inputs.pack import Pack, Values
from easiness.inputs.sound.log_mel import Samples, log_mel, window
from easiness.lazy import Array, Image, Integers
from easiness.show import quantity
from easiness.spec import Recipe

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"})
MOST_CHANNELS = 32
RATES = (1_000, 1_000_000)  # samples a second that a sound may have, at least and at most
_RATES = f"{RATES[0]:,} to {RATES[1]:,}"
MOST_SAMPLES = 2**26  # a channel: 25 minutes at 44.1 kHz
LONGEST = 10  # seconds that are shown and played in a page; of a longer sound its loudest

_AT_ONCE = 2**16  # samples of every channel that are read together
_FINEST = 1000  # of the fraction by which rates are changed: off by less than a millionth
_FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31}  # what samples of whole numbers are divided by
_HIGHEST_RATE = 16_000  # speech and most that is told apart by ear lies below 8 kHz
_LONGEST_HEARD = 4.0  # seconds that are heard by default, at most
_ENOUGH = 0.95  # of the sounds are heard whole
_STEP = 0.04  # seconds, to which the window is rounded up
_SILENCE = 1e-5  # of full scale: quieter sounds count as that


class SoundHeader(NamedTuple):
    """The header of a sound: samples a second, channels, and samples a channel."""

    rate: int
    channels: int
    frames: int


@dataclass(frozen=True)
class SoundTraits(Traits):
    """Traits of the whole source, at one ``rate``; ``others`` are pairs of a stored rate and its sounds."""

    rate: int
    seconds: float
    others: tuple[tuple[int, int], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(
            f"{quantity(num, 'sound')} of {rate / 1000:g} kHz: resampled to {self.rate / 1000:g} kHz"
            for rate, num in self.others
        )

    def recipe(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "batch_size": 16}

    def signature(self, recipe: Recipe, *_: object) -> Signature:
        return Signature((1, recipe.mels, recipe.frames))

    def join(self, held_out: SoundTraits, where: str, names: tuple[str, str]) -> SoundTraits:
        if self.rate != held_out.rate:
            raise BadInput(
                f"{where}: sounds of {names[0]} have {self.rate:,} samples a second but those of {names[1]} "
                f"{held_out.rate:,}; give both splits the same"
            )
        return self

    def pooled(self, other: SoundTraits, nums: tuple[int, int]) -> SoundTraits:
        rate = self.rate if nums[0] >= nums[1] else other.rate
        return SoundTraits(rate, max(self.seconds, other.seconds))


def scan(headers: Iterable[SoundHeader]) -> SoundTraits | None:
    """Traits of sounds by headers, if any: the most common rate, 16 kHz at most."""
    rates = Counter[int]()
    seconds = []
    for header in headers:
        rates[header.rate] += 1
        seconds.append(header.frames / header.rate)
    if not rates:
        return None
    usual = min(rates, key=lambda rate: (-rates[rate], rate))
    rate = min(usual, _HIGHEST_RATE)
    others = tuple(sorted((other, num) for other, num in rates.items() if other != rate))
    return SoundTraits(rate, window_for(seconds), others)


def window_for(seconds: Iterable[float]) -> float:
    """The seconds, a multiple of 0.04 and 4 at most, that hold 95 % of sounds of such lengths whole."""
    enough = min(float(np.quantile(list(seconds), _ENOUGH)), _LONGEST_HEARD)
    return round(max(4, math.ceil(enough / _STEP - 1e-9)) * _STEP, 2)


@cache
def soundfile() -> Any:
    """The library soundfile; raises `BadInput` if it or libsndfile is not installed."""
    try:
        import soundfile as library
    except (ImportError, OSError):  # the latter for want of libsndfile
        raise BadInput("sounds: reading them needs soundfile; pip install 'easiness[sound]'") from None
    return library


def _read_header(blob: Blob, name: str) -> SoundHeader:
    """Rate, channels and samples a channel; the last is a guess in headers of MP3."""
    with _open(blob, name) as file:
        return SoundHeader(file.samplerate, file.channels, file.frames)


def _decode(blob: Blob, name: str, traits: SoundTraits | None) -> Samples:
    """The samples [n] of a sound, the mean of its channels, at the rate of the traits or its own."""
    with _open(blob, name) as file:
        rate = file.samplerate
        with recast(lambda error: Unreadable(name, f"unreadable or truncated sound ({one_line(error)})")):
            parts = list(_mono(file, name))
    samples = np.concatenate(parts) if parts else np.empty(0, np.float32)
    problem = problem_of(samples)
    if problem:
        raise Unreadable(name, problem)
    return resample(samples, rate, rate if traits is None else traits.rate)


SOUND_FILES = Files(
    "sound",
    "lengths",
    SoundHeader(1, 1, 1),
    lambda: SUFFIXES,
    _read_header,
    scan,
    _decode,
    lambda: "readable_sound",
)


def problem_of(samples: Array) -> str:
    """The problem of samples [n] that are no sound, else empty."""
    if len(samples) == 0:
        return "no samples in it"
    if not np.isfinite(samples).all():
        return f"sample {int(np.argmin(np.isfinite(samples)))} is not a finite number"
    return ""


def resample(samples: Samples, rate: int, new_rate: int) -> Samples:
    """Resample samples [n] from ``rate`` to ``new_rate`` by a polyphase filter; none exceeds 1."""
    new = samples
    if rate != new_rate:
        from scipy.signal import resample_poly

        change = Fraction(new_rate, rate).limit_denominator(_FINEST)
        new = resample_poly(samples.astype(np.float64), change.numerator, change.denominator)
    loudest = float(np.abs(new).max())
    return (new / loudest if loudest > 1 else new).astype(np.float32)


class _QuietBytesIO(io.BytesIO):
    """Bytes that may be sought before their beginning, for which the library would print a traceback."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return super().seek(max(offset, 0) if whence == io.SEEK_SET else offset, whence)


@contextmanager
def _open(blob: Blob, name: str) -> Iterator[Any]:
    library, data = soundfile(), blob()
    if not data:
        raise Unreadable(name, "an empty file")
    with recast(lambda error: Unreadable(name, f"not a sound that can be read ({_reason(error)})")):
        file = library.SoundFile(_QuietBytesIO(data))
    with file:
        if not 1 <= file.channels <= MOST_CHANNELS:
            raise Unreadable(name, f"{file.channels} channels; give 1 to {MOST_CHANNELS}")
        if not RATES[0] <= file.samplerate <= RATES[1]:
            raise Unreadable(name, f"{file.samplerate} samples a second; give {_RATES}")
        yield file


def _reason(error: Exception) -> str:
    message = one_line(error)
    return (message.partition("BytesIO")[2].partition(": ")[2] or message).rstrip(".")


def _mono(file: Any, name: str) -> Iterator[Samples]:
    num = 0
    while len(part := file.read(_AT_ONCE, "float32", always_2d=True)):
        num += len(part)
        if num > MOST_SAMPLES:
            raise Unreadable(name, f"longer than {MOST_SAMPLES:,} samples; cut it into shorter sounds")
        yield part[:, 0] if part.shape[1] == 1 else part.mean(axis=1, dtype=np.float32)


class ArraySounds(StoredExamples):
    """Sounds [n] in memory, all at ``rate`` a second; stored bytes are the rate and float32 samples."""

    noun = "sound"

    def __init__(self, sounds: Sequence[Samples], rate: int) -> None:
        self._items = sounds
        self._rate = rate

    @cached_property
    def traits(self) -> SoundTraits:
        traits = scan(SoundHeader(self._rate, 1, len(sound)) for sound in self._items)
        assert traits is not None
        return traits

    def samples(self) -> list[Samples]:
        return list(self._items)

    def subset(self, positions: Integers) -> ArraySounds:
        part = ArraySounds([self._items[at] for at in positions.tolist()], self._rate)
        part.__dict__["traits"] = self.traits
        return part

    def _content(self, item: Samples) -> bytes:
        return f"{self._rate}:".encode() + item.astype("<f4").tobytes()

    def _value(self, item: Samples) -> Samples:
        return resample(item, self._rate, self.traits.rate)


def to_sounds(sounds: Any, rate: Any, where: str, name: Callable[[int], str] | None = None) -> ArraySounds:
    """Sounds of arrays [n] of floats in [-1, 1], or of int16 or int32; errors call each by ``name``."""
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer):
        raise BadInput(
            f"rate={rate!r:.40}: is not one whole number; give the samples a second that all sounds have, "
            "such as 16000, and resample those that have another"
        )
    if not RATES[0] <= rate <= RATES[1]:
        raise BadInput(f"rate={rate}: no rate of sounds; give {_RATES} samples a second")
    if len(sounds) == 0:
        raise BadInput(f"{where}: no sounds in it; give at least one")
    name_of = name or (lambda at: f"{where}: sound {at}")
    return ArraySounds([_samples(sound, name_of(at)) for at, sound in enumerate(sounds)], int(rate))


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


_MOST_COLUMNS = 320  # of the picture in a page
_BANDS = 64
_HOP = 0.005  # seconds between columns of a short sound
_LOUDEST = 32767  # of 16 bits


class ShownSound(ShownValue):
    """A sound, ``value`` [n], at the rate of ``traits``."""

    @property
    def text(self) -> str:
        return f"{len(self.value) / self.traits.rate:.2f} s at {self.traits.rate / 1000:g} kHz"

    @property
    def uri(self) -> str:
        """A ``data:`` address of its log-mel picture as PNG: dark is loud, the lowest band at the bottom."""
        file, hop = io.BytesIO(), max(_HOP, self._seconds / _MOST_COLUMNS)
        Image.fromarray(self._picture(hop)).save(file, "PNG", optimize=True)
        return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"

    @property
    def sound(self) -> str:
        return f"data:audio/wav;base64,{base64.b64encode(_wav(self._part, self.traits.rate)).decode()}"

    @property
    def address(self) -> str:
        return self.sound

    @property
    def square(self) -> npt.NDArray[np.uint8]:
        return self._picture(self._seconds / _BANDS)[:, :_BANDS, None]

    @property
    def cell(self) -> bytes:
        return _wav(self.value, self.traits.rate)

    def _picture(self, hop: float) -> npt.NDArray[np.uint8]:
        loud = log_mel(self._part, self.traits.rate, _BANDS, hop)
        return np.rint(255 * (1 - loud[::-1])).astype(np.uint8)

    @property
    def _seconds(self) -> float:
        return len(self._part) / int(self.traits.rate)

    @cached_property
    def _part(self) -> Samples:
        most = LONGEST * self.traits.rate
        return self.value if len(self.value) <= most else window(self.value, most)


def _wav(samples: Samples, rate: int) -> bytes:
    from scipy.io import wavfile

    buffer = io.BytesIO()
    wavfile.write(buffer, rate, np.rint(samples.clip(-1, 1) * _LOUDEST).astype("<i2"))
    return buffer.getvalue()


def picture(samples: Samples, rate: int, recipe: Recipe) -> npt.NDArray[np.float16]:
    """The log-mel picture [mels, frames] of the window, at half precision: alike on all machines."""
    num = recipe.frames * max(1, round(recipe.hop * rate))
    return log_mel(window(samples, num), rate, recipe.mels, recipe.hop).astype(np.float16)


class SoundKind(InputKind):
    """Sounds, which networks get as log-mel pictures. Arrays need a rate; see `to_sounds`."""

    name = "sound"
    noun, nouns, values = "sound", "sounds", "samples"
    axes = ("channels", "bands", "time")
    columns = ("audio", "sound")
    networks = ("wrn_10_1", "mlp_3")
    show = ShownSound
    export_form = ExportForm("audio", "file", feature="Audio", dtype="Audio")
    files = SOUND_FILES
    flaws = OF_SOUNDS

    def measures(self, value: Samples, traits: SoundTraits) -> dict[str, float]:
        """Seconds, and decibels of the root mean square, below full scale."""
        level = max(float(np.sqrt(np.square(value).mean())), _SILENCE)
        return {"duration": len(value) / traits.rate, "loudness": 20 * math.log10(level)}

    def pixels(self, value: Samples, traits: SoundTraits) -> npt.NDArray[np.uint8]:
        return ShownSound(value, traits).square

    def pack(self, examples: Any, recipe: Recipe, *_: object) -> Pack:
        shape = (len(examples.stored), recipe.mels, recipe.frames)
        check_fits(2 * int(np.prod(shape)), "log-mel pictures")
        rows = np.empty(shape, np.float16)
        results = examples.stored.map(partial(picture, rate=examples.traits.rate, recipe=recipe))
        for at, one in enumerate(results):
            rows[at] = one
        return Pack.of_array(rows)

    def preparation(self, values: Values, recipe: Recipe, *, augment: bool) -> inputs.Preparation:  # noqa: ARG002
        from easiness.inputs.sound.preparation import LogMels

        return LogMels(recipe, augment)

    def view(self, recipe: Recipe, /) -> str:
        return (
            f", heard as log-mel pictures of {recipe.mels} bands × {recipe.frames} columns "
            f"({recipe.seconds:g} seconds)"
        )

    def augmentation(self, recipe: Recipe, *_: object) -> str:
        parts = [
            f"shift by up to {recipe.time_shift:.0%} of the window" if recipe.time_shift else "no shift",
            f"gain of up to ±{recipe.gain:g} dB" if recipe.gain else "no gain",
        ]
        if recipe.masks:
            parts.append(
                f"{recipe.masks} x up to {recipe.time_mask:.0%} of the time and {recipe.mel_mask:.0%} of the "
                "bands silenced"
            )
        return ", ".join(parts)

    def observation(self, recipe: Recipe, /) -> str:
        return f"the loudest {recipe.seconds:g} seconds, shorter sounds with silence on both sides"


SOUND = SoundKind()
