"""``all``: every table, figure and claim of the paper, in one folder that goes on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from easiness import runs, show
from easiness.engine import ONE_SOURCE, OneFolder, Verb, say, say_text
from easiness.executors import check_execution
from easiness.named_import import offered
from easiness.paper.reproduction.claims import Claim, count_verdicts
from easiness.paper.reproduction.folder import check_folder, describe_folder
from easiness.paper.reproduction.presets import find_preset
from easiness.spec import Execution, Fields, Loading, Option

if TYPE_CHECKING:
    from easiness.paper.reproduction.study import PaperPlan


@dataclass(frozen=True)
class Reproduced:
    """Options of `all`."""

    out: Annotated[Path, Option("--out", "Folder of the study. A study that is there goes on.")]
    data: Annotated[
        Any,
        Option(
            "", "Data as for `measure`; the preset's own by default.", **ONE_SOURCE | {"typed": str | None}
        ),
    ] = None
    preset: Annotated[
        Literal["smoke", "laptop", "overnight", "paper"],
        Option(
            "--preset",
            "smoke: two minutes; laptop: CIFAR-10, no GPU; overnight: claims 6 to 8; paper: GPUs.",
        ),
    ] = "laptop"
    loading: Annotated[
        Loading,
        Fields(
            ("limit", "holdout", "labels", "data_root", "download"),
            help={"limit": "Train on this many examples, instead of the preset's."},
        ),
    ] = Loading()
    seed: Annotated[int, Option("--seed", "Seed of the study.")] = 0
    execution: OneFolder = Execution()
    dry_run: Annotated[
        bool, Option("--dry-run", "Show every run and what it costs, and train nothing.", python=False)
    ] = False


def _planned(asked: Reproduced) -> PaperPlan:
    """The plan, of which ``out`` may hold the beginning."""
    from easiness.paper.reproduction.study import plan_paper  # which loads torch
    from easiness.training import resolve_device

    check_execution(asked.execution)
    resolve_device(asked.execution.device)  # refuses one that is not there before anything is written
    preset = find_preset(asked.preset, asked.data)
    return plan_paper(preset, asked.data, loading=asked.loading, seed=asked.seed)


def reproduce(asked: Reproduced, progress: runs.Progress) -> list[Claim]:
    """Carry out what the folder lacks of the study, write the results, and give the claims."""
    plan = _planned(asked)
    for note in plan.data.remarks:
        progress.note(f"note: {note}")
    check_folder(plan, asked.out)
    return finish(plan, asked.out, asked.execution, progress)


def finish(
    plan: PaperPlan, out: Path, execution: Execution = Execution(), progress: runs.Progress | None = None
) -> list[Claim]:
    """Carry out what ``out`` lacks of the plan and write figures, tables, claims and the page."""
    from easiness.paper.reproduction.study import run_paper  # which loads torch

    describe_folder(plan, out)
    claims: list[Claim] = offered("write_paper")(plan, *run_paper(plan, out, execution, progress), out)
    return claims


def _carry(asked: Reproduced) -> None:
    """The command: what it would do, or the claims."""
    if asked.dry_run:
        with runs.reading_shown():
            plan = _planned(asked)
        for note in plan.data.remarks:
            say(f"note: {note}", err=True)
        check_folder(plan, asked.out)
        say_text(_described(plan, asked))
        return
    with runs.ShownProgress() as progress:
        claims = reproduce(asked, progress)
    for claim in claims:
        say(f"{claim.id:>3}  {claim.verdict:<15}  {claim.text}")
    counts = count_verdicts(claims).items()
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in counts if number)
    say(f"{verdicts}; a claim is decided only where intervals lie on one side of a margin set beforehand")
    say(f"{asked.out}/report.html")


def _described(plan: PaperPlan, asked: Reproduced) -> str:
    """A table of all runs with what is missing of them, and what that costs."""
    from easiness.training import resolve_device  # which loads torch

    device = resolve_device(asked.execution.device)
    costs = plan.costs(asked.out, device, asked.execution)
    rows = [["run", "network", "trials", "epochs", "trained on", "missing", "takes", "disk"]]
    for name, one in plan.everything.items():
        planned = [name, one.model, str(one.trials), str(one.epochs), show.count(one.num_trained_on)]
        rows.append([*planned, *_missing(costs.get(name))])
    num_bytes = sum(cost.run_bytes + cost.cache_bytes for cost in costs.values())
    trials = sum(cost.num_trials for cost in costs.values())
    data = plan.data
    held_out = 0 if data.held_out is None else len(data.held_out)
    title = (
        f"{asked.out}: preset {plan.preset.name} on {data.name}, {len(data):,} examples and {held_out:,} "
        "held out"
    )
    note = "Trials of one run differ in their seeds; times are known of runs with trials here."
    return (
        f"{show.sections_text([show.Section(title, note, rows)])}\n\n"
        f"{trials} trials to train, about {runs.effort_text([*costs.values()])} on {device} and "
        f"{show.size_text(num_bytes)} of disk; perturbations and figures come on top\n"
        "nothing was trained and nothing written"
    )


def _missing(cost: runs.Cost | None) -> list[str]:
    """How many trials of a run are missing, what they take and how large they are."""
    if cost is None:
        return ["0", "", ""]
    return [str(cost.num_trials), runs.effort_text([cost]), show.size_text(cost.run_bytes)]


ALL = Verb(
    "paper all",
    "Paper",
    "Reproduce the paper's tables, figures and claims.",
    Reproduced,
    reproduce,
    _carry,
    about="At the scale of a preset. What the folder has of the study is kept: the same command again goes "
    "on where it stopped.",
    trains=True,
)
