"""A perturbation of a known kind at a level, as a value that can be applied."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from easiness.errors import BadInput, EasinessError
from easiness.named_import import describe
from easiness.perturb.images import Ids, Transform, as_batch
from easiness.perturb.registry import find_kind


@dataclass(frozen=True)
class Perturbation:
    """``kind`` (as it was asked for) at ``level``, with the ``seed`` of its randomness."""

    kind: str
    level: float
    seed: int
    transform: Transform = field(repr=False, compare=False)

    def __call__(self, images: Tensor, *, ids: Ids | None = None) -> Tensor:
        """The perturbed images [b, c, h, w], in at least single precision.

        Raises:
            BadInput: the images or ids are not as they should be, or a transform of the user's own
                raises an exception or returns something else than such images.
        """
        images = as_batch(images, ids)
        try:
            out = self.transform(images, ids=ids)
        except (EasinessError, MemoryError, torch.cuda.OutOfMemoryError):
            raise
        except Exception as error:
            raise BadInput(f"{self._name} raised {describe(error)}") from error
        if not isinstance(out, Tensor) or out.shape != images.shape or not out.is_floating_point():
            given = f"{out.dtype} {list(out.shape)}" if isinstance(out, Tensor) else type(out).__name__
            raise BadInput(
                f"{self._name} returned {given}: return floats {list(images.shape)}, as it was given"
            )
        return out

    @property
    def _name(self) -> str:
        return f"perturbation {self.kind!r} at level {self.level:g}"


def perturbation(kind: str, level: float, seed: int = 0) -> Perturbation:
    """The perturbation of a known kind, or of ``package.module:name``, at ``level``.

    ``seed`` matters to the kinds that are random.

    Raises:
        BadInput: the kind is not known, it does not take this level, or its factory raises an exception.
    """
    known = find_kind(kind)
    if not math.isfinite(level):
        raise BadInput(f"perturbation {kind!r}: level {level} is not finite; give a number")
    try:
        transform = known.factory(level, seed) if known.seeded else known.factory(level)
    except EasinessError:
        raise
    except Exception as error:
        raise BadInput(f"perturbation {kind!r} at level {level:g} raised {describe(error)}") from error
    return Perturbation(kind, float(level), seed, transform)
