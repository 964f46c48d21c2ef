"""Weights that others have trained, where those lie on this disk."""

from __future__ import annotations

from pathlib import Path

from easiness.errors import BadInput
from easiness.models.family import Family
from easiness.models.published import Published
from easiness.models.registry import find_family


def pretrained_file(name: str) -> Path:
    """The file on this disk with the weights that torchvision or timm publish for the network ``name``.

    Of torchvision's, the ones it calls ``DEFAULT``; of timm's, those of the tag in the name, or its first.
    Nothing is downloaded.

    Raises:
        BadInput: an unknown name, a network of which no weights are published, or a file that is not
            there (the text names it and says how to get it).
    """
    return published(find_family(name), name).weights_file(name)


def published(family: Family, name: str) -> Published:
    """The family of ``name`` as one with weights.

    Raises:
        BadInput: nobody publishes its weights.
    """
    if family.published is None:
        raise BadInput(
            f"model {name!r} has no pretrained weights; leave out --pretrained, or choose a model of "
            "torchvision's or timm:NAME"
        )
    return family.published
