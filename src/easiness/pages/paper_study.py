"""``paper`` as a function: plan the study, carry out what is missing, write the results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from easiness.pages.paper_page import write_paper
from easiness.paper import reproduction as study
from easiness.paper.reproduction import Claim, PaperPlan
from easiness.regular_file import at_home
from easiness.runs import Progress, progress_of
from easiness.spec import Execution, Jobs, Loading, from_arguments


def paper(
    source: Any = None,
    *,
    preset: str = "laptop",
    out: str | Path,
    limit: int | None = None,
    holdout: float | None = None,
    labels: str | Path | None = None,
    data_root: str | Path | None = None,
    download: bool = False,
    seed: int = 0,
    device: str = "auto",
    executor: str = "auto",
    ray_address: str | None = None,
    jobs: Jobs = "auto",
    cache: bool = True,
    progress: Progress | bool = True,
) -> list[Claim]:
    """Every table, figure and claim of the paper at the scale of a preset, in the folder ``out``.

    What the folder has of the study is kept; the same call goes on where it stopped.

    Args:
        source: a `Dataset` or what `load_dataset` takes, instead of the preset's.
        preset: ``smoke``, ``laptop``, ``overnight`` or ``paper``.
        out: folder of the study.
        limit: examples to train on, and at most to hold out, instead of the preset's.
        holdout: share of each class to hold out where no split is, instead of the preset's.
        labels: a CSV file of ``id,label`` instead of the labels of the source, see `load_dataset`.
        data_root: folder of a torchvision data set.
        download: let torchvision or the hub download what is not on disk.
        seed: of the study.
        device, executor, ray_address, jobs, progress: as for `measure`.
        cache: keep photos at the working resolution in a file in ``out``.

    Raises:
        BadInput: something given cannot be used, or ``out`` holds something else.
        RunFailed: a trial failed or a file could not be written; everything finished is kept.
    """
    given, out = locals(), at_home(out)
    with progress_of(progress, paper, given) as tell:
        plan = study.plan_paper(
            study.find_preset(preset, source), source, loading=from_arguments(Loading, given), seed=seed
        )
        for note in plan.data.remarks:
            tell.note(f"note: {note}")
        study.check_folder(plan, out)
        return finish_paper(plan, out, from_arguments(Execution, given), tell)


def finish_paper(
    plan: PaperPlan, out: Path, execution: Execution = Execution(), progress: Progress | None = None
) -> list[Claim]:
    """Carry out what ``out`` lacks of the plan and write the results; as `paper` otherwise."""
    study.describe_folder(plan, out)
    results, runs = study.run_paper(plan, out, execution, progress)
    return write_paper(plan, results, runs, out)
