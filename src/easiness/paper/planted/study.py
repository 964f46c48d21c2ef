"""``paper hypothesis``: plant patterns, train on them, and say what becomes of the hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from easiness.data import Dataset
from easiness.paper.options import Planted
from easiness.paper.planted import design
from easiness.paper.planted.estimates import Values
from easiness.paper.planted.result import Hypothesis, OfArm
from easiness.runs import Plan, make_plan
from easiness.spec import LAST, Recording, Training, at_least, content_hash
from easiness.store import Run


@dataclass(frozen=True, eq=False)
class Experiment:
    """The patterns, and for each arm and network its examples and the plan of its run."""

    preset: design.PlantedPreset
    seed: int
    patterns: design.PlantedPatterns
    cells: Mapping[tuple[design.Arm, str], tuple[design.ArmExamples, Plan]]

    @property
    def runs(self) -> dict[str, Plan]:
        """The plans by the name of their run."""
        return {_run_name(*cell): plan for cell, (_, plan) in self.cells.items()}

    @property
    def note(self) -> str:
        """The preset, and whether it decides anything."""
        return ": ".join(filter(None, [f"preset {self.preset.name}", self.preset.warning]))


def _run_name(arm: design.Arm, network: str) -> str:
    return f"{arm}-{network}"


def plan(asked: Planted) -> Experiment:
    """Plant the patterns, and plan a run for each arm and network; controls have the first network alone."""
    preset, seed = design.find_preset(asked.preset), at_least("--seed", asked.seed, 0)
    patterns = design.patterns_of(preset, seed)
    trials = {(arm, network): preset.trials for arm in design.ARMS for network in preset.networks}
    trials |= {(arm, preset.networks[0]): preset.control_trials for arm in design.CONTROLS}
    cells = {}
    for (arm, network), num in trials.items():
        examples = design.examples_of(arm, patterns, preset, seed)
        # no two runs have trials of the same seeds
        own = int(content_hash({"seed": seed, "arm": arm, "network": network}), 16)
        training = Training(network, preset.epochs, own, preset.recipe, precision=preset.precision)
        data = _data(arm, patterns, examples, preset)
        recording = Recording(observe=LAST, keep_weights=False)
        cells[arm, network] = examples, make_plan(data, training, num, recording=recording)
    return Experiment(preset, seed, patterns, cells)


def _data(
    arm: design.Arm,
    patterns: design.PlantedPatterns,
    examples: design.ArmExamples,
    preset: design.PlantedPreset,
) -> Dataset:
    """The examples of an arm; held out are pictures of each pattern under its own label."""
    amplitude = preset.amplitude / (2 if arm == "half" else 1)
    kind = design.PatternKind(preset.side, amplitude, arm == "sham")

    def split(name: str, pattern: npt.NDArray[np.int64], labels: npt.NDArray[np.int64]) -> Dataset:
        return Dataset(
            name="planted patterns",
            source=None,
            split=name,
            ids=np.arange(len(pattern)),
            labels=labels,
            true_labels=patterns.label[pattern],
            classes=tuple(map(str, range(preset.classes))),
            stored=design.StoredPatterns(patterns.patch[pattern], kind),
            kind=kind,
        )

    asked = np.repeat(np.arange(len(patterns)), preset.fresh)
    held_out = split("test", asked, patterns.label[asked])
    return replace(split("train", examples.pattern, examples.label), held_out=held_out)


def decide(asked: Planted, planned: Experiment, runs: Mapping[str, Run]) -> Hypothesis:  # noqa: ARG001
    """Decide the claims by the finished runs; trials beyond the plan are left out."""
    arms = {}
    for cell, (examples, own) in planned.cells.items():
        run = runs[_run_name(*cell)].first(own.trials)
        right = run.votes(own.epochs).correct.astype(np.float64)
        probability = run.votes(own.epochs, split="held_out").p_label
        arms[cell] = OfArm(
            easiness=_shares(right, examples, examples.own),
            contradicted=_shares(right, examples, ~examples.own),
            held_out=probability.reshape(len(right), len(planned.patterns), -1).mean(axis=2),
            accuracy=right.mean(axis=1),
        )
    return Hypothesis(planned.preset, planned.seed, planned.patterns, arms)


def _shares(right: Values, examples: design.ArmExamples, chosen: npt.NDArray[np.bool_]) -> Values:
    """The share [T, P] of the chosen carriers of each pattern that a trial is right about."""
    carries = examples.pattern[chosen, None] == np.unique(examples.pattern)
    with np.errstate(invalid="ignore"):  # of patterns that no chosen example carries
        shares: Values = right[:, chosen] @ carries / carries.sum(axis=0)
    return shares
