"""The report: one page about a run, or about several over the same data, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from easiness.analysis import MIN_GROUP, SIDES, num_selected
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import IMAGE, kind_named
from easiness.report import run_figures
from easiness.report.changes import Changes, changes
from easiness.report.data_map import DataMap, data_map
from easiness.report.examples import Named, ShownExample, are_small, shown_at, shown_by_name
from easiness.report.facts import Command, data_name, describe_data, measure_command, run_facts
from easiness.report.files import write_file
from easiness.report.gallery import ClassGallery, class_galleries
from easiness.report.labels import Certain, SuspectLabels, certain, suspect_labels
from easiness.report.left_out import LeftOut, left_out
from easiness.report.template import render_page
from easiness.runs import find_data
from easiness.show import to_svg
from easiness.spec import UNNAMED
from easiness.store import Run, check_opened
from easiness.studies import matching
from easiness.studies.matching import Comparison
from easiness.studies.similarity import similarity
from easiness.studies.suspects import ABOVE
from easiness.studies.versions import Matching

MAX_CLASSES = 20
"""Classes that are shown one by one; where there are more, the hardest of them."""

_PER_SIDE_ALONE, _PER_SIDE_COMPARED = 10, 6
_SUSPECTS_ALONE, _SUSPECTS_COMPARED = (24, 6), (6, 0)  # of those measured, and of those held out
_MOST_OPEN = 10  # classes whose pictures are shown without being asked for
_MAX_GROUPS = 5  # of identical pictures, and of each so many ids
_FRACTION = 0.1
_LOOKED_AT = 500  # pictures of each set that are measured, so that a page of photos takes less than a minute


@dataclass(frozen=True)
class RunPart:
    """The part of the page about one run; figures are SVG elements."""

    key: str
    name: str
    facts: dict[str, str]
    command: Command | None
    failures: dict[int, str]
    num_trials: int
    accuracy: run_figures.AccuracyCurves
    accuracy_figure: str
    levels: run_figures.Levels
    levels_figure: str
    galleries: list[ClassGallery]
    alike: str
    reliability: matching.Reliability | None
    suspects: list[SuspectLabels]
    left_out: LeftOut | None
    outlook: list[str]
    warnings: list[str]
    by_epoch_figure: str | None
    by_trials_figure: str | None


def write_report(
    runs: Sequence[Run],
    output: str | Path,
    *,
    epoch: int | None = None,
    source: Any = None,
    comparison: Comparison | None = None,
    since: Run | None = None,
    by: Matching = "ids",
    old_source: Any = None,
) -> None:
    """Write `render_report`'s page to the file ``output``, whole or not at all.

    Raises:
        BadInput: as `render_report`.
        RunFailed: the file cannot be written.
    """
    check_opened(runs=runs, since=since)
    page = render_report(
        runs,
        epoch=epoch,
        source=source,
        comparison=comparison,
        since=since,
        by=by,
        old_source=old_source,
    )
    write_file(Path(output), page.encode())


def render_report(
    runs: Sequence[Run],
    *,
    epoch: int | None = None,
    source: Any = None,
    comparison: Comparison | None = None,
    since: Run | None = None,
    by: Matching = "ids",
    old_source: Any = None,
) -> str:
    """A page of HTML that loads nothing from the network: styles, figures and pictures are in it.

    The same runs give the same text.

    Args:
        runs: at least one; all over the same data.
        epoch: to read the runs after, from 1; the last that all have by default.
        source: where the data are now, a `Dataset` or what `load_dataset` takes; by default where each
            run found them. Without them the page names the examples and shows no pictures.
        comparison: of just these runs, if `compare` has made it already; ``epoch`` is then its own.
        since: a run on the version of the data before, to show what changed, see `diff`; for one run alone.
        by: what makes an example the same in ``since``: its id (``ids``), or its pixels (``pixels``).
        old_source: where the data of ``since`` are now, as ``source``; for ``by="pixels"``.

    Raises:
        BadInput: the runs are over different data, the epoch is not recorded in all, easiness is
            undefined after it, ``source`` has other data, ``by`` is given without ``since``, or as `diff`.
    """
    if not runs:
        raise BadInput("runs: none was given; name at least one")
    matching.check_comparable(runs)
    if comparison is not None:
        epoch = comparison.epoch
    changed = changes(runs, since, epoch, by, (old_source, source))
    at = matching.common_epoch(runs, epoch)
    data, no_pictures = find_data(runs[0], source)
    not_compared = ""
    if comparison is None:
        try:
            comparison = matching.compare(runs, epoch=at, fraction=_FRACTION)
        except BadInput as error:
            not_compared = str(error)
    parts = [_part(run, index, at, comparison, data, len(runs)) for index, run in enumerate(runs)]
    sure = certain(runs[0], data)
    drawn = _data_map(runs, at, parts)
    pictures: dict[int, ShownExample] = {}
    marked: dict[Named, ShownExample] = {}
    if data is not None:
        try:
            pictures = shown_at(runs[0], data, sorted({*_in_galleries(parts), *drawn.pictured}))
            marked = shown_by_name(data, _marked(parts, sure, changed))
        except BadInput as error:
            if source is not None:
                raise
            no_pictures = str(error)
    fraction = _FRACTION if comparison is None else comparison.fraction
    # a run that was recorded does not know of what kind its examples are
    kind = kind_named(runs[0].spec.data.kind) if data is None else data.kind
    return render_page(
        "page.html",
        isnan=np.isnan,
        data_name=data_name(runs[0]),
        data_text=describe_data(runs[0]),
        classes=runs[0].classes,
        num_examples=len(runs[0].ids),
        num_selected=num_selected(len(runs[0].ids), fraction),
        fraction=fraction,
        epoch=at,
        runs=parts,
        alone=len(parts) == 1,
        comparison=comparison,
        not_compared=not_compared,
        answers=[] if comparison is None else matching.pair_answers(comparison),
        changes=changed,
        certain=sure,
        above=ABOVE,
        pictures=pictures,
        marked=marked,
        no_pictures=no_pictures,
        nouns="examples" if data is None and runs[0].spec.measured is None else kind.nouns,
        with_pictures=any(one.uri is not None for one in (*pictures.values(), *marked.values())),
        kind=kind,
        pixelated=data is not None and are_small(data),
        sides=SIDES,
        min_group=MIN_GROUP,
        max_classes=MAX_CLASSES,
        max_groups=_MAX_GROUPS,
        data_map=drawn,
        data_map_data=drawn.data(pictures, _in_galleries(parts)),
        most_open=_MOST_OPEN,
    )


def _data_map(runs: Sequence[Run], epoch: int, parts: Sequence[RunPart]) -> DataMap:
    ranked = [part.suspects[0].ranked if part.suspects else None for part in parts]
    return data_map(runs, [part.name for part in parts], epoch, ranked, _in_galleries(parts))


def _in_galleries(parts: Sequence[RunPart]) -> set[int]:
    return {one.position for part in parts for gallery in part.galleries for one in gallery}


def _marked(parts: Sequence[RunPart], sure: Certain, changed: Changes | None) -> Iterator[Named]:
    yield from sure.named
    if changed is not None:
        yield from changed.named
    for part in parts:
        for of_split in part.suspects:
            yield from of_split.named


def _part(
    run: Run,
    index: int,
    epoch: int,
    comparison: Comparison | None,
    data: Dataset | None,
    num_runs: int,
) -> RunPart:
    key = f"run{index + 1}"
    votes = run.votes(epoch)
    fraction = _FRACTION if comparison is None else comparison.fraction
    accuracy = run_figures.accuracy_curves(run)
    levels = run_figures.easiness_levels(votes, len(run.classes), fraction)
    reliability = None if comparison is None else comparison.reliability[index]
    by_epoch = None if reliability is None else matching.curves_by_epoch(reliability)
    by_trials = None if reliability is None else matching.curves_by_trials(reliability)
    return RunPart(
        key=key,
        name=_name(run, index, comparison, num_runs),
        facts=run_facts(run, accuracy, epoch),
        command=measure_command(run, data),
        failures=run.failures(),
        num_trials=len(run.trials),
        accuracy=accuracy,
        accuracy_figure=to_svg(
            run_figures.draw_accuracy(accuracy, epoch),
            key=f"{key}-accuracy",
            label="Accuracy over epochs, a line per trial and their mean; the table below has the numbers.",
        ),
        levels=levels,
        levels_figure=to_svg(
            run_figures.draw_levels(levels),
            key=f"{key}-levels",
            label="Examples by the number of trials that are right; the table below has the numbers.",
        ),
        alike="" if data is None or data.kind != IMAGE else _alike(run, data, epoch, fraction),
        galleries=class_galleries(
            run, votes, _PER_SIDE_ALONE if num_runs == 1 else _PER_SIDE_COMPARED, MAX_CLASSES, fraction
        ),
        suspects=suspect_labels(run, epoch, *(_SUSPECTS_ALONE if num_runs == 1 else _SUSPECTS_COMPARED)),
        left_out=left_out(run, epoch),
        reliability=reliability,
        outlook=[] if reliability is None else reliability.outlook.sentences(),
        warnings=[] if reliability is None else reliability.outlook.warnings(),
        by_epoch_figure=_reliability_figure(by_epoch, f"{key}-by-epoch"),
        by_trials_figure=_reliability_figure(by_trials, f"{key}-by-trials"),
    )


def _name(run: Run, index: int, comparison: Comparison | None, num_runs: int) -> str:
    if num_runs == 1 and run.model != UNNAMED:
        return run.model
    if num_runs == 1 or comparison is None:
        return run.path.resolve().name or str(run.path)
    return comparison.names[index]


def _alike(run: Run, data: Dataset, epoch: int, fraction: float) -> str:
    """A sentence on how near easy and hard pictures are to each other; empty where that cannot be said."""
    at_most = _LOOKED_AT // len(run.classes)
    try:
        found = similarity(
            run,
            data,
            fraction=fraction,
            epoch=epoch,
            spaces=("pixel",),
            at_most=at_most,
            device="cpu",
            progress=False,
        )
    except BadInput:
        return ""
    return found.sentence()


def _reliability_figure(curves: matching.ReliabilityCurves | None, key: str) -> str | None:
    if curves is None:
        return None
    label = f"Matching rate between halves of the trials by {curves.x_name}; the table below has the numbers."
    return to_svg(matching.draw_reliability(curves), key=key, label=label)
