"""``easiness export`` and ``card``: a run in the format of another tool, and scores to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from easiness import exports, pages, runs, show, spec, store
from easiness.cli.kit import options, results, said
from easiness.cli.kit.spread import Fields, spread
from easiness.errors import BadInput
from easiness.regular_file import in_words
from easiness.spec import Loading

_READ = Fields(
    (
        *("data_root", "download", "allow_outside", "skip_unreadable", "columns"),
        *("text", "sound", "inputs", "without", "label", "id", "encoding"),
    ),
    help={"data_root": "Folder of a torchvision data set; this and the following with --apply."},
)


_To: TypeAlias = Annotated[
    str,
    typer.Option(
        "--to",
        help="hf (a folder for Hugging Face datasets), cleanlab (labels and pred_probs), fiftyone (its "
        "dataset as JSON), label-studio (tasks, and how they are shown), spotlight (a Parquet with the "
        "examples), torch (indices and sampling weights), csv or parquet (rows).",
    ),
]
_Above: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--above",
        help="For label-studio: labels that are wrong with this probability or more; 0.1 by default.",
    ),
]
_Only: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--only", help="For label-studio: only the examples of this file of labels, such as one of `audit`."
    ),
]
_Blind: TypeAlias = Annotated[
    bool, typer.Option("--blind", help="For label-studio: show neither labels nor suggestions.")
]
_DocumentRoot: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--document-root",
        help="For label-studio: the folder that it serves files from; without it, files are put into the "
        "tasks.",
    ),
]


def export(
    run: options.RunFolder,
    to: _To,
    output: Annotated[Path, typer.Option("-o", "--output", help="File or new folder to write.")],
    split: options.HeldOutToo = "train",
    epoch: options.ScoreEpoch = None,
    share: options.Share = None,
    source: options.Source = None,
    above: _Above = None,
    only: _Only = None,
    blind: _Blind = False,
    document_root: _DocumentRoot = None,
) -> None:
    """Write scores, suspects and the examples for another tool."""

    found = exports.export(
        store.open_run(run),
        to,
        output,
        epoch=epoch,
        share=share,
        source=source,
        split=split,
        above=above,
        only=only,
        blind=blind,
        document_root=document_root,
    )
    results.say_written(found.path)
    said.say(f"{found.path}: {found.then}")
    for note in found.notes:
        said.say(f"note: {note}", err=True)


@spread
def card(
    run_or_source: Annotated[
        str, typer.Argument(help="Folder of a run to publish; with --apply, the data to score.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="New folder; with --apply, FILE.csv or FILE.parquet, and standard output otherwise.",
        ),
    ] = None,
    apply: Annotated[
        Path | None, typer.Option("--apply", help="A card: find its scores for the examples of SOURCE.")
    ] = None,
    epoch: options.ScoreEpoch = None,
    share: options.Share = None,
    source: Annotated[
        str | None,
        typer.Option("--source", help="Where the data are now, if not where the run found them."),
    ] = None,
    loading: Annotated[Loading, _READ] = Loading(),
) -> None:
    """Publish scores, or find published ones for a copy of the data.

    Examples are recognized by their decoded values, in any order, format and split.
    """

    if apply is not None:
        if any(given is not None for given in (epoch, share, source)):
            raise BadInput(
                "--apply: takes the scores that are in the card; leave out --epoch, --share and --source"
            )
        _apply(apply, run_or_source, loading, output)
        return
    if loading != Loading():
        raise BadInput(
            "options of how to read SOURCE: are for --apply; of a run, --source says where its data are"
        )
    if output is None:
        raise BadInput("-o: a card is a folder; give a new one, such as -o card")

    with runs.passes_shown(True):
        made = exports.card(store.open_run(run_or_source), output, epoch=epoch, share=share, source=source)
    then = "apply it with" if made.document.has_digests else f"join {exports.SCORES} by id"
    held_out = made.document.held_out
    also = "" if held_out is None else f" and {held_out.num_examples:,} held out"
    results.say_written(made.path)
    said.say(f"{made.path}: {made.document.num_examples:,} examples{also}; {then}")
    if made.document.has_digests:
        said.say(spec.command_line("card", "--apply", made.path, "SOURCE", "-o", "scores.csv"))
    if made.note is not None:
        said.say(f"note: {made.note}", err=True)


def _apply(card: Path, source: str, loading: Loading, output: Path | None) -> None:

    if output is not None:
        pages.check_output_file(output, (".csv", ".parquet"))
    found = exports.apply_card(card, runs.given_data(source, loading))
    if output is None:
        said.print_rows(found.table)
        said.say(found.text, err=True)
        return
    with pages.output_file(output) as file:
        if output.suffix == ".csv":
            show.write_csv(found.table, file)
        else:
            show.write_parquet(found.table, file, result=repr(found), card=in_words(card))
    results.say_written(output)
    said.say(f"{output}: {found.text}")
