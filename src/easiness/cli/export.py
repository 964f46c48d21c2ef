"""``easiness report``, ``export`` and ``card``: a page, a run for another tool, and scores to publish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from easiness import engine, exports, pages, runs, show, spec, store
from easiness.errors import BadInput
from easiness.paper import reproduction
from easiness.regular_file import in_words
from easiness.runs import passes_shown
from easiness.spec import TABLE_OPTIONS, Fields, Loading, Option, setting


def _export(options: exports.ExportOptions) -> None:
    result = exports.export(options)
    engine.say_written(result.path)
    engine.say(f"{result.path}: {result.then}")
    for note in result.notes:
        engine.say(f"note: {note}", err=True)


EXPORT = engine.Verb(
    *engine.heading("export"),
    exports.ExportOptions,
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
    output: Path | None = setting(
        "-o",
        "New folder; with --apply, FILE.csv or FILE.parquet, and standard output otherwise.",
        also=("--output",),
        placed=True,
    )
    apply: Path | None = setting("--apply", "A card: find its scores for the examples of SOURCE.")
    certificate: Path | None = setting(
        "--certificate",
        "Of the labels of the run, as `audit --certificate -o FILE.json` writes it, to carry.",
    )
    at: engine.At = None
    data: engine.Data = None
    loading: Annotated[
        Loading,
        Fields(
            ("data_root", "download", "allow_outside", "skip_unreadable", "columns", *TABLE_OPTIONS, "tags"),
            help={"data_root": "Folder of a torchvision data set; this and the following with --apply."},
        ),
    ] = Loading()


def card(options: CardOptions) -> exports.Card | exports.CopyScores:
    if options.apply is not None:
        if any(one is not None for one in (options.at, options.data, options.certificate)):
            remedy = "leave out --at and --data, and --certificate"
            raise BadInput(f"--apply: takes the scores that are in the card; {remedy}")
        if options.output is not None:
            engine.check_output_file(options.output, (".csv", ".parquet"))
        return exports.apply_card(options.apply, runs.given_data(options.run, options.loading))
    if options.loading != Loading():
        raise BadInput(
            "options of how to read SOURCE: are for --apply; of a run, --data says where its data are"
        )
    if options.output is None:
        raise BadInput("-o: a card is a folder; give a new one, such as -o card")
    run = options.run if isinstance(options.run, store.Run) else store.open_run(options.run)
    return exports.write_card(run, options.output, options.at, options.data, options.certificate)


def _card(options: CardOptions) -> None:
    with runs.passes_shown(True):
        result = card(options)
    if isinstance(result, exports.CopyScores):
        _write_applied(result, options)
        return
    then = "apply it with" if result.document.has_digests else f"join {exports.SCORES} by id"
    held_out = result.document.held_out
    also = "" if held_out is None else f" and {held_out.num_recorded:,} held out"
    engine.say_written(result.path)
    engine.say(f"{result.path}: {result.document.num_examples:,} {result.document.nouns}{also}; {then}")
    if result.document.has_digests:
        tags = ["--tags"] if result.document.tag_names else []
        engine.say(spec.command_line("card", "--apply", result.path, "SOURCE", *tags, "-o", "scores.csv"))
    if result.note is not None:
        engine.say(f"note: {result.note}", err=True)


def _write_applied(scores: exports.CopyScores, options: CardOptions) -> None:
    output = options.output
    if output is None:
        engine.print_rows(scores.table)
        engine.say(scores.text, err=True)
        return
    with engine.output_file(output) as file:
        if output.suffix == ".csv":
            show.write_csv(scores.table, file)
        else:
            show.write_parquet(scores.table, file, result=repr(scores), card=in_words(options.apply))
    engine.say_written(output)
    engine.say(f"{output}: {scores.text}")


CARD = engine.Verb(
    *engine.heading("card"),
    CardOptions,
    card,
    _card,
    about="Examples are recognized by their decoded values, in any order, format and split.",
)


def report(options: pages.ReportOptions) -> Path:
    pages.write_report(options)
    return options.output


def _report(options: pages.ReportOptions) -> None:
    if len(options.runs) > 1 or not reproduction.is_study(options.runs[0]):
        folders = [folder for one in options.runs for folder in store.runs_in(one, several=True)]
        options = replace(options, runs=[store.open_run(one) for one in folders])
    with passes_shown(True):
        pages.write_report(options)
    engine.say_written(options.output)
    engine.say(str(options.output))


REPORT = engine.Verb(
    *engine.heading("report"),
    pages.ReportOptions,
    report,
    _report,
    about=(
        "It has accuracy, galleries and matching tables, the labels to look at, and from two trials on what "
        "can be left out; of outcomes (`record`) the items by how hard they are, and by models. It is one "
        "file that needs no network. The last line printed is its path."
    ),
)
