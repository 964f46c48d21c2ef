"""``easiness hypothesis``: is easy what is frequent and contradicts nothing?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness import executors, runs, show
from easiness.cli.kit import results, said
from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Execution
from easiness.studies import hypothesis as study


@spread
def hypothesis(
    out: Annotated[Path, typer.Option("--out", help="Folder of the experiment. One that is there goes on.")],
    preset: Annotated[
        Literal["smoke", "full"],
        typer.Option("--preset", help="smoke: a minute, decides nothing; full: under an hour on two cores."),
    ] = "full",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the patterns and of all trials.")] = 0,
    execution: Annotated[
        Execution,
        Fields(
            ("device", "executor", "ray_address", "jobs"),
            help={"device": "Where to train.", "jobs": "Trials at a time; auto: one for each core."},
        ),
    ] = Execution(),
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what is there and what is missing, and train nothing."),
    ] = False,
) -> None:
    """Test the paper's hypothesis on planted patterns.

    Claims with margins set beforehand decide whether it holds. The same command again goes on where it
    stopped.
    """
    executors.check_execution(execution)
    plan = study.plan_hypothesis(study.find_preset(preset), out, seed)
    if dry_run:
        said.say_text(f"{plan.describe()}\nnothing was trained and nothing written")
        return
    with runs.ShownProgress() as progress:
        found = study.carry_out_hypothesis(plan, execution, progress)
    said.say_text(show.sections_text(found.sections()[:3]))
    said.say_text(
        f"\n{found.text}; a claim is decided only where intervals lie on one side of a margin set beforehand"
    )
    if preset == "smoke":
        said.say("so few trials decide nothing; for an answer leave out --preset and give another --out")
    results.say_written(out / "report.html")
