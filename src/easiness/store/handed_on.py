"""What a run can do by functions of higher layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easiness.above import above


class HandedOn:
    """The part of `Run` that hands it on."""

    def report(self, output: str | Path, *, epoch: int | None = None, source: Any = None) -> None:
        """Write the page about this run to the file ``output``; `easiness.write_report` is for several.

        Args:
            output: name of the HTML file.
            epoch: to read the run after; the last by default.
            source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where the run
                found them. Without them the page shows no pictures.

        Raises:
            BadInput: the epoch is not recorded, easiness is undefined after it, or ``source`` has other data.
            RunFailed: the file cannot be written.
        """
        above("write_report")([self], output, epoch=epoch, source=source)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of facts and a figure."""
        html: str = above("run_html")(self)
        return html
