"""``paper all``: every experiment of the paper at the scale of a preset, in a folder that goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from easiness import runs, show
from easiness.analysis import Side
from easiness.data import Dataset
from easiness.engine import say, say_text
from easiness.errors import BadInput
from easiness.executors import check_execution
from easiness.lazy import pd
from easiness.named_import import find_offer
from easiness.paper.claims import Claim, count_verdicts
from easiness.paper.options import PerturbationOptions, ReproductionOptions
from easiness.paper.perturbation import image_shape, perturbation_curve, pseudo_patterns
from easiness.paper.reproduction.judge import PaperResults
from easiness.paper.reproduction.presets import (
    RUNS,
    Preset,
    check_folder,
    describe_folder,
    find_preset,
    kind_of,
)
from easiness.paper.training_sets import TrainingSets, plan_ranked
from easiness.paper.validation import Trainings, ValidationPlans, plan_validation
from easiness.perturb import find_kind
from easiness.spec import Drawing, Effect, Execution, Loading, Recording, Training
from easiness.store import Run
from easiness.studies.keeping import ranking
from easiness.studies.matching import CompareOptions, Comparison, compare
from easiness.studies.similarity import Similarity, similarity
from easiness.training import resolve_device

KINDS = ("color", "shuffle", "radial")

_PSEUDO = 4.0
"""Frequencies that are left of pseudo patterns, at most: nobody recognizes an image by them."""


@dataclass(frozen=True, eq=False)
class PaperPlan:
    """All runs of the study by name: those that anything may start with, and those that need a ranking.

    ``matching`` are keyed by model. ``ablation`` and ``corruption`` are planned with a ranking of zeros
    until the scores are there: only their cost is right before.
    """

    preset: Preset
    data: Dataset
    seed: int
    matching: dict[str, runs.Plan]
    validation: ValidationPlans
    ablation: TrainingSets
    corruption: TrainingSets

    @property
    def everything(self) -> dict[str, runs.Plan]:
        """All runs by name; trials that two experiments need are there once."""
        matching = {match_name(model): plan for model, plan in self.matching.items()}
        return {**matching, **self.validation.runs, **self.ablation.runs, **self.corruption.runs}


def plan_paper(
    preset: Preset,
    source: Any = None,
    *,
    loading: Loading = Loading(),
    seed: int = 0,
) -> PaperPlan:
    """Load the data and plan every run; writes and trains nothing."""
    data = _load(preset, source, loading)
    training = Training(recipe=dict(preset.recipe), precision=preset.precision, seed=seed)
    matching = {
        model: runs.make_plan(
            data,
            replace(training, model=model, epochs=preset.epochs),
            preset.trials,
            recording=Recording(observe=preset.observe, keep_weights=model == preset.cnns[0]),
        )
        for model in preset.models
    }
    validation = plan_validation(
        data,
        replace(training, seed=seed + 1),
        Trainings(preset.merged_models, preset.merged_trials, preset.merged_epochs, observe=preset.observe),
        Trainings(
            preset.final_models, preset.final_trials, preset.final_epochs, preset.learned, preset.observe
        ),
    )
    nothing = np.zeros(len(data))
    return PaperPlan(
        preset,
        data,
        seed,
        matching,
        validation,
        _training_sets(preset, data, "drop", nothing, seed),
        _training_sets(preset, data, "relabel", nothing, seed),
    )


def run_paper(
    plan: PaperPlan, out: Path, execution: Execution = Execution(), progress: runs.Progress | None = None
) -> tuple[PaperResults, dict[str, Run]]:
    progress = progress or runs.Progress()
    folder, preset, data = out / RUNS, plan.preset, plan.data
    costs = runs.plan_costs(plan.everything, folder, resolve_device(execution.device), execution)
    progress.study(
        f"{out}: {runs.describe(plan.everything, runs.missing_by_run(plan.everything, folder), costs)}",
        sum(cost.num_images for cost in costs.values()),
        sum(cost.operations for cost in costs.values()),
    )
    carry_out = partial(
        runs.carry_out_all, folder=folder, execution=execution, progress=progress, announce=False
    )
    by_name = carry_out({match_name(model): one for model, one in plan.matching.items()})
    networks = [by_name[match_name(model)] for model in plan.matching]
    main = by_name[match_name(preset.cnns[0])]
    values = ranking(main)
    ablation, corruption = (
        _training_sets(preset, data, effect, values, plan.seed) for effect in ("drop", "relabel")
    )
    # what is longest comes last
    for part in (ablation.runs, plan.validation.joint, plan.validation.final, corruption.runs):
        by_name |= carry_out(part)
    by_name = {name: by_name[name] for name in plan.everything}
    easy, hard = compare_at_best(networks)
    shape = image_shape(data, runs.recipe_of(main, data))
    side = min(shape[1:])
    low_pass = PerturbationOptions(
        by_name[list(plan.validation.final)[-1]],
        "radial",
        pattern_level=max(1.0, min(_PSEUDO, side / 8)),
        execution=execution,
    )
    curves, common = {}, {"color": 0.0, "shuffle": 0.25, "radial": side / 4}
    for kind in KINDS if preset.perturbed else ():
        # the kind's own levels, and those at which kinds are compared (claim 5)
        levels = sorted({*find_kind(kind).levels(shape), common[kind]})
        options = PerturbationOptions(main, kind, levels, execution=execution)
        curves[kind] = perturbation_curve(options, data, progress)
    results = PaperResults(
        kind=kind_of(data),
        mlps=preset.mlps,
        cnns=preset.cnns,
        batch_norm=preset.batch_norm,
        side=side,
        easy=easy,
        hard=hard,
        curves=curves,
        similarity=_similarity(main, data, execution.device),
        ablation=ablation.read(by_name),
        corruption=corruption.read(by_name),
        validation=plan.validation.read(by_name),
        pseudo=pseudo_patterns(low_pass, data, progress),
    )
    return results, by_name


def _training_sets(preset: Preset, data: Dataset, effect: Effect, values: Any, seed: int) -> TrainingSets:
    """The runs by this ranking; drawn class by class where a class would lose all of its examples."""
    training = Training(
        model=preset.ablation_model,
        epochs=preset.ablation_epochs,
        seed=seed + 3,
        recipe=dict(preset.learned or preset.recipe),
        precision=preset.precision,
    )
    drawing = Drawing(
        rates=preset.drop_rates if effect == "drop" else preset.corrupt_rates,
        repetitions=preset.repetitions,
        at=preset.epochs,
        balanced=preset.balanced,
    )
    try:
        return plan_ranked(effect, data, values, training, drawing, observe=preset.observe)
    except BadInput:
        if preset.balanced:
            raise
        return _training_sets(replace(preset, balanced=True), data, effect, values, seed)


def _similarity(run: Run, data: Dataset, device: str) -> Similarity | str:
    try:
        return similarity(run, data, device=device, progress=False)
    except BadInput as error:  # sets of networks that have learned little may lie in one class
        return str(error).removeprefix(f"{run.path}: ").partition("; ")[0]


def compare_at_best(networks: list[Run]) -> tuple[Comparison, Comparison]:
    """The comparison at the epoch that resolves the easy tail best, and that for the hard tail.

    Best is the epoch after which halves of the trials match most under ``refine``, on average over runs:
    the first of equals. Epochs after which some run has no easiness yet do not count.
    """
    last = compare(CompareOptions(tuple(networks)))
    read = last.rows[0].number

    def at_best(side: Side) -> Comparison:
        rates = pd.DataFrame(
            {half.epoch: getattr(half, side).refine for half in one.by_epoch} for one in last.reliability
        )
        means = rates.dropna(axis="columns").mean().sort_index()
        best = int(means.index[int(means.argmax())]) if len(means) else read
        return last if best == read else compare(CompareOptions(tuple(networks), best))

    return at_best("easy"), at_best("hard")


def match_name(model: str) -> str:
    return f"match-{model.replace(':', '-').replace('/', '-')}"


def _load(preset: Preset, source: Any, loading: Loading) -> Dataset:
    """The data; what is left open is as the preset has it, where the data need it."""
    source = preset.source if source is None else source
    if source is None:
        raise BadInput(f"preset {preset.name}: no source was given; give mini-imagenet:FOLDER")
    data = runs.given_data(source, replace(loading, limit=None, holdout=None, labels=None))
    share = loading.holdout
    if share is None and data.held_out is None:
        share = preset.holdout
    data = runs.given_data(data, Loading(holdout=share or None))
    if data.held_out is None:
        raise BadInput(f"{data.name}: has no held-out split; hold a part out (--holdout 0.2)")
    limit = preset.limit if loading.limit is None else loading.limit
    limit = None if limit is None or limit >= len(data) else limit
    return runs.given_data(data, Loading(limit=limit, labels=loading.labels))


def _plan(options: ReproductionOptions) -> PaperPlan:
    """The plan, of which ``out`` may hold the beginning."""
    check_execution(options.execution)
    resolve_device(options.execution.device)  # refuses one that is not there before anything is written
    preset = find_preset(options.preset, options.data)
    return plan_paper(preset, options.data, loading=options.loading, seed=options.seed)


def reproduce(options: ReproductionOptions, progress: runs.Progress) -> list[Claim]:
    """Carry out what the folder lacks of the study, write the results, and give the claims."""
    plan = _plan(options)
    for note in plan.data.remarks:
        progress.note(f"note: {note}")
    check_folder(plan, options.out)
    return finish(plan, options.out, options.execution, progress)


def finish(
    plan: PaperPlan, out: Path, execution: Execution = Execution(), progress: runs.Progress | None = None
) -> list[Claim]:
    """Carry out what ``out`` lacks of the plan and write figures, tables, claims and the page."""
    describe_folder(plan, out)
    claims: list[Claim] = find_offer("write_paper")(plan, *run_paper(plan, out, execution, progress), out)
    return claims


def carry(options: ReproductionOptions) -> None:
    """The command: what it would do, or the claims."""
    if options.dry_run:
        with runs.reading_shown():
            plan = _plan(options)
        for note in plan.data.remarks:
            say(f"note: {note}", err=True)
        check_folder(plan, options.out)
        say_text(_description(plan, options))
        return
    with runs.ShownProgress() as progress:
        claims = reproduce(options, progress)
    for claim in claims:
        say(f"{claim.id:>3}  {claim.verdict:<15}  {claim.text}")
    counts = count_verdicts(claims).items()
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in counts if number)
    say(f"{verdicts}; a claim is decided only where intervals lie on one side of a margin set beforehand")
    say(f"{options.out}/report.html")


def _description(plan: PaperPlan, options: ReproductionOptions) -> str:
    device, out, data = resolve_device(options.execution.device), options.out, plan.data
    costs = runs.plan_costs(plan.everything, out / RUNS, device, options.execution)
    rows = [["run", "network", "trials", "epochs", "trained on", "missing", "takes", "disk"]]
    for name, one in plan.everything.items():
        cost, missing = costs.get(name), ["0", "", ""]
        if cost is not None:
            missing = [str(cost.num_trials), runs.effort_text([cost]), show.size_text(cost.run_bytes)]
        numbers = [str(one.trials), str(one.epochs), show.count(one.num_trained_on)]
        rows.append([name, one.model, *numbers, *missing])
    num_bytes = sum(cost.run_bytes + cost.cache_bytes for cost in costs.values())
    trials = sum(cost.num_trials for cost in costs.values())
    held_out = 0 if data.held_out is None else len(data.held_out)
    title = (
        f"{out}: preset {plan.preset.name} on {data.name}, {len(data):,} examples and {held_out:,} held out"
    )
    note = "Trials of one run differ in their seeds; times are known of runs with trials here."
    return (
        f"{show.sections_text([show.Section(title, note, rows)])}\n\n"
        f"{trials} trials to train, {runs.effort_text([*costs.values()])} on {device} and "
        f"{show.size_text(num_bytes)} of disk; perturbations and figures come on top\n"
        "nothing was trained and nothing written"
    )
