"""The data of a run: what they are, and how they are loaded from their source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from easiness.errors import shorten
from easiness.spec.recipe import IMAGE

LONGEST_NAME = 4096
"""Bytes of an id or of the name of a class or group: as long as paths are."""

ITEMS = "item"
"""The kind of examples of which outcomes alone are known: they have no classes."""

_DIGITS = 12  # of a fingerprint: enough that no other data have the same
# where there are not as many examples: what is made of classes grows with their number
_MOST_CLASSES = 100_000


class Frozen(BaseModel):
    """A frozen value, whose documents have no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    LATER: ClassVar[tuple[str, ...]] = ()
    """Fields that documents lack where they are not in use: they are then those from before these existed."""

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = write(self)
        usual = {name: type(self).model_fields[name].default for name in document.keys() & set(self.LATER)}
        return {
            name: value
            for name, value in document.items()
            if name not in usual or (value and getattr(self, name) != usual[name])
        }


class SplitRef(Frozen):
    """One split of a data set as a trial sees it; with tags its examples ask ``num_questions``."""

    LATER: ClassVar[tuple[str, ...]] = ("num_questions",)

    fingerprint: str
    num_examples: int = Field(ge=1)
    num_questions: int = Field(default=0, ge=0)

    @property
    def num_recorded(self) -> int:
        """The number of rows of an epoch: of questions, or of examples that ask one each."""
        return self.num_questions or self.num_examples


TABLE_OPTIONS = ("text", "sound", "inputs", "without", "label", "id", "encoding")
"""Options of tables, of which most name columns."""


class LoadOptions(Frozen):
    """How data were loaded from their source, where that is not the usual way."""

    LATER: ClassVar[tuple[str, ...]] = ("labels", "columns", "group", *TABLE_OPTIONS, "tags")

    data_root: str | None = None
    allow_outside: bool = False
    skip_unreadable: bool = False
    holdout: float | None = None
    labels: str | None = None
    columns: dict[str, str] | None = None
    group: str | None = None
    text: str | None = None
    sound: str | None = None
    inputs: tuple[str, ...] | None = None
    without: tuple[str, ...] | None = None
    label: str | None = None
    id: str | None = None
    encoding: str | None = None
    tags: bool = False


_LEFT_OUT = {"num_unreadable", "unreadable", "num_other_files", "other_files"}
_HOW_TO_LOAD = {"source", "limit", *_LEFT_OUT, *LoadOptions.model_fields}


class DatasetRef(LoadOptions):
    """The data of a run: the fingerprints say what they are, the other fields how to load them again.

    ``kind`` is what the examples are. ``image_shape`` is that of images, absent where they differ in size;
    ``shape`` that of examples of other kinds. ``unreadable`` names the images that were left out, which older
    runs have counted alone, and ``other_files`` the first of the ``num_other_files`` that by their names are
    no pictures, of which older runs say nothing. Examples with tags have ``tag_names``.
    """

    LATER = (*LoadOptions.LATER, "unreadable", "num_other_files", "other_files", "kind", "shape", "tag_names")

    source: str | None = None
    limit: int | None = None
    num_unreadable: int = 0
    unreadable: tuple[str, ...] = ()
    num_other_files: int = Field(default=0, ge=0)
    other_files: tuple[str, ...] = ()
    train: SplitRef
    held_out: SplitRef | None = None
    classes: tuple[str, ...]
    tag_names: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    kind: str = IMAGE
    shape: tuple[int, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _shapes_go_with_the_kind(self) -> Self:
        other = self.shape if self.kind == IMAGE else self.image_shape
        shape = self.image_shape if self.kind == IMAGE else self.shape
        if other is not None or min(shape or (1,)) < 1:
            raise ValueError(
                f"shapes {self.image_shape} and {self.shape} are not those of examples of kind {self.kind}"
            )
        return self

    @model_validator(mode="after")
    def _classes_can_be(self) -> Self:
        if (self.kind == ITEMS) == bool(self.classes):
            raise ValueError(f"{len(self.classes)} classes of examples of kind {self.kind}")
        most, names = max(self.train.num_examples, _MOST_CLASSES), self.classes + self.tag_names
        if len(names) > most or max(map(len, names), default=0) > LONGEST_NAME:
            raise ValueError(
                f"{len(names)} classes for {self.train.num_examples} examples, or names of more than "
                f"{LONGEST_NAME} letters"
            )
        return self

    @property
    def num_outputs(self) -> int:
        """Number of outputs of a network: one a class, or one a tag."""
        return len(self.tag_names or self.classes)

    @property
    def classes_text(self) -> str:
        """``10 classes``, or ``10 tags (30,000 questions)``."""
        if self.tag_names:
            return f"{len(self.tag_names)} tags ({self.train.num_questions:,} questions)"
        return f"{len(self.classes)} classes"

    def load_options(self) -> LoadOptions:
        return LoadOptions.model_validate(self.model_dump(include=set(LoadOptions.model_fields)))

    @property
    def examples_text(self) -> str:
        """The name of the examples in a sentence on those that are left out."""
        return "images" if self.kind == IMAGE else f"{self.kind}s"

    def unreadable_text(self) -> str:
        """How many images were left out, and the first of their names; empty where none were."""
        return _left_out_text(self.num_unreadable, self.unreadable)

    def other_files_text(self) -> str:
        """How many files of class folders were left out as no pictures, and the first of their names."""
        return _left_out_text(self.num_other_files, self.other_files)

    @property
    def version(self) -> str:
        """The name of the data, and the version of the labels of its splits: ``photos@3fa2c0d1e5b7``."""
        name = "data" if self.source is None else PurePath(self.source).name or self.source
        splits = [part.fingerprint for part in (self.train, self.held_out) if part is not None]
        version = splits[0] if len(splits) == 1 else hashlib.sha256("/".join(splits).encode()).hexdigest()
        return f"{name}@{version[:_DIGITS]}"

    def identity(self) -> dict[str, Any]:
        """The part that decides what is learned: fingerprints, not where the files lie."""
        return self.model_dump(mode="json", exclude=_HOW_TO_LOAD)


def _left_out_text(num: int, names: Sequence[str]) -> str:
    if not num:
        return ""
    return f"{num} ({shorten(names, 5, num)})" if names else str(num)
