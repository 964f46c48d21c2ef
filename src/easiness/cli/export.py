"""``easiness report``, ``export`` and ``card``: a page, a run for another tool, and scores to publish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from easiness import exports, pages, runs, show, spec, store
from easiness.engine import (
    At,
    Data,
    Verb,
    check_output_file,
    output_file,
    print_rows,
    say,
    say_written,
)
from easiness.errors import BadInput
from easiness.paper import reproduction
from easiness.regular_file import in_words
from easiness.runs import passes_shown
from easiness.spec import TABLE_OPTIONS, Fields, Loading, Option


def _export(asked: exports.Exporting) -> None:
    found = exports.export(asked)
    say_written(found.path)
    say(f"{found.path}: {found.then}")
    for note in found.notes:
        say(f"note: {note}", err=True)


EXPORT = Verb(
    "export",
    "Share",
    "Write scores, suspects and the examples for another tool.",
    exports.Exporting,
    exports.export,
    _export,
)


@dataclass(frozen=True)
class CardOptions:
    """Options of `card`."""

    run: Annotated[
        Any,
        Option("", "Folder of a run to publish; with --apply, the data to score.", argument=True, typed=str),
    ]
    output: Annotated[
        Path | None,
        Option(
            "-o",
            "New folder; with --apply, FILE.csv or FILE.parquet, and standard output otherwise.",
            also=("--output",),
            placed=True,
        ),
    ] = None
    apply: Annotated[
        Path | None, Option("--apply", "A card: find its scores for the examples of SOURCE.")
    ] = None
    at: At = None
    data: Data = None
    loading: Annotated[
        Loading,
        Fields(
            ("data_root", "download", "allow_outside", "skip_unreadable", "columns", *TABLE_OPTIONS),
            help={"data_root": "Folder of a torchvision data set; this and the following with --apply."},
        ),
    ] = Loading()


def card(asked: CardOptions) -> exports.Card | exports.Applied:
    if asked.apply is not None:
        if asked.at is not None or asked.data is not None:
            raise BadInput("--apply: takes the scores that are in the card; leave out --at and --data")
        if asked.output is not None:
            check_output_file(asked.output, (".csv", ".parquet"))
        return exports.apply_card(asked.apply, runs.given_data(asked.run, asked.loading))
    if asked.loading != Loading():
        raise BadInput(
            "options of how to read SOURCE: are for --apply; of a run, --data says where its data are"
        )
    if asked.output is None:
        raise BadInput("-o: a card is a folder; give a new one, such as -o card")
    run = asked.run if isinstance(asked.run, store.Run) else store.open_run(asked.run)
    return exports.write_card(run, asked.output, asked.at, asked.data)


def _card(asked: CardOptions) -> None:
    with runs.passes_shown(True):
        made = card(asked)
    if isinstance(made, exports.Applied):
        _write_applied(made, asked)
        return
    then = "apply it with" if made.document.has_digests else f"join {exports.SCORES} by id"
    held_out = made.document.held_out
    also = "" if held_out is None else f" and {held_out.num_examples:,} held out"
    say_written(made.path)
    say(f"{made.path}: {made.document.num_examples:,} examples{also}; {then}")
    if made.document.has_digests:
        say(spec.command_line("card", "--apply", made.path, "SOURCE", "-o", "scores.csv"))
    if made.note is not None:
        say(f"note: {made.note}", err=True)


def _write_applied(scores: exports.Applied, asked: CardOptions) -> None:
    output = asked.output
    if output is None:
        print_rows(scores.table)
        say(scores.text, err=True)
        return
    with output_file(output) as file:
        if output.suffix == ".csv":
            show.write_csv(scores.table, file)
        else:
            show.write_parquet(scores.table, file, result=repr(scores), card=in_words(asked.apply))
    say_written(output)
    say(f"{output}: {scores.text}")


CARD = Verb(
    "card",
    "Share",
    "Publish scores, or find published ones for a copy of the data.",
    CardOptions,
    card,
    _card,
    about="Examples are recognized by their decoded values, in any order, format and split.",
)


def report(asked: pages.ReportOptions) -> Path:
    pages.write_report(asked)
    return asked.output


def _report(asked: pages.ReportOptions) -> None:
    if len(asked.runs) > 1 or not reproduction.is_study(asked.runs[0]):
        asked = replace(asked, runs=[store.open_run(one) for one in asked.runs])
    with passes_shown(True):
        note = pages.write_report(asked)
    if note:
        say(f"note: {note}", err=True)
    say_written(asked.output)
    say(str(asked.output))


REPORT = Verb(
    "report",
    "Look",
    "Write a page that shows what was measured.",
    pages.ReportOptions,
    report,
    _report,
    about=(
        "It has accuracy, galleries and matching tables, the labels to look at, and from two trials on what "
        "can be left out. It is one file that needs no network. The last line printed is its path."
    ),
)
