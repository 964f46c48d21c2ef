"""``easiness paper``: every table, figure and claim of the paper from one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from easiness import executors, pages, runs, show
from easiness.cli.kit import options, said
from easiness.cli.kit.spread import Fields, spread
from easiness.spec import Execution, Loading
from easiness.studies import paper as study


@spread
def paper(
    out: Annotated[Path, typer.Option("--out", help="Folder of the study. A study that is there goes on.")],
    source: Annotated[
        str | None, typer.Argument(help="Data as for `measure`; the preset's own by default.")
    ] = None,
    preset: Annotated[
        Literal["smoke", "laptop", "overnight", "paper"],
        typer.Option(
            "--preset",
            help="smoke: two minutes; laptop: CIFAR-10, no GPU; overnight: claims 6 to 8; paper: GPUs.",
        ),
    ] = "laptop",
    loading: Annotated[
        Loading,
        Fields(
            ("limit", "holdout", "labels", "data_root", "download"),
            help={"limit": "Train on this many examples, instead of the preset's."},
        ),
    ] = Loading(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the study.")] = 0,
    execution: options.OneFolder = Execution(),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every run and what it costs, and train nothing.")
    ] = False,
) -> None:
    """Reproduce the paper's tables, figures and claims.

    At the scale of a preset. The same command again goes on where it stopped.
    """

    from easiness.training import resolve_device  # which loads torch

    executors.check_execution(execution)
    device = resolve_device(execution.device)
    with runs.reading_shown():
        plan = study.plan_paper(study.find_preset(preset, source), source, loading=loading, seed=seed)
    for note in plan.data.remarks:
        said.say(f"note: {note}", err=True)
    study.check_folder(plan, out)
    if dry_run:
        said.say_text(_describe(plan, out, str(device), plan.costs(out, device, execution)))
        return
    with runs.ShownProgress() as progress:
        claims = pages.finish_paper(plan, out, execution, progress)
    for claim in claims:
        said.say(f"{claim.id:>3}  {claim.verdict:<15}  {claim.text}")
    verdicts = ", ".join(
        f"{number} {verdict}" for verdict, number in study.count_verdicts(claims).items() if number
    )
    said.say(
        f"{verdicts}; a claim is decided only where intervals lie on one side of a margin set beforehand"
    )
    said.say(f"{out}/report.html")


def _describe(plan: study.PaperPlan, out: Path, device: str, costs: dict[str, runs.Cost]) -> str:

    rows = [["run", "network", "trials", "epochs", "trained on", "missing", "about", "disk"]]
    for name, one, cost in study.plan_rows(plan, costs):
        planned = [name, one.model, str(one.trials), str(one.epochs), f"{one.num_trained_on:,}"]
        missing = ["0", "", ""]
        if cost is not None:
            times = show.duration_text(cost.seconds)
            missing = [str(cost.num_trials), times, show.size_text(cost.run_bytes)]
        rows.append([*planned, *missing])
    seconds = sum(cost.seconds + cost.decoding_seconds for cost in costs.values())
    num_bytes = sum(cost.run_bytes + cost.cache_bytes for cost in costs.values())
    trials = sum(cost.num_trials for cost in costs.values())
    data = plan.data
    held_out = 0 if data.held_out is None else len(data.held_out)
    title = (
        f"{out}: preset {plan.preset.name} on {data.name}, {len(data):,} examples and {held_out:,} held out"
    )
    note = "Trials of one run differ in their seeds; times are from a few steps measured on this machine."
    table = show.sections_text([show.Section(title, note, rows)])
    return (
        f"{table}\n\n{trials} trials to train, about {show.duration_text(seconds)} on {device} and "
        f"{show.size_text(num_bytes)} of disk; perturbations and figures come on top\n"
        "nothing was trained and nothing written"
    )
