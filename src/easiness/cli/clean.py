"""``easiness clean``: from the suspects of a run to a file of labels."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from easiness import spec
from easiness.cli.written import FILES, write_output

if TYPE_CHECKING:
    from easiness.store import Run
    from easiness.studies.cleaning import Cleaned


def clean(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    relabel_above: Annotated[
        float,
        typer.Option(
            "--relabel-above",
            help="Give an example its suggested label where that is right with this probability at least.",
        ),
    ] = 0.9,
    drop_above: Annotated[
        float,
        typer.Option(
            "--drop-above",
            help="Else drop an example whose label is wrong with this probability at least.",
        ),
    ] = 0.5,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help=f"{FILES}; standard output otherwise. The CSV is a file for --labels."
        ),
    ] = None,
) -> None:
    """Write a file of labels: what to relabel, drop and keep.

    A summary goes to standard error. Edit the file as you like: its label or class, and its action,
    count. Every command that reads data takes it by --labels.
    """
    from easiness.report import check_output_file
    from easiness.show import rendered, sections_text
    from easiness.store import open_run
    from easiness.studies.cleaning import clean as found_by

    if output is not None:
        check_output_file(output)
    opened = open_run(run)
    found = found_by(opened, relabel_above=relabel_above, drop_above=drop_above)
    if output is None:
        sys.stdout.write(rendered(found, ".csv").decode())
    then = "" if output is None else _written(opened, found, output)
    typer.echo(f"{sections_text(found.sections())}\n", err=True)
    if not (found.relabelled.any() or found.dropped.any()):
        lists = spec.command_line("suspects", run)
        typer.echo(f"no label is that likely wrong; {lists} lists those to look at first", err=True)
    typer.echo(f"{found.text}{then}", err=True)


def _written(run: Run, found: Cleaned, output: Path) -> str:
    """Write the result; what to do with a file of labels then.

    A file of labels that somebody may have edited is kept under another name.
    """
    from easiness.report import write_file
    from easiness.show import rendered

    before = run.spec.data.labels
    labels = output.suffix == ".csv"
    if labels and output.is_file() and (old := output.read_bytes()) != rendered(found, ".csv"):
        kept = output.with_name(f"{output.name}~")
        write_file(kept, old)
        typer.echo(f"{output} had other labels, which are now in {kept}", err=True)
        if before is not None and output.absolute() == Path(before):
            before = str(kept)
    write_output(output, found)
    return f"; edit {output}, then {_verifying(run, output, before)}" if labels else ""


def _verifying(run: Run, labels: Path, before: str | None) -> str:
    """The command that verifies the labels on the examples that the run has, or what it lacks for that."""
    ref, measured = run.spec.data, run.spec.measured
    if ref.held_out is None and measured is not None:
        return "use it by --labels; to verify it, measure first with a part held out (--holdout 0.2)"
    given = ["--labels", labels, *([] if before is None else ["--before", before])]
    loading = replace(spec.loading_of(ref), labels=None)
    trained = [] if measured is None else [spec.training_of(measured)]
    words = (ref.source or "SOURCE", *given, loading, *trained, "--out", "DIR")
    return spec.command_line("verify", *words, always=("model", "epochs"))
