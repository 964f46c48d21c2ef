"""Options of every command that trains: how its trials run."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

ExecutorName = Annotated[
    Literal["auto", "serial", "processes"],
    typer.Option("--executor", help="How trials run; auto is processes where there are several jobs."),
]
NumJobs = Annotated[
    str,
    typer.Option(
        "--jobs", metavar="J|auto", help="Trials at a time; auto measures what is fastest, once per run."
    ),
]
