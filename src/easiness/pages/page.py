"""The report: one page about a run, or about several over the same data, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from easiness import engine
from easiness.analysis import MIN_GROUP, SIDES, Ties, num_selected, usual_fraction
from easiness.data import Dataset, read_label_file
from easiness.errors import BadInput
from easiness.inputs import kind_named, tell
from easiness.pages.data_map import Name, data_map
from easiness.pages.deciding import OF_AUDIT, deciding, decision_lists
from easiness.pages.examples import FoundExamples, are_small, found_examples, found_within
from easiness.pages.facts import FOR_FEATURES, data_name, describe_data
from easiness.pages.labels import MOST_PHOTOS, certain
from easiness.pages.outcomes import outcomes_page
from easiness.pages.paper_page import Gallery, slice_examples, slice_galleries, slice_names
from easiness.pages.questions import tags_beside
from easiness.pages.run_part import MAX_CLASSES, run_part
from easiness.pages.template import render_page
from easiness.paper import reproduction as paper
from easiness.runs import data_of, find_data
from easiness.show import Result, to_svg
from easiness.spec import Option, read_names, setting
from easiness.store import Run, check_opened
from easiness.studies import matching
from easiness.studies.explain import EXPLAIN, Explanation
from easiness.studies.matching import CompareOptions
from easiness.studies.patterns import ExplainOptions
from easiness.studies.suspects import ABOVE
from easiness.studies.versions import Matching, Versions, diff

_HARD, _MOST_SLICES = "What hardness goes along with", 6  # whose examples are shown
_MOST_CHANGES = 6  # of those that became harder, and of those that became easier


_NOTHING = {"notices": (), "figure": "", "galleries": (), "sections": ()}


def _study_part(title: str, result: Result, galleries: Sequence[Gallery] = ()) -> dict[str, Any]:
    label = f"{title}: the tables below have the numbers."
    part = {one: getattr(result, one) for one in ("headline", "notices")}
    part |= {"figure": to_svg(result.figure(), key=f"study-{title}", label=label)}
    return part | {"title": title, "galleries": galleries, "sections": result.sections()}


def registered_parts(run: Run) -> Iterator[dict[str, Any]]:
    """The parts of registered studies that are shown on pages, each asked with its defaults."""
    for listed_study in engine.registered_commands():
        study = engine.find_study(listed_study)
        if not isinstance(study, engine.Study) or not study.on_page:
            continue
        fields = [one for one in engine.arguments_of(study.asks) if one.option.opens]
        runs = {one.name: (run,) if one.option.several else run for one in fields}
        try:
            yield _study_part(study.name, engine.answer(study, engine.make_value(study.asks, runs)))
        except BadInput as error:
            yield {**_NOTHING, "title": study.name, "headline": str(error)}


def changes(options: ReportOptions, run: Run, epoch: int) -> dict[str, Any] | None:
    """Compare the one run of the page with the run ``--since``; ``None`` without such a run.

    ``parts`` are "harder" or "easier", how many became so, and the surest of them.
    """
    if options.since is None:
        return None
    source = data_of(run, options.data) if options.by == "pixels" else options.data
    at, sources = run.argument(epoch), {"old_data": options.old_data, "new_data": source}
    difference = diff(Versions(options.since, run, options.by, **at, **sources))
    label = "Confidence of each example after the change against before; the table below has the counts."
    own = {str(one): one for one in run.ids.tolist()}  # the table may have them as text
    parts = []
    for kind in ("harder", "easier"):
        rows = difference.examples[difference.examples["change"] == kind]
        first = rows.head(_MOST_CHANGES).to_dict("records")
        if first:
            examples = [{**one, "name": ("train", own[str(one["id"])])} for one in first]
            parts.append((kind, len(rows), examples))
    return {
        "text": difference.text,
        "classes": difference.sections()[0],
        "figure": to_svg(difference.figure(), key="changes", label=label),
        "parts": parts,
    }


def explanation(options: ReportOptions, run: Run, data: Dataset | None) -> Explanation | None:
    """Explain hardness of a run; of few examples by what is measured where nothing is asked for."""
    request = ExplainOptions(run, options.explain, options.metadata, at=options.at, data=data or options.data)
    hardness: Explanation | None = None
    if options.explain or options.metadata:
        hardness = engine.answer(EXPLAIN, request)
    elif data is not None and len(data) <= MOST_PHOTOS:
        with suppress(BadInput):
            hardness = engine.answer(EXPLAIN, request)
    return hardness


def _of_slices(hardness: Explanation, examples: FoundExamples | None = None) -> dict[str, Any]:
    """The part of the page that shows slices, each with these examples of it, or all that are there."""
    rows = hardness.named_rows[:_MOST_SLICES]
    examples = examples or slice_examples(hardness, rows)
    return _study_part(_HARD, hardness, [*slice_galleries(hardness, rows, examples)])


def blind_page(run: Run, epoch: int, options: ReportOptions) -> str:
    """The page, of a run read after ``epoch``, that hides what networks say of the labels."""
    data, why = find_data(run, options.data)
    lists = decision_lists(run, (), options)
    view = deciding(run, epoch, lists, certain(run, data).conflicts, data, options)
    assert view is not None
    examples = FoundExamples(why_none=why)
    if data is not None:
        examples = found_within(run, data, (), view, options.pixels)
    return render_page(
        "blind.html",
        data_name=data_name(run),
        name=run.network,
        kind=kind_named(run.spec.data.kind) if data is None else data.kind,
        examples=examples,
        tags=tags_beside(run),
        deciding=view,
        deciding_data=view.data(examples, data is not None and are_small(data)),
    )


_MOST_RUNS = 8  # that have parts of their own, and whose agreement is fitted pair by pair


@dataclass(frozen=True)
class ReportOptions:
    """Options of `report`."""

    runs: Annotated[
        Any,
        Option(
            "",
            "Runs over the same data, or the folder of one study (`paper all`).",
            argument=True,
            typed=list[Path],
        ),
    ]
    output: Annotated[Path, Option("-o", "FILE.html to write.", also=("--output",), placed=True)] = Path(
        "report.html"
    )
    at: engine.At = None
    data: engine.Data = None
    since: Run | None = setting(
        "--since", "A run on the data before: show what changed, as `diff` does.", opens=True
    )
    by: Matching = setting(
        "--by",
        "The identity of an example, now and in --since: its id, or its values (pixels).",
        default="ids",
    )
    old_data: Any = setting(
        "--old-data", "Where the data of --since are now; for --by pixels.", typed=str | None
    )
    suspects: int = setting(
        "--suspects", "How many labels of each split can be decided on in the page.", least=0, default=1000
    )
    decide: Path | None = setting(
        "--decide",
        "File of labels to decide on in the page, from `audit`, `labels` or people: those of its rows, "
        "in its order.",
    )
    blind: bool | None = setting(
        "--blind/--no-blind",
        "With --decide: hide what the networks say of the labels, and what people said. By default of an "
        "audit alone, and there only what the networks say.",
    )
    explain: Sequence[str] | None = setting(
        "--explain",
        "Columns that may explain what is hard, as `explain --by`, also seen on the map. By default of a "
        "small run what is measured.",
        metavar="auto|A,B,...",
        read=read_names,
    )
    metadata: Path | None = setting("--metadata", "A table of id and such columns.", metavar="FILE")
    pixels: int = setting(
        "--pixels",
        "Longer side of a photo to decide on, 32 to 4,096 at most; fewer where the page would pass 25 MB.",
        within="[32, 4096]",
        default=640,
    )

    @cached_property
    def is_blind(self) -> bool:
        """Is nothing said of what networks make of the labels?"""
        if self.blind is not None or self.decide is None or self.decide.suffix.lower() == ".json":
            return bool(self.blind)
        return read_label_file(self.decide).columns >= OF_AUDIT

    @property
    def file_name(self) -> str:
        """Name of the saved file: that of the file the page was made from."""
        return "labels.csv" if self.decide is None else self.decide.name


def write_report(options: ReportOptions) -> None:
    """Write a page of HTML that loads nothing from the network: styles, figures and pictures are in it."""
    engine.check_output_file(options.output, (".html",))
    runs = options.runs if isinstance(options.runs, list | tuple) else [options.runs]
    if len(runs) == 1 and not isinstance(runs[0], Run) and paper.is_study(Path(runs[0])):
        if options.since is not None or options.by != "ids" or options.old_data is not None:
            raise BadInput(
                f"{runs[0]}: is a study, and --since, --by and --old-data compare a run; give a run of it"
            )
        engine.write_page(options.output, partial(paper.study_page, Path(runs[0])))
    else:
        engine.write_page(options.output, partial(render_report, options))


def _check(options: ReportOptions, runs: Sequence[Run]) -> None:
    if not runs:
        raise BadInput("runs: none was given; name at least one")
    matching.check_comparable(runs)
    if options.decide is not None and len(runs) != 1:
        raise BadInput(f"--decide {options.decide}: is decided on in the page of one run; give one")
    if options.blind and options.decide is None:
        raise BadInput(
            "--blind: hides what is suggested of the examples of a file; name the file with --decide"
        )
    if options.since is None and options.by != "ids":
        raise BadInput(f"--by {options.by}: is how to find examples in the run before; name it with --since")
    if options.since is None and options.old_data is not None:
        raise BadInput("--old-data: is where the data of the run before are; name it with --since")
    if options.since is not None and len(runs) != 1:
        raise BadInput(
            f"--since {options.since.path}: is compared with one run; give one instead of {len(runs)}"
        )


def render_report(options: ReportOptions) -> str:
    """The page of `write_report`, as a text. The same runs give the same."""
    runs: Sequence[Run] = options.runs if isinstance(options.runs, list | tuple) else [options.runs]
    check_opened(runs=runs)
    if len(runs) != 1 and (options.explain or options.metadata):
        raise BadInput(f"--explain, --metadata: are of the page of one run; give one instead of {len(runs)}")
    if engine.are_outcomes(runs):
        for one in engine.arguments_of(ReportOptions):
            is_known = one.name in ("runs", "output", "explain", "metadata")
            if not is_known and getattr(options, one.name) != one.default:
                raise BadInput(f"outcomes: {one.option.flag} is of runs of `measure`; leave it out")
        hardness = explanation(options, runs[0], None)
        return outcomes_page(runs, [] if hardness is None else [_of_slices(hardness)])
    _check(options, runs)
    rows = matching.rows_of(runs, options.at)
    if options.is_blind:
        return blind_page(runs[0], rows[0], options)
    comparison_before = changes(options, runs[0], rows[0])
    data, why = find_data(runs[0], options.data)
    fraction, comparison, not_compared = usual_fraction(len(runs[0].ids)), None, ""
    rates_alone = len(runs) > _MOST_RUNS
    ties: tuple[Ties, ...] = ("refine",) if rates_alone else ("expected", "refine")
    try:
        comparison_options = CompareOptions(tuple(runs), options.at, fraction, ties)
        comparison = matching.compare(comparison_options, rates_alone=rates_alone)
    except BadInput as error:
        not_compared = str(error)
    num_runs, runs, rows = len(runs), runs[:_MOST_RUNS], rows[:_MOST_RUNS]
    tables = [run.scores(**run.argument(row), fraction=fraction) for run, row in zip(runs, rows, strict=True)]
    parts = []
    for index, run in enumerate(runs):
        parts.append(run_part(run, index, rows[index], tables[index], comparison, data, len(runs), fraction))
        tell("judging examples and labels", len(parts), len(runs))
    sure = certain(runs[0], data)
    suspicions = [part["suspects"][0].result.ranked if part["suspects"] else None for part in parts]
    galleries = [gallery for part in parts for gallery in part["galleries"]]
    exhibits = [one for side in ("hardest", "easiest") for gallery in galleries for one in gallery[side]]
    positions = [one["position"] for one in exhibits]
    hardness = explanation(options, runs[0], data) if num_runs == 1 else None
    columns = {} if hardness is None else hardness.columns
    map_view = data_map(runs, [part["name"] for part in parts], rows, tables, suspicions, positions, columns)
    lists = decision_lists(runs[0], parts[0]["suspects"], options, sure.flaws) if len(runs) == 1 else []
    view = deciding(runs[0], rows[0], lists, sure.conflicts, data, options)
    examples, suspects = FoundExamples(why_none=why), [one for part in parts for one in part["suspects"]]
    names = [*(name for of_split in suspects for name in of_split.names), *sure.names]
    on_page: set[Name] = {name for name in names if name[0] == "train"} | {one["name"] for one in exhibits}
    if data is not None:
        for _, _, records in () if comparison_before is None else comparison_before["parts"]:
            names += [one["name"] for one in records]
        names += [one["name"] for one in exhibits]
        names += [] if hardness is None else slice_names(hardness, hardness.named_rows[:_MOST_SLICES])
        try:
            examples = found_examples(runs[0], data, names, map_view, view, options.pixels)
        except BadInput as error:
            if options.data is not None:
                raise
            examples = FoundExamples(why_none=str(error))
    studies = list(registered_parts(runs[0])) if len(parts) == 1 else []
    if hardness is not None:
        studies = [_of_slices(hardness, examples), *studies]
    # a run that was recorded does not know of what kind its examples are
    kind = kind_named(runs[0].spec.data.kind) if data is None else data.kind
    is_pixelated = data is not None and are_small(data)
    return render_page(
        "page.html",
        isnan=np.isnan,
        data_name=data_name(runs[0]),
        data_text=describe_data(runs[0]),
        classes=runs[0].stratum_names,
        chance=runs[0].chance,
        tags=tags_beside(runs[0]),
        unit="example" if runs[0].tags is None else "question",
        num_examples=len(runs[0].ids),
        num_selected=num_selected(len(runs[0].ids), fraction),
        fraction=fraction,
        runs=parts,
        num_runs=num_runs,
        when=" and ".join(dict.fromkeys(part["row"].at for part in parts)),
        for_features=FOR_FEATURES,
        all_heads=all(run.shares for run in runs),
        alone=len(parts) == 1,
        comparison=comparison,
        not_compared=not_compared,
        answers=[] if comparison is None else comparison.pair_answers(),
        changes=comparison_before,
        registered=studies,
        certain=sure,
        above=ABOVE,
        examples=examples,
        nouns="examples" if data is None and runs[0].spec.measured is None else kind.nouns,
        kind=kind,
        is_pixelated=is_pixelated,
        sides=SIDES,
        min_group=MIN_GROUP,
        max_classes=MAX_CLASSES,
        data_map=map_view,
        data_map_data=map_view.data(examples.by_name, on_page, examples.texts),
        deciding=view,
        deciding_data=None if view is None else view.data(examples, is_pixelated, on_page),
    )
