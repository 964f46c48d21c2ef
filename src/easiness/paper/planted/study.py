"""``hypothesis``: plant patterns, train what the folder lacks, and say what became of the hypothesis."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from easiness.errors import BadInput, RunFailed, TrialFailed
from easiness.executors import check_execution, check_executor, make_executor
from easiness.higher_functions import offered
from easiness.paper.planted.design import ARMS, CONTROLS, Preset, examples_of, find_preset, patterns_of
from easiness.paper.planted.found import of_trials
from easiness.paper.planted.result import Hypothesis
from easiness.paper.planted.trial import Seen, Task, run_task
from easiness.regular_file import at_home, read_regular
from easiness.runs import Progress, check_study_folder, progress_of
from easiness.show import count, counted
from easiness.spec import Execution, Jobs, at_least, from_arguments
from easiness.store import ASIDE, check_no_links, later, read_json, sweep, write_whole
from easiness.training import EpochReport, resolve_device

DOCUMENT, TRIALS = "hypothesis.json", "trials"
_MOST_BYTES = 2**24  # of a trial: far more than it comes to


def hypothesis(
    out: str | Path,
    *,
    preset: str = "full",
    seed: int = 0,
    device: str = "auto",
    executor: str = "auto",
    ray_address: str | None = None,
    jobs: Jobs = "auto",
    progress: Progress | bool = True,
) -> Hypothesis:
    """Test whether examples are easy whose patterns are frequent and contradict no class, by planted ones.

    Patterns of known frequency and contradiction are planted in noise, networks are trained on them, and
    claims with margins set beforehand are decided. The page ``report.html`` in ``out`` shows it; the same
    call goes on where it stopped.

    Args:
        out: folder of the experiment; trials that it has are kept.
        preset: ``full``, under an hour on two cores, or ``smoke``, which decides nothing.
        seed: of the patterns and of all trials.
        device, executor, ray_address, progress: as for `measure`.
        jobs: how many trials at a time; ``auto`` is one for each core.

    Raises:
        BadInput: something given cannot be used, or ``out`` holds something else.
        RunFailed: a trial failed or a file could not be written; everything finished is kept.
    """
    given = locals()
    with progress_of(progress, hypothesis, given) as tell:
        plan = plan_hypothesis(find_preset(preset), at_home(out), seed)
        return carry_out_hypothesis(plan, from_arguments(Execution, given), tell)


@dataclass(frozen=True)
class HypothesisPlan:
    """The trials of an experiment in the folder ``out``."""

    preset: Preset
    out: Path
    seed: int

    @property
    def tasks(self) -> list[Task]:
        """All trials, the first of all arms and networks first; controls are of the first network alone."""
        preset = self.preset
        cells = [(arm, network, preset.trials) for arm in ARMS for network in preset.networks]
        cells += [(arm, preset.networks[0], preset.control_trials) for arm in CONTROLS]
        made = [
            Task(preset, self.seed, arm, network, trial)
            for arm, network, number in cells
            for trial in range(number)
        ]
        return sorted(made, key=lambda task: task.trial)

    @property
    def missing(self) -> list[Task]:
        """Those that the folder lacks."""
        return [task for task in self.tasks if not self.path_of(task).is_file()]

    @property
    def pictures(self) -> int:
        """Pictures that a trial is trained on in an epoch of the natural arm."""
        return len(examples_of("natural", patterns_of(self.preset, self.seed), self.preset, self.seed))

    def path_of(self, task: Task) -> Path:
        """The file of a trial."""
        return self.out / TRIALS / task.file

    def describe(self) -> str:
        """One line: what there is and what is to be trained."""
        tasks, missing = self.tasks, self.missing
        seen = len(missing) * self.preset.epochs * self.pictures
        return (
            f"{self.out}: preset {self.preset.name}, {counted(len(tasks), 'trial')}, "
            f"{len(tasks) - len(missing)} of them finished; {count(seen)} pictures to train on"
        )


def plan_hypothesis(preset: Preset, out: Path, seed: int = 0) -> HypothesisPlan:
    """The experiment that ``out`` is, or could become; writes nothing."""
    plan = HypothesisPlan(preset, out, at_least("--seed", seed, 0))
    check_study_folder(out)
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out}: is a file; give a folder for the experiment (--out)")
    if (out / DOCUMENT).is_file():
        _check_same(out / DOCUMENT, _settings(plan))
    elif out.is_dir():
        foreign = [path.name for path in sorted(out.iterdir()) if not path.name.startswith(ASIDE)]
        if foreign:
            raise BadInput(
                f"{out}: neither empty nor such an experiment (it holds {foreign[0]!r}); choose another --out"
            )
    return plan


def carry_out_hypothesis(
    plan: HypothesisPlan, execution: Execution = Execution(), progress: Progress | None = None
) -> Hypothesis:
    """Train what is missing, read all of it and write the page; as `hypothesis` otherwise."""
    check_execution(execution)
    device = str(resolve_device(execution.device))
    check_no_links(plan.out)
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
        sweep(plan.out)
        # before the trials' folder, by which nobody could tell whose it is
        write_whole(plan.out / DOCUMENT, (json.dumps(_settings(plan), indent=1) + "\n").encode())
        (plan.out / TRIALS).mkdir(exist_ok=True)
        sweep(plan.out / TRIALS)
    except OSError as error:
        raise RunFailed(
            f"{plan.out}: cannot be written to ({error.strerror}); choose another --out"
        ) from None
    _train(plan, execution, device, progress or Progress())
    found = read_hypothesis(plan)
    offered("write_hypothesis")(found, plan.out)
    return found


def read_hypothesis(plan: HypothesisPlan) -> Hypothesis:
    """The result of the trials of a finished experiment."""
    patterns = patterns_of(plan.preset, plan.seed)
    examples = {
        arm: examples_of(arm, patterns, plan.preset, plan.seed) for arm in {task.arm for task in plan.tasks}
    }
    seen: dict[Any, list[Seen]] = {}
    for task in plan.tasks:
        try:
            content = read_regular(plan.path_of(task), _MOST_BYTES)
            one = Seen.of_bytes(content, len(examples[task.arm]), len(patterns))
        except (OSError, ValueError):
            raise BadInput(
                f"{plan.path_of(task)}: cannot be read as a trial; remove it and run the same command again"
            ) from None
        seen.setdefault((task.arm, task.network), []).append(one)
    return Hypothesis(plan.preset, plan.seed, patterns, of_trials(patterns, examples, seen))


def _train(plan: HypothesisPlan, execution: Execution, device: str, progress: Progress) -> None:
    """Train and store what is missing."""
    missing, num = plan.missing, plan.pictures
    progress.study(plan.describe(), len(missing) * plan.preset.epochs * num)
    if not missing:
        return

    def heard(report: EpochReport) -> None:
        progress.images(num)
        progress.epoch(report)

    failures = []
    jobs = execution.jobs if isinstance(execution.jobs, int) else _jobs(execution, device)
    executor = make_executor(execution.executor, min(jobs, len(missing)), address=execution.ray_address)
    try:
        progress.images(0)
        outcomes = executor.run_telling(partial(run_task, device=device), missing, heard)
        for outcome in outcomes:
            if outcome.value is None:
                failures.append((outcome.item, outcome.error))
                continue
            _store(plan.path_of(outcome.item), outcome.value)
            progress.stored(outcome.item.trial)
    finally:
        executor.close()
    if failures:
        task, error = failures[0]
        if error is not None and not isinstance(error, TrialFailed):
            raise error
        raise RunFailed(
            f"{plan.out}: {len(failures)} of {counted(len(plan.tasks), 'trial')} failed "
            f"({task.arm} {task.network} {task.trial}: {error}); the finished ones are kept"
        )


def _jobs(execution: Execution, device: str) -> int:
    """One trial for each core, since each has one thread; one on a GPU, or where no more can be."""
    one = device != "cpu" or check_executor(execution.executor, "auto").one_at_a_time
    return 1 if one else os.cpu_count() or 1


def _store(path: Path, seen: Seen) -> None:
    try:
        write_whole(path, seen.to_bytes())
    except OSError as error:
        raise RunFailed(f"{path}: cannot be written ({error.strerror})") from None


def _settings(plan: HypothesisPlan) -> dict[str, Any]:
    return {"format": 1, "seed": plan.seed, "preset": plan.preset.as_dict()}


def _check_same(document: Path, here: Mapping[str, Any]) -> None:
    """Refuse an experiment of other settings, by the name of the first."""
    try:
        there = read_json(document)
    except (OSError, ValueError):
        there = None
    if not isinstance(there, dict) or not isinstance(there.get("preset"), dict):
        raise BadInput(f"{document}: is damaged; choose another --out")
    flat = {**there["preset"], "seed": there.get("seed"), "format": there.get("format")}
    for name, value in {**here["preset"], "seed": here["seed"], "format": here["format"]}.items():
        if flat.get(name) != value:
            called = {"name": "--preset", "seed": "--seed"}.get(name, name)
            raise later(document, there) or BadInput(
                f"{document.parent}: this experiment cannot be continued with other settings: {called} is "
                f"{flat.get(name)} there, {value} here; choose another --out"
            )
