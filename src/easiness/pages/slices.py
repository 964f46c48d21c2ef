"""Slices of the examples that are harder than others, with examples of each behind a click."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from easiness import show
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.lazy import Array
from easiness.pages.data_map import Name, column_codes, map_name
from easiness.pages.examples import FoundExamples
from easiness.pages.labels import most_looked_at
from easiness.store import Run
from easiness.studies.explain import SLOPE, Exhibit, ExplainOptions, Explanation, explain

_MOST = 6  # slices whose examples are in the page of a run
_NEAR = 1e-4  # of the range of a column: the map has rounded values


def names_of(result: Explanation, one: Exhibit) -> list[Name]:
    return [(result.split, name) for name in result.ids[one.positions].tolist()]


def rows_of(result: Explanation, one: Exhibit, examples: FoundExamples) -> Iterator[Any]:
    """The examples of a slice as galleries show them: see `Gallery`."""
    classes = result.run.examples(result.split)[1] if result.run.classes else None
    for at, name in zip(one.positions.tolist(), names_of(result, one), strict=True):
        text = "" if classes is None else result.run.classes[classes[at]]
        lines = [(text, f"{result.score.replace('_', ' ')} {show.number(result.hard[at])}")]
        yield name[1], examples.by_name.get(name), f"Example {name[1]}", lines


@dataclass(frozen=True)
class ExplainedPart:
    """The part of a page about a ``result``, with a ``figure`` that is SVG."""

    result: Explanation
    figure: str = field(repr=False)

    @property
    def columns(self) -> Mapping[str, Array]:
        """The columns by which the map can be seen."""
        columns, left_out = self.result.columns, self.result.left_out
        return {name: values for name, values in columns.items() if name not in left_out}

    @property
    def exhibits(self) -> list[tuple[int, Exhibit]]:
        """Those whose slices are named, with their rows."""
        return [(at, one) for at, one in enumerate(self.result.exhibits) if one.row["named"]][:_MOST]

    @property
    def names(self) -> Iterator[Name]:
        return (name for _, one in self.exhibits for name in names_of(self.result, one))

    def slices(self, examples: FoundExamples) -> Iterator[tuple[Exhibit, str, str, Sequence[Any]]]:
        """Slices with a sentence, the address of the map that shows them, and the rows of a gallery."""
        for at, one in self.exhibits:
            yield one, self.result.sentence(at), self._on_map(one), [*rows_of(self.result, one, examples)]

    def _on_map(self, one: Exhibit) -> str:
        """The address of the map, by the column of a slice, or of a pair by the first."""
        codes, texts = column_codes(self.columns[one.column])
        reach = 0 if texts else _NEAR * np.ptp(codes[np.isfinite(codes)])
        low, high = codes[one.ends[0]] - reach, codes[one.ends[1]] + reach
        ends = {} if one.row["value"] == SLOPE else {"least": f"{low:.6g}", "most": f"{high:.6g}"}
        return f"#data-map&{urlencode({'color': map_name(one.column), **ends})}"


def explained_part(
    run: Run, by: Sequence[str] | None, metadata: Path | None, data: Dataset | None, **at: Any
) -> ExplainedPart | None:
    """What hardness of a run goes along with; of few examples by what is measured, if nothing is asked."""
    is_asked = by is not None or metadata is not None
    if not is_asked and (data is None or sum(map(len, data.splits.values())) > most_looked_at(data)):
        return None
    try:
        result = explain(ExplainOptions(run, by, metadata, data=data, **at))
    except BadInput:
        if is_asked:
            raise
        return None
    label = "Slices by how much harder they are; the table below has the numbers."
    return ExplainedPart(result, show.to_svg(result.figure(), key="explained", label=label))
