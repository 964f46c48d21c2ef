"""``easiness compare``: Table 1 for any runs over the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from easiness import runs as runs_kit, store
from easiness.cli.kit import options, results, said
from easiness.studies import matching


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs over the same data.")],
    epoch: options.ComparedEpoch = None,
    share: options.Share = None,
    fraction: options.Fraction = 0.1,
    ties: options.Ties = None,
    details: Annotated[
        bool, typer.Option("--details", help="Show every table: ceilings, ties, reliability, drift.")
    ] = False,
    output: options.Output = None,
) -> None:
    """Say how far runs agree on the easy and hard examples.

    With the rates of chance, and the ceilings that the noise of each run sets.
    """

    results.check_output(output)
    opened = [store.open_run(run) for run in runs]
    policies = options.policies(ties)
    with runs_kit.passes_shown(True):
        comparison = matching.compare(opened, epoch=epoch, share=share, fraction=fraction, ties=policies)
    if comparison.note is not None:
        said.say(f"note: {comparison.note}", err=True)
    said.say_text(comparison.text(details=details))
    if output is not None:
        results.write_output(output, comparison)
