"""Photos as another machine finds them: the cache beside the run where it sees that, else from the source."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from easiness.data import WorkingImages, cache_folder, opened_cache, working_images
from easiness.errors import BadInput, RunFailed
from easiness.runs.source import load_as
from easiness.spec import DatasetRef, Recipe, RunSpec


@dataclass(frozen=True)
class NodePhotos:
    """Of one split (``train`` or ``held_out``) of the data that ``ref`` describes, cached at ``path``."""

    path: Path
    split: str
    ref: DatasetRef
    recipe: Recipe

    @classmethod
    def of(cls, spec: RunSpec, split: str, photos: Any) -> NodePhotos:
        """Of photos in a file, which are those of a run."""
        return cls(photos.path, split, spec.data, spec.recipe)

    def open(self) -> WorkingImages:
        """The photos; a machine that does not see the run's cache makes one in its own cache folder, once.

        Raises:
            RunFailed: neither the cache nor the source can be read here, or the source has other data.
        """
        if self.path.is_file():
            return opened_cache(self.path)
        return self._from_source()

    def _from_source(self) -> WorkingImages:
        here = f"machine {platform.node()}: it does not see the cache of photos {self.path}"
        if self.ref.source is None:
            raise RunFailed(f"{here}: the data have no source; use a shared file system")
        try:
            data = load_as(self.ref.source, self.ref)
            split: Any = data.splits.get(self.split)  # type: ignore[call-overload]
            expected = self.ref.train if self.split == "train" else self.ref.held_out
            if split is None or expected is None or split.fingerprint != expected.fingerprint:
                raise RunFailed(f"{here}: has other data at {self.ref.source}; copy those of the run")
            photos = working_images(split, self.recipe, cache_folder() / "photos")
        except BadInput as error:
            raise RunFailed(f"{here}: cannot read the source ({error}); share the folder") from error
        return photos
