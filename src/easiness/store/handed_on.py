"""What a run can do by functions of higher layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from easiness.above import above


class HandedOn:
    """The part of `Run` that hands it on."""

    def report(
        self,
        output: str | Path,
        *,
        epoch: int | None = None,
        source: Any = None,
        since: Self | None = None,
        by: Literal["ids", "pixels"] = "ids",
        old_source: Any = None,
    ) -> None:
        """Write the page about this run to the file ``output``; `easiness.write_report` is for several.

        Args:
            output: name of the HTML file.
            epoch: to read the run after; the last by default.
            source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where the run
                found them. Without them the page shows no pictures.
            since: a run on the version of the data before, to show what changed, see `easiness.diff`.
            by: what makes an example the same in ``since``: its id (``ids``), or its pixels (``pixels``).
            old_source: where the data of ``since`` are now; for ``by="pixels"``.

        Raises:
            BadInput: the epoch is not recorded, easiness is undefined after it, ``source`` has other data,
                ``by`` is given without ``since``, or as `easiness.diff`.
            RunFailed: the file cannot be written.
        """
        about = {"since": since, "by": by, "old_source": old_source}
        above("write_report")([self], output, epoch=epoch, source=source, **about)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of facts and a figure."""
        html: str = above("run_html")(self)
        return html
