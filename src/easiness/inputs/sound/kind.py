"""Sounds as a kind of examples: recordings of any length, each a log-mel picture of one window of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.gate import check_fits
from easiness.inputs.exported import Exported
from easiness.inputs.files import Files
from easiness.inputs.flaws import OF_SOUNDS
from easiness.inputs.kind import Examples, InputKind, Values
from easiness.inputs.packed import Packed
from easiness.inputs.sound.decode import decode, is_readable, read_header, suffixes
from easiness.inputs.sound.log_mel import Samples, log_mel, windowed
from easiness.inputs.sound.scan import SoundHeader, scan
from easiness.inputs.sound.shown import ShownSound
from easiness.spec import Recipe

if TYPE_CHECKING:
    import torch

    from easiness.inputs.bank import TensorBank

_DECODED = 32  # sounds whose decoding stands for all


def _header(kept: Any) -> SoundHeader | None:
    match kept:
        case [int(rate), int(channels), int(frames)] if bool not in map(type, kept):
            return SoundHeader(rate, channels, frames)
    return None


SOUND_FILES = Files(
    noun="sound",
    measures="lengths",
    suffixes=suffixes,
    read_header=read_header,
    header=_header,
    scan=scan,
    decode=decode,
    is_readable=is_readable,
    readable=lambda: "readable_sound",
)


def _takes(array: npt.NDArray[Any]) -> bool:  # noqa: ARG001
    """No array is sounds without a rate; see `to_sounds`."""
    return False


def _from_array(array: npt.NDArray[Any], where: str, *, copy: bool) -> NoReturn:  # noqa: ARG001
    raise BadInput(f"{where}: sounds have a rate; give rate= beside them")


def picture(samples: Samples, rate: int, recipe: Recipe) -> npt.NDArray[np.float16]:
    """The log-mel picture [mels, frames] of the window that a network hears of a sound; see `log_mel`.

    Of single precision's last bits, which differ between machines, half precision has none.
    """
    num = recipe.frames * max(1, round(recipe.hop * rate))
    return log_mel(windowed(samples, num), rate, recipe.mels, recipe.hop).astype(np.float16)


def _pack(
    examples: Examples,
    recipe: Recipe,
    cache: Path | None,  # noqa: ARG001
    on_packed: Callable[[int], None],  # noqa: ARG001
) -> Packed:
    """The log-mel pictures of one split, [K, mels, frames]."""
    shape = (len(examples.stored), recipe.mels, recipe.frames)
    check_fits(2 * int(np.prod(shape)), "log-mel pictures")
    made = np.empty(shape, np.float16)
    heard = examples.stored.map(partial(picture, rate=examples.traits.rate, recipe=recipe))
    for at, one in enumerate(heard):
        made[at] = one
    return Packed.of_array(made)


def _decoding(examples: Examples, recipe: Recipe, cache: Path | None, num_passes: int) -> tuple[int, float]:  # noqa: ARG001
    """By the first sounds of the split; they are kept in memory."""
    num = len(examples.stored)
    some = examples.stored.subset(np.arange(min(_DECODED, num)))
    began = time.perf_counter()
    heard = list(some.map(partial(picture, rate=examples.traits.rate, recipe=recipe)))
    return 0, (time.perf_counter() - began) / len(heard) * num


def _bank(values: Values, recipe: Recipe, device: torch.device, *, augment: bool, sharers: int) -> TensorBank:
    from easiness.inputs.bank import TensorBank
    from easiness.inputs.sound.preparation import Heard

    return TensorBank(values, Heard(recipe, augment), device, sharers=sharers)


def _made_up(shape: tuple[int, ...], recipe: Recipe, num: int) -> Packed:  # noqa: ARG001
    random = np.random.default_rng(0)
    return Packed.of_array(random.random((num, *shape[1:]), np.float32).astype(np.float16))


def _looks(shape: tuple[int, ...] | None, recipe: Recipe | None) -> str:  # noqa: ARG001 - they differ in length
    """How networks hear sounds."""
    if recipe is None:
        return ""
    return (
        f", heard as log-mel pictures of {recipe.mels} bands × {recipe.frames} columns "
        f"({recipe.seconds:g} seconds)"
    )


def _augmentation(shape: tuple[int, ...], recipe: Recipe) -> str:  # noqa: ARG001
    """How sounds are augmented in training."""
    said = [
        f"shift by up to {recipe.time_shift:.0%} of the window" if recipe.time_shift else "no shift",
        f"gain of up to ±{recipe.gain:g} dB" if recipe.gain else "no gain",
    ]
    if recipe.masks:
        said.append(
            f"{recipe.masks} x up to {recipe.time_mask:.0%} of the time and {recipe.mel_mask:.0%} of the "
            "bands silenced"
        )
    return ", ".join(said)


def _observation(recipe: Recipe) -> str:
    """What a network is given when it is observed."""
    return f"the loudest {recipe.seconds:g} seconds, shorter sounds with silence on both sides"


SOUND = InputKind(
    name="sound",
    noun="sound",
    nouns="sounds",
    axes=("channels", "bands", "time"),
    columns=("audio", "sound"),
    takes=_takes,
    from_array=_from_array,
    files=SOUND_FILES,
    pack=_pack,
    decoding=_decoding,
    bank=_bank,
    made_up=_made_up,
    networks=("wrn_10_1", "mlp_3"),
    looks=_looks,
    augmentation=_augmentation,
    observation=_observation,
    show=ShownSound,
    flaws=OF_SOUNDS,
    pixels=lambda value, traits: ShownSound(value, traits).square,
    values="samples",
    exported=Exported(
        "audio",
        "file",
        lambda value, traits: ShownSound(value, traits).file(),
        feature="Audio",
        dtype="Audio",
        address=lambda value, traits: ShownSound(value, traits).sound,
    ),
)
