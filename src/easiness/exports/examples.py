"""Formats, and what they are given of each example: scores, suspicions of its label, and itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from easiness.engine import At, Data, HeldOutToo, OneRun
from easiness.errors import BadInput
from easiness.inputs import Cell, ExportForm, kind_named
from easiness.lazy import Array, Floats, Integers, pa, pd
from easiness.runs import CellTexts, cell_texts, find_split, positions_in
from easiness.spec import Option, Split, setting
from easiness.store import Run
from easiness.studies.suspects import SuspectOptions, suspects

if TYPE_CHECKING:
    from easiness.data import Dataset

# of the table of suspects, added to the columns of the scores
_SUSPECT_COLUMNS = ["suggested", "suggested_class", "p_wrong", "suggested_share"]
AT_ONCE = 64
"""Examples made at a time."""


@dataclass(frozen=True)
class ExportOptions:
    """Options of `export`."""

    run: OneRun
    to: Annotated[
        str,
        Option(
            "--to",
            "hf (a folder for Hugging Face datasets), cleanlab (labels and pred_probs), label-studio (tasks, "
            "and how they are shown), spotlight (a Parquet with the examples), torch (indices and sampling "
            "weights), csv or parquet (rows).",
            placed=True,
        ),
    ]
    output: Annotated[Path, Option("-o", "File or new folder to write.", also=("--output",), placed=True)]
    split: HeldOutToo = "train"
    at: At = None
    data: Data = None
    above: float | None = setting(
        "--above",
        "For label-studio: labels that are wrong with this probability or more, and five in any case; "
        "0.1 by default.",
        within="[0, 1]",
    )
    only: Path | None = setting(
        "--only", "For label-studio: only the examples of this file of labels, such as one of `audit`."
    )
    blind: bool = setting("--blind", "For label-studio: show neither labels nor suggestions.", default=False)
    document_root: Path | None = setting(
        "--document-root",
        "For label-studio: the folder that it serves files from; without it, files are put into the tasks.",
    )


@dataclass(frozen=True, eq=False)
class Examples:
    """The examples of a split of a run after ``epoch`` epochs, as ``options`` say.

    ``data`` are those of the split; ``without_data`` says why there are none. ``note`` says what else is left
    out. The ``table`` has a row for each, or those ``at`` positions.
    """

    options: ExportOptions
    run: Run
    split: Split
    epoch: int
    table: pd.DataFrame
    data: Dataset | None
    without_data: str | None = None
    note: str | None = None
    at: Integers | None = None

    @property
    def ids(self) -> Array:
        """Ids [K] as int64 or text of a fixed width, which NumPy writes without pickling."""
        ids = self.table["id"].to_numpy()
        return ids if ids.dtype == np.int64 else ids.astype(str)

    @cached_property
    def rows(self) -> Integers:
        """Positions [K] of the examples in the data, and by that at their source."""
        if self.data is None:
            raise BadInput(f"{self.run.path}: {self.without_data}")
        rows = positions_in(self.data, self.run, self.split)
        return rows if self.at is None else rows[self.at]

    def by_tag(self, values: Array) -> Floats:
        """Values [Q] of the questions of a run of tags as [K, T], NaN where nobody says."""
        tags = self.run.tags_of(self.split)
        assert tags is not None
        rows, examples = pd.factorize(tags.examples)
        cells = np.full((len(examples), len(tags.names)), np.nan)
        cells[rows, tags.of] = values
        return cells

    def by_example(self) -> Examples:
        """A row an example with all its ``tags``; scores become lists, of each tag in the order of names."""
        table = self.table.drop(columns=["id", "tag", "class", "suggested_class"], errors="ignore")
        lists = {str(name): self.by_tag(values.to_numpy(np.float64)) for name, values in table.items()}
        at = np.flatnonzero(~self.table["id"].duplicated())
        tags = [np.flatnonzero(row == 1) for row in lists.pop("label")]
        columns: dict[str, Any] = {"id": self.table["id"].to_numpy()[at], "tags": tags}
        columns |= {name: [*one] for name, one in lists.items()}
        return replace(self, at=at, table=pd.DataFrame(columns))

    def file(self, position: int) -> Path | None:
        assert self.data is not None
        path = Path(self.data.stored.name(int(self.rows[position])))
        return path.absolute() if path.is_file() else None

    @property
    def form(self) -> ExportForm | None:
        return None if self.data is None else self.data.kind.export_form

    @property
    def without(self) -> str | None:
        nouns = kind_named(self.run.spec.data.kind).nouns
        return f"without {nouns}: {self.without_data}" if self.data is None else None

    def with_cells(self, rows: pa.Table) -> Iterator[tuple[list[Cell], pa.Table]]:
        """Examples as other tools have them, pictures as PNG, to the pixel, with their ``rows`` of [K]."""
        data = self.data
        assert data is not None
        for first in range(0, len(self.table), AT_ONCE):
            some = self.rows[first : first + AT_ONCE]
            cells = data.map(some, lambda value: data.kind.show(value, data.traits).cell)
            yield cells, rows.slice(first, len(cells))

    @cached_property
    def words(self) -> CellTexts | None:
        return None if self.data is None else cell_texts(self.data, self.rows)

    def table_with_texts(self) -> pd.DataFrame:
        return (
            self.table if self.words is None else self.table.assign(**{self.words.column: self.words.texts})
        )


def examples_of(options: ExportOptions) -> Examples:
    """The examples of a split of a run: every score, what is suspected, and the data where they are found."""
    run, split, note = options.run, options.split, None
    run.check_course("`export`")
    epoch = run.resolve_at(options.at)
    table = run.scores(**run.argument(epoch), split=split)
    try:
        at = run.argument(epoch) if epoch != run.observed[-1] else {}
        suspect_rows = suspects(SuspectOptions((run,), split=split, pictures=False, **at)).ranked
    except BadInput as error:
        note = f"nothing is said of suspect labels ({error})"
    else:
        ids = pd.Index(run.examples(split)[0])
        table = table.join(suspect_rows.set_index("id")[_SUSPECT_COLUMNS].reindex(ids).reset_index(drop=True))
    data, why = find_split(run, options.data, split)
    return Examples(options, run, split, epoch, table, data, None if data is not None else why, note)


@dataclass(frozen=True)
class Format:
    """One format: ``write`` fills a file, or a folder that is empty, and may say a sentence about it.

    ``suffixes`` are what the name of a file ends in; without any it is a folder. ``then`` is how to read it,
    with ``{out}`` for the path and ``{type}`` for the type of the column of examples. ``is_to_label`` says
    that people decide in it, and see the examples. ``then_of_tags`` is how to read several tags an example,
    where that is otherwise, and ``None`` where they are refused.
    """

    name: str
    write: Callable[[Examples, Any], str | None]
    then: str
    suffixes: tuple[str, ...] = ()
    is_to_label: bool = False
    then_of_tags: str | None = ""
