"""What is said of sounds to people."""

from __future__ import annotations

from easiness.spec import Recipe


def looks(shape: tuple[int, ...] | None, recipe: Recipe | None) -> str:  # noqa: ARG001 - they differ in length
    """How networks hear sounds."""
    if recipe is None:
        return ""
    return (
        f", heard as log-mel pictures of {recipe.mels} bands × {recipe.frames} columns "
        f"({recipe.seconds:g} seconds)"
    )


def augmentation(shape: tuple[int, ...], recipe: Recipe) -> str:  # noqa: ARG001
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


def observation(recipe: Recipe) -> str:
    """What a network is given when it is observed."""
    return f"the loudest {recipe.seconds:g} seconds, shorter sounds with silence on both sides"
