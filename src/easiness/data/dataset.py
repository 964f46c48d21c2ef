"""A data set as a value: ids and labels at hand, pictures decoded only when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from easiness.data.fingerprint import fingerprint
from easiness.data.stored import StoredImages
from easiness.data.subset import balanced_subset
from easiness.errors import BadInput
from easiness.spec import DatasetRef, SplitRef

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples of one split, and the held-out split beside it.

    ``ids`` [K] are the examples' own (int64, or str in an object array) and survive every subset;
    ``labels`` [K] are the labels to train with and ``true_labels`` [K] differ only after corruption.
    ``source`` is what `load_dataset` takes to find the data again: an absolute path or a known name,
    ``None`` for arrays. ``recipe_defaults`` are recipe settings that this kind of picture needs.
    ``limited_to`` is the size of a subset made by `limit` at seed 0, which `load_dataset` makes again.
    ``num_unreadable`` counts the pictures of this split that were left out on request.
    """

    name: str
    source: str | None
    split: str
    ids: npt.NDArray[np.int64] | npt.NDArray[np.object_] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    true_labels: npt.NDArray[np.int64] = field(repr=False)
    classes: tuple[str, ...]
    stored: StoredImages = field(repr=False)
    held_out: Dataset | None = None
    recipe_defaults: dict[str, Any] = field(default_factory=dict)
    num_unreadable: int = 0
    limited_to: int | None = None

    def __post_init__(self) -> None:
        assert len(self.ids) == len(self.labels) == len(self.true_labels) == len(self.stored)
        assert len(self.ids) > 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @cached_property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of every example; decodes at most one picture of each split.

        Raises:
            BadInput: that picture is unreadable, or the held-out split has another shape.
        """
        shape = self.stored.shape
        if self.held_out is not None and self.held_out.image_shape != shape:
            raise BadInput(
                f"{self.source or self.name}: images of {self.split} are {_shape_text(shape)} but those of "
                f"{self.held_out.split} are {_shape_text(self.held_out.image_shape)}; give both one shape"
            )
        return shape

    @cached_property
    def images(self) -> torch.Tensor:
        """The pictures, uint8 [K, channels, height, width] on the CPU, contiguous; kept once decoded.

        Raises:
            BadInput: a picture is unreadable, sizes differ, or all of them do not fit in memory.
        """
        import torch

        assert self.image_shape == self.stored.shape
        return torch.from_numpy(self.stored.decode())

    def pictures(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """The pictures at ``positions`` [n], in any order, as uint8 [n, channels, height, width].

        Only these are decoded, and nothing is kept.

        Raises:
            BadInput: one of them is unreadable, or their sizes differ.
        """
        ascending, back = np.unique(positions, return_inverse=True)
        return self.stored.subset(ascending).decode()[back]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of class names, ids, labels and stored bytes; nothing is decoded for it."""
        return fingerprint(self.classes, self.ids, self.labels, self.stored.digests())

    def limit(self, k: int, seed: int = 0) -> Dataset:
        """A class-balanced, seeded subset of ``k`` examples in their original order.

        At one seed a smaller subset is part of a larger one. Class sizes differ by at most one, except
        that a class with too few examples gives all it has. The held-out split is limited in the same
        way, to ``k`` of its own examples where it has more.

        Raises:
            BadInput: ``k`` exceeds the number of examples or is below the number of classes.
        """
        if k > len(self):
            raise BadInput(f"limit {k} exceeds the {len(self)} examples of {self.name}; use a smaller limit")
        if k < self.num_classes:
            raise BadInput(
                f"limit {k} is below the {self.num_classes} classes of {self.name}; use at least one example "
                "per class"
            )
        if seed < 0:
            raise BadInput(f"seed {seed} is negative; use 0 or above")
        held_out = self.held_out
        if held_out is not None and k < len(held_out):
            held_out = held_out._take(balanced_subset(held_out.labels, k, seed))
        # a source and a limit do not find a subset of another seed, or of a subset, again
        found_again = self.source if seed == 0 and self.limited_to is None else None
        chosen = self._take(balanced_subset(self.labels, k, seed))
        return replace(chosen, held_out=held_out, source=found_again, limited_to=k)

    def _take(self, positions: npt.NDArray[np.int64]) -> Dataset:
        return replace(
            self,
            ids=self.ids[positions],
            labels=self.labels[positions],
            true_labels=self.true_labels[positions],
            stored=self.stored.subset(positions),
        )

    def ref(self, skip_unreadable: bool = False) -> DatasetRef:
        """What a run records of this data; ``skip_unreadable`` says how it was loaded."""
        return DatasetRef(
            source=self.source,
            limit=self.limited_to,
            skip_unreadable=skip_unreadable,
            num_unreadable=sum(s.num_unreadable for s in (self, self.held_out) if s is not None),
            train=self._split_ref(),
            held_out=None if self.held_out is None else self.held_out._split_ref(),
            classes=self.classes,
            image_shape=self.image_shape,
        )

    def _split_ref(self) -> SplitRef:
        return SplitRef(fingerprint=self.fingerprint, num_examples=len(self))


def _shape_text(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{width}x{height} pixels with {channels} channel{'s' if channels > 1 else ''}"
