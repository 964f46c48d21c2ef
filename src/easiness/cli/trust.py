"""``--trust``: the user's word that a run may name code to be run."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Trust: TypeAlias = Annotated[
    bool,
    typer.Option("--trust", help="Import the module that the run names, where its network is one's own."),
]
