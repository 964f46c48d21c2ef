"""What is said of pictures to people."""

from __future__ import annotations

from easiness.spec import Recipe

_COLORS = {1: "grey", 3: "color"}


def looks(shape: tuple[int, ...] | None, recipe: Recipe | None) -> str:
    """What pictures of a shape (channels, height, width) look like, and how networks see them."""
    text = ""
    if shape is not None:
        channels, height, width = shape
        text = f", {_COLORS.get(channels, f'{channels}-channel')} pictures of {width} × {height} pixels"
    if recipe is not None and recipe.crop:
        text += f", seen as crops of {recipe.crop} × {recipe.crop}"
    if recipe is not None and recipe.reduce > 1:
        text += f", seen with blocks of {recipe.reduce} × {recipe.reduce} averaged into one pixel"
    return text


def augmentation(shape: tuple[int, ...], recipe: Recipe) -> str:
    """How network input of a shape is augmented in training."""
    return f"{_moves(recipe, min(shape[1:]))}, flip with probability {recipe.flip:g}"


def _moves(recipe: Recipe, side: int) -> str:
    if recipe.crop:
        return (
            f"crop of {recipe.crop_scale:.0%} to 100% of the photo's area, aspect ratio up to "
            f"{recipe.crop_ratio:.3g}, resized to {recipe.crop} x {recipe.crop} pixels"
        )
    shift = recipe.shift(side)
    return f"translation by up to {shift} pixels (zero-padded)" if shift else "no translation"


def observation(recipe: Recipe) -> str:
    """What a network is shown when it is observed."""
    if recipe.crop:
        return f"short side resized to {recipe.resize} pixels, then the centre {recipe.crop} x {recipe.crop}"
    if recipe.reduce > 1:
        return f"the image with blocks of {recipe.reduce} x {recipe.reduce} pixels averaged"
    return "the image as it is"
