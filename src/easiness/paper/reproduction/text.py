"""What the page about a paper study says before its figures."""

from __future__ import annotations

from collections.abc import Mapping

from easiness.paper.reproduction.judge import PaperResults
from easiness.paper.reproduction.study import PaperPlan
from easiness.show import Section, count
from easiness.store import Run


def part_leads(plan: PaperPlan, results: PaperResults) -> dict[str, str]:
    """A paragraph for each part of the page, by its key."""
    preset, data = plan.preset, plan.data
    held_out = 0 if data.held_out is None else len(data.held_out)
    ablation, found = results.ablation, results.validation
    level = results.pseudo.at_level
    return {
        "measured": (
            f"{count(len(data))} examples of {data.num_classes} classes to train on and {count(held_out)} "
            f"held out. Chance is {1 / data.num_classes:.3f}. What the paper leaves open, and what a smaller "
            "machine cannot bear, is set by the preset; the table has every run."
        ),
        "matching": (
            f"{preset.trials} trainings of {preset.epochs} epochs of each network. Rates are between groups "
            "of trials that have no trial in common, with ties refined; tables/ has both policies for ties, "
            "with tie masses, class chance and agreement. "
            f"The easy tail is read after epoch {results.easy.epoch}, the hard one after epoch "
            f"{results.hard.epoch}: where halves of the trials agree best."
        ),
        "galleries": "Examples in the order of easiness, then of the mean probability of their label.",
        "perturbations": (
            f"The trained networks of {preset.cnns[0]} see perturbed examples; nothing is trained "
            "again. The thick line compares disjoint groups of trials: where nothing is changed, it "
            "is the noise ceiling. The thin line compares the same models, as in the paper."
        ),
        "pseudo-patterns": (
            f"{level.count} of {count(level.num_examples)} {results.pseudo.probe.replace('_', '-')} "
            f"examples are right in all {results.pseudo.num_trials} final models when only "
            f"frequencies up to {results.pseudo.level:g} are left. By chance it would be "
            f"{level.chance:.1f}, and {level.class_chance:.1f} if the models agreed on classes alone."
        ),
        "training-sets": (
            f"{ablation.model} trained from scratch for {ablation.epochs} epochs, "
            f"{ablation.repetitions} times for each rate and policy, with examples dropped or "
            f"mislabelled by the easiness of {preset.cnns[0]}. Error bars are the standard deviation "
            "over repetitions."
        ),
        "validation": (
            f"Easiness of validation examples is measured on both splits merged ({preset.merged_trials} "
            f"trainings of {preset.merged_epochs} epochs); {found.num_final} final models were trained for "
            f"{found.final_epoch} epochs without them."
        ),
    }


def facts_section(plan: PaperPlan, runs: Mapping[str, Run]) -> Section:
    """Every run: network, trials, epochs and precision; nothing that differs when it is run again."""
    rows = [["run", "network", "trials", "epochs", "trained on", "precision"]]
    for name, run in runs.items():
        assert run.spec.measured is not None
        rows.append(
            [
                name,
                run.model,
                str(len(run.trials)),
                str(run.epochs),
                count(plan.everything[name].num_trained_on),
                run.spec.measured.resolved.precision,
            ]
        )
    return Section("Runs", f"In the folder trials/; seed {plan.seed}.", rows)
