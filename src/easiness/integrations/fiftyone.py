"""A run as a dataset of FiftyOne, where FiftyOne is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easiness.exports import Exporting, export
from easiness.spec import Split
from easiness.store import Run


def to_fiftyone(
    run: Run, out: str | Path, *, name: str | None = None, data: Any = None, split: Split = "train"
) -> Any:
    """The examples of a run in FiftyOne, each score a field: a `fiftyone.Dataset`.

    Args:
        run: to be shown.
        out: a new folder for `export`'s files, which the dataset then points to; pictures that are files
            stay where they are.
        name: of the dataset; FiftyOne's choice otherwise.
        data: where the data are now, as for `export`.
        split: of the examples measured, or ``held_out``.
    """
    import fiftyone

    exported = export(Exporting(run, "fiftyone", Path(out), split, data=data))
    return fiftyone.Dataset.from_dir(
        str(exported.path), dataset_type=fiftyone.types.FiftyOneDataset, name=name
    )
