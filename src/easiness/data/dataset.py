"""A data set as a value: ids and labels at hand, pictures decoded only when they are asked for."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from easiness.errors import BadInput
from easiness.inputs import NoImages, Pixels, Scan, StoredImages, check_fits, merge
from easiness.spec import DatasetRef, LoadOptions, Recipe, SplitRef

if TYPE_CHECKING:
    import torch

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples of one split, and the held-out split beside it.

    ``ids`` [K] are the examples' own (int64, or str in an object array) and survive every subset;
    ``labels`` [K] are the labels to train with and ``true_labels`` [K] differ only after corruption.
    ``source`` is what `load_dataset` takes to find the data again: an absolute path or a known name,
    ``None`` for arrays and other objects, and ``load_options`` how it was loaded from there.
    ``recipe_changes`` are recipe settings that this subject needs whatever its pictures' size.
    ``limited_to`` is the size of a subset made by `limit` at seed 0, which `load_dataset` makes again.
    ``unreadable`` names the pictures of this split that were left out on request. ``notes`` are
    sentences for a person about what was found at the source and is not used. ``num_other_files`` files in
    its class folders are by their names no pictures, and ``other_files`` names the first of them.
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
    recipe_changes: dict[str, Any] = field(default_factory=dict)
    load_options: LoadOptions = field(default_factory=LoadOptions)
    unreadable: tuple[str, ...] = ()
    limited_to: int | None = None
    notes: tuple[str, ...] = ()
    num_other_files: int = 0
    other_files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.ids) == len(self.labels) == len(self.true_labels) == len(self.stored)
        assert len(self.ids) > 0

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        held_out = "" if self.held_out is None else f", held_out={len(self.held_out)}"
        return f"Dataset({self.name!r}, examples={len(self)}, classes={self.num_classes}{held_out})"

    @property
    def splits(self) -> dict[Literal["train", "held_out"], Dataset]:
        """The splits by the name of the probe that observes them."""
        return {"train": self} if self.held_out is None else {"train": self, "held_out": self.held_out}

    @property
    def num_unreadable(self) -> int:
        """Number of pictures of this split that were left out on request."""
        return len(self.unreadable)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @cached_property
    def scan(self) -> Scan:
        """Channels and sizes over both splits.

        Raises:
            BadInput: no picture is readable, or one split is grey and the other in color.
        """
        scan = self.stored.scan
        if self.held_out is None:
            return scan
        other = self.held_out.stored.scan
        if scan.channels != other.channels:
            raise BadInput(
                f"{self.source or self.name}: images of {self.split} have {_channels(scan.channels)} but "
                f"those of {self.held_out.split} {_channels(other.channels)}; give both splits the same"
            )
        return merge(scan, other)

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """(channels, height, width) of every example of both splits, ``None`` where sizes differ."""
        return None if self.scan.size is None else (self.scan.channels, *self.scan.size)

    @property
    def recipe_defaults(self) -> dict[str, Any]:
        """Recipe settings that differ for these pictures from those of `Recipe`."""
        return {**self.scan.recipe(), **self.recipe_changes}

    def input_shape(self, recipe: Recipe) -> tuple[int, int, int]:
        """(channels, height, width) of what a network gets under ``recipe``.

        Raises:
            BadInput: the images differ in size and the recipe does not crop them to one, or a side is no
                multiple of the recipe's ``reduce``.
        """
        if recipe.crop:
            return self.scan.channels, recipe.crop, recipe.crop
        if self.image_shape is None:
            raise BadInput(
                f"{self.source or self.name}: the images differ in size; set `crop` in the recipe to the "
                "side in pixels that they are to have"
            )
        channels, *sides = self.image_shape
        for name, side in zip(("height", "width"), sides, strict=True):
            if side % recipe.reduce:
                raise BadInput(
                    f"{self.source or self.name}: the {name} of {side} pixels is no multiple of the recipe's "
                    f"`reduce` = {recipe.reduce}; choose another"
                )
        height, width = (side // recipe.reduce for side in sides)
        return channels, height, width

    @cached_property
    def images(self) -> torch.Tensor:
        """The pictures, uint8 [K, channels, height, width] on the CPU, contiguous; kept once decoded.

        Raises:
            BadInput: a picture is unreadable, sizes differ, or all of them do not fit in memory.
        """
        import torch

        shape = self.input_shape(Recipe())
        check_fits(len(self) * math.prod(shape), self.source or self.name)
        pixels = np.empty((len(self), *shape), np.uint8)
        for at, picture in enumerate(self.stored.map(_channels_first)):
            pixels[at] = picture
        return torch.from_numpy(pixels)

    def pictures(self, positions: npt.NDArray[np.int64]) -> list[Pixels]:
        """The pictures at ``positions`` [n], in any order, each uint8 [height, width, channels].

        Only these are decoded, and nothing is kept.

        Raises:
            BadInput: one of them is unreadable.
        """
        return self.map_pictures(positions, lambda picture: picture)

    def map_pictures(self, positions: npt.NDArray[np.int64], function: Callable[[Pixels], R]) -> list[R]:
        """``function`` of each of the `pictures`, which are not held: photos can be large."""
        ascending, back = np.unique(positions, return_inverse=True)
        found = list(self.stored.subset(ascending).map(function))
        return [found[at] for at in back.tolist()]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the class names, then (id, label, digest of the stored bytes) in order.

        Nothing is decoded for it. Each part is one line of JSON, so an id can never run into its neighbour
        and ``1`` is not ``"1"``.
        """
        total = hashlib.sha256(json.dumps(["classes", *self.classes]).encode())
        for row in zip(self.ids.tolist(), self.labels.tolist(), self.stored.digests(), strict=True):
            total.update(b"\n" + json.dumps(row).encode())
        return total.hexdigest()

    def limit(self, k: int, seed: int = 0) -> Dataset:
        """A class-balanced, seeded subset of ``k`` examples in their original order.

        At one seed a smaller subset is part of a larger one. Class sizes differ by at most one, except
        that a class with too few examples gives all it has. The held-out split is limited in the same
        way, to ``k`` of its own examples where it has more.

        Raises:
            BadInput: ``k`` exceeds the number of examples or is below the number of classes.
        """
        if k > len(self):
            raise BadInput(f"limit {k}: exceeds the {len(self)} examples of {self.name}; use a smaller limit")
        if k < self.num_classes:
            raise BadInput(
                f"limit {k}: below the {self.num_classes} classes of {self.name}; use at least one example "
                "per class"
            )
        if seed < 0:
            raise BadInput(f"seed {seed}: negative; use 0 or above")
        held_out = self.held_out
        if held_out is not None and k < len(held_out):
            held_out = held_out._take(balanced_subset(held_out.labels, k, seed))
        # a source and a limit do not find a subset of another seed, or of a subset, again
        found_again = self.source if seed == 0 and self.limited_to is None else None
        chosen = self._take(balanced_subset(self.labels, k, seed))
        return replace(chosen, held_out=held_out, source=found_again, limited_to=k)

    def without_images(self) -> Dataset:
        """The same examples without their images, which then come another way: small when pickled."""
        held_out = None if self.held_out is None else self.held_out.without_images()
        return replace(self, stored=cast(StoredImages, NoImages(self.stored)), held_out=held_out)

    def _take(self, positions: npt.NDArray[np.int64]) -> Dataset:
        return replace(
            self,
            ids=self.ids[positions],
            labels=self.labels[positions],
            true_labels=self.true_labels[positions],
            stored=self.stored.subset(positions),
        )

    def ref(self) -> DatasetRef:
        """What a run records of this data."""
        unreadable = self.unreadable + (() if self.held_out is None else self.held_out.unreadable)
        return DatasetRef(
            source=self.source,
            **self.load_options.model_dump(),
            limit=self.limited_to,
            num_unreadable=len(unreadable),
            unreadable=unreadable,
            num_other_files=self.num_other_files,
            other_files=self.other_files,
            train=self._split_ref(),
            held_out=None if self.held_out is None else self.held_out._split_ref(),
            classes=self.classes,
            image_shape=self.image_shape,
        )

    def _split_ref(self) -> SplitRef:
        return SplitRef(fingerprint=self.fingerprint, num_examples=len(self))


def balanced_subset(labels: npt.NDArray[np.int64], k: int, seed: int) -> npt.NDArray[np.int64]:
    """Positions, ascending, of ``k`` of the examples with ``labels`` [K], ``k <= K``.

    All examples are put in one seeded order that deals out the classes in turn, so its first ``k`` are
    balanced (a class that runs out leaves its turns to the others) and nested by construction.
    """
    rng = np.random.default_rng(seed)
    lots = rng.random(len(labels))
    by_class = np.lexsort((lots, labels))
    _, starts, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
    turn = np.empty(len(labels), np.int64)
    turn[by_class] = np.arange(len(labels)) - np.repeat(starts, sizes)
    # Within a turn the lots decide the order, so that no class is always served first.
    return np.sort(np.lexsort((lots, turn))[:k])


def _channels(number: int) -> str:
    return "1 channel" if number == 1 else f"{number} channels"


def _channels_first(picture: Pixels) -> Pixels:
    return picture.transpose(2, 0, 1)
