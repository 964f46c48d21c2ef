"""The report: one page about a run, or about several over the same data, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from easiness.analysis import MIN_GROUP, SIDES, num_selected, usual_fraction
from easiness.engine import (
    At,
    Data,
    Study,
    answer,
    asked_of,
    check_output_file,
    find_study,
    made,
    registered,
    write_page,
)
from easiness.errors import BadInput
from easiness.inputs import kind_named, tell
from easiness.pages.data_map import data_map
from easiness.pages.deciding import PIXELS, SUSPECTS, ToDecide, deciding, listed
from easiness.pages.examples import FoundExamples, Named, are_small, found_examples, found_within
from easiness.pages.facts import FOR_FEATURES, data_name, describe_data
from easiness.pages.labels import certain
from easiness.pages.run_part import MAX_CLASSES, run_part
from easiness.pages.template import Page, render_page
from easiness.paper import reproduction as paper
from easiness.runs import data_of, find_data
from easiness.show import to_svg
from easiness.spec import Option
from easiness.store import Run, check_opened
from easiness.studies import matching
from easiness.studies.matching import Compared, Comparison
from easiness.studies.suspects import ABOVE
from easiness.studies.versions import Matching, Versions, diff

_SHOWN = 6  # of those that became harder, and of those that became easier


def registered_parts(run: Run) -> Iterator[dict[str, Any]]:
    """The parts of registered studies that are shown on pages, each asked with its defaults."""
    for listed_study in registered():
        study = find_study(listed_study)
        if not isinstance(study, Study) or not study.on_page:
            continue
        asked = [one for one in asked_of(study.asks) if one.option.opens]
        given = {one.name: (run,) if one.option.several else run for one in asked}
        part = {"title": study.name, "notices": (), "figure": "", "sections": ()}
        try:
            found = answer(study, made(study.asks, given))
        except BadInput as error:
            yield {**part, "headline": str(error)}
            continue
        label = f"{study.name}: the tables below have the numbers."
        figure = to_svg(found.figure(), key=f"study-{study.name}", label=label)
        shown = {"notices": found.notices, "figure": figure, "sections": found.sections()}
        yield {**part, "headline": found.headline, **shown}


def changes(
    runs: Sequence[Run], since: Run | None, by: Matching, old_data: Any, at: dict[str, Any], source: Any
) -> dict[str, Any] | None:
    """Compare the one run of the page with the run ``since``; ``None`` without such a run.

    ``at`` is where to read both, as an argument, and ``source`` where the data of the run are now. ``parts``
    are "harder" or "easier", how many became so, and the surest of them.
    """
    if since is None:
        if by != "ids":
            raise BadInput(f"--by {by}: is how to find examples in the run before; name it with --since")
        if old_data is not None:
            raise BadInput("--old-data: is where the data of the run before are; name it with --since")
        return None
    if len(runs) != 1:
        raise BadInput(f"--since {since.path}: is compared with one run; give one instead of {len(runs)}")
    if by == "pixels":
        source = data_of(runs[0], source)
    found = diff(Versions(since, runs[0], by, **at, old_data=old_data, new_data=source))
    label = "Confidence of each example after the change against before; the table below has the counts."
    own = {str(one): one for one in runs[0].ids.tolist()}  # the table may have them as text
    parts = []
    for kind in ("harder", "easier"):
        rows = found.examples[found.examples["change"] == kind]
        shown = rows.head(_SHOWN).to_dict("records")
        if shown:
            named = [{**one, "named": ("train", own[str(one["id"])])} for one in shown]
            parts.append((kind, len(rows), named))
    return {
        "text": found.text,
        "classes": found.sections()[0],
        "figure": to_svg(found.figure(), key="changes", label=label),
        "parts": parts,
    }


def blind_page(run: Run, epoch: int, source: Any, asked: ToDecide) -> Page:
    """The page, of a run read after ``epoch``; its data are looked for at the ``source``."""
    data, why = find_data(run, source)
    view = deciding(run, epoch, listed(run, (), asked), certain(run, data).conflicts, data, asked)
    assert view is not None
    found = FoundExamples(why_none=why)
    if data is not None:
        found = found_within(run, data, (), view, asked.pixels)
    pixelated = data is not None and are_small(data)
    return render_page(
        "blind.html",
        found.fewer_pixels,
        data_name=data_name(run),
        name=run.network,
        kind=kind_named(run.spec.data.kind) if data is None else data.kind,
        examples=found,
        deciding=view,
        deciding_data=view.data(found, pixelated),
    )


_MOST_RUNS = 8  # that have parts of their own, and whose agreement is fitted pair by pair
_FIRST_SUSPECTS = ToDecide()


@dataclass(frozen=True)
class Reported:
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
    at: At = None
    data: Data = None
    since: Annotated[
        Run | None,
        Option("--since", "A run on the data before: show what changed, as `diff` does.", opens=True),
    ] = None
    by: Annotated[
        Matching,
        Option("--by", "What makes an example the same as in --since: its id, or its values (pixels)."),
    ] = "ids"
    old_data: Annotated[
        Any,
        Option("--old-data", "Where the data of --since are now; for --by pixels.", typed=str | None),
    ] = None
    suspects: Annotated[
        int,
        Option("--suspects", "How many labels of each split can be decided on in the page.", least=0),
    ] = SUSPECTS
    decide: Annotated[
        Path | None,
        Option(
            "--decide",
            "File of labels to decide on in the page, from `audit`, `labels` or people: those of its rows, "
            "in its order.",
        ),
    ] = None
    blind: Annotated[
        bool | None,
        Option(
            "--blind/--no-blind",
            "With --decide: hide what the networks say of the labels. By default of an audit alone.",
        ),
    ] = None
    pixels: Annotated[
        int,
        Option(
            "--pixels",
            "Longer side of a photo to decide on, 32 to 4,096 at most; fewer where the page would pass "
            "25 MB.",
        ),
    ] = PIXELS


def write_report(asked: Reported) -> str:
    """Write a page of HTML that loads nothing from the network: styles, figures and pictures are in it.

    It is written whole or not at all. Returns a sentence where its photos have fewer pixels than asked for;
    else nothing.
    """
    runs = asked.runs if isinstance(asked.runs, list | tuple) else [asked.runs]
    check_output_file(asked.output, (".html",))
    if len(runs) == 1 and not isinstance(runs[0], Run) and paper.is_study(Path(runs[0])):
        if asked.since is not None or asked.by != "ids" or asked.old_data is not None:
            raise BadInput(
                f"{runs[0]}: is a study, and --since, --by and --old-data compare a run; give a run of it"
            )
        write_page(asked.output, partial(paper.study_page, Path(runs[0])))
        return ""
    check_opened(runs=runs)
    page = partial(
        render_report,
        runs,
        at=asked.at,
        source=asked.data,
        since=asked.since,
        by=asked.by,
        old_data=asked.old_data,
        to_decide=ToDecide(asked.suspects, asked.decide, asked.blind, asked.pixels, asked.output),
    )
    return write_page(asked.output, page).note


def render_report(
    runs: Sequence[Run],
    *,
    at: float | None = None,
    source: Any = None,
    comparison: Comparison | None = None,
    since: Run | None = None,
    by: Matching = "ids",
    old_data: Any = None,
    to_decide: ToDecide = _FIRST_SUSPECTS,
) -> Page:
    """The page of `write_report`, as a text. The same runs give the same."""
    if not runs:
        raise BadInput("runs: none was given; name at least one")
    matching.check_comparable(runs)
    rows = matching.rows_of(runs, at) if comparison is None else [row.number for row in comparison.rows]
    if to_decide.file is not None and len(runs) != 1:
        raise BadInput(f"--decide {to_decide.file}: is decided on in the page of one run; give one")
    if to_decide.is_blind:
        return blind_page(runs[0], rows[0], source, to_decide)
    changed = changes(runs, since, by, old_data, runs[0].argument(rows[0]), source)
    data, why = find_data(runs[0], source)
    not_compared, usual = "", usual_fraction(len(runs[0].ids))
    if comparison is None:
        rates_alone = len(runs) > _MOST_RUNS
        try:
            asked = Compared(tuple(runs), at, usual, ("refine",) if rates_alone else ("expected", "refine"))
            comparison = matching.compare(asked, rates_alone=rates_alone)
        except BadInput as error:
            not_compared = str(error)
    fraction = usual if comparison is None else comparison.fraction
    num_runs, runs, rows = len(runs), runs[:_MOST_RUNS], rows[:_MOST_RUNS]
    tables = [run.scores(**run.argument(row)) for run, row in zip(runs, rows, strict=True)]
    parts = []
    for index, run in enumerate(runs):
        parts.append(run_part(run, index, rows[index], tables[index], comparison, data, len(runs), fraction))
        tell("judging examples and labels", len(parts), len(runs))
    sure = certain(runs[0], data)
    ranked = [part["suspects"][0].found.ranked if part["suspects"] else None for part in parts]
    galleries = [gallery for part in parts for gallery in part["galleries"]]
    sides = ("hardest", "easiest")
    positions = [one["position"] for side in sides for gallery in galleries for one in gallery[side]]
    drawn = data_map(runs, [part["name"] for part in parts], rows, tables, ranked, positions)
    lists = listed(runs[0], parts[0]["suspects"], to_decide, sure.flaws) if len(runs) == 1 else []
    view = deciding(runs[0], rows[0], lists, sure.conflicts, data, to_decide)
    found, suspected = FoundExamples(why_none=why), [one for part in parts for one in part["suspects"]]
    marked = [*(named for of_split in suspected for named in of_split.named), *sure.named]
    on_page: set[Named] = {("train", one) for one in runs[0].ids[positions].tolist()}
    on_page |= {one for one in marked if one[0] == "train"}
    if data is not None:
        try:
            named = list(marked)
            for _, _, shown in () if changed is None else changed["parts"]:
                named += [one["named"] for one in shown]
            found = found_examples(runs[0], data, named, positions, drawn, view, to_decide.pixels)
        except BadInput as error:
            if source is not None:
                raise
            found = FoundExamples(why_none=str(error))
    # a run that was recorded does not know of what kind its examples are
    kind = kind_named(runs[0].spec.data.kind) if data is None else data.kind
    pixelated = data is not None and are_small(data)
    return render_page(
        "page.html",
        found.fewer_pixels,
        isnan=np.isnan,
        data_name=data_name(runs[0]),
        data_text=describe_data(runs[0]),
        classes=runs[0].classes,
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
        changes=changed,
        registered=list(registered_parts(runs[0])) if len(parts) == 1 else [],
        certain=sure,
        above=ABOVE,
        examples=found,
        nouns="examples" if data is None and runs[0].spec.measured is None else kind.nouns,
        kind=kind,
        pixelated=pixelated,
        sides=SIDES,
        min_group=MIN_GROUP,
        max_classes=MAX_CLASSES,
        data_map=drawn,
        data_map_data=drawn.data(found.at, set(positions), found.texts),
        deciding=view,
        deciding_data=None if view is None else view.data(found, pixelated, on_page),
    )
