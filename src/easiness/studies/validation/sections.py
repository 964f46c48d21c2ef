"""A validation as tables of text."""

from __future__ import annotations

import numpy as np

from easiness.analysis import MIN_GROUP
from easiness.show import Section, number
from easiness.studies.validation.found import EasinessView, Validated


def validation_sections(validation: Validated) -> list[Section]:
    """The final models, the misclassified among the hardest, and a curve for each view on easiness."""
    return [
        _final(validation),
        _hardest(validation),
        *(_curve(validation, view) for view in validation.views),
    ]


def _final(v: Validated) -> Section:
    rows = [["network", "models", "accuracy", "± sd", "chance"]]
    for models in v.final:
        num = len(models.accuracy)
        deviation = float(models.accuracy.std(ddof=1)) if num > 1 else None
        mean = float(models.accuracy.mean())
        rows.append([models.name, str(num), number(mean, 3), number(deviation, 3), number(v.chance, 3)])
    return Section(
        f"Final models after {v.final_epoch} epochs",
        f"Trained on {v.num_train} examples, asked about the {v.num_validation} validation examples that "
        "they never saw.",
        rows,
    )


def _hardest(v: Validated) -> Section:
    rows = [
        [
            "easiness of",
            "trials",
            "hardest",
            "examples",
            "of the misclassified",
            "95 % interval",
            "chance",
            "at most",
            "ties in part",
            "tie mass",
        ]
    ]
    for view in v.views:
        for one in view.hardest:
            low, high = one.interval
            rows.append(
                [
                    view.name,
                    str(view.num_trials),
                    f"{100 * one.fraction:g} %",
                    str(one.num_hardest),
                    _marked(one.value, view),
                    f"{number(low)} to {number(high)}",
                    number(one.fraction),
                    number(one.most),
                    number(one.expected),
                    number(one.tie_mass),
                ]
            )
    return Section(
        "Where the misclassified validation examples lie",
        f"Share of the {v.num_wrong} pairs of a validation example and a final model that is wrong about it. "
        f"Easiness after {v.epoch} epochs on training and validation examples merged; ties refined, or "
        "belonging in part. At most: what no ranking could exceed. Intervals: a bootstrap over examples. "
        f"? marks fewer than {MIN_GROUP} trials, which decide nothing.",
        rows,
    )


def _curve(v: Validated, view: EasinessView) -> Section:
    rows = [["trials right", "easiness", "examples", "final models right", "95 % interval"]]
    rows += [
        [
            str(point.count),
            number(point.easiness),
            str(point.num_examples),
            number(point.right, 3),
            f"{number(point.interval[0], 3)} to {number(point.interval[1], 3)}",
        ]
        for point in view.curve
    ]
    of = "of all networks together" if view.name == "all" else f"of {view.name}"
    return Section(
        f"Validation examples by easiness, {of}",
        f"Mean share of {v.num_final} final models that are right, by how many of {view.num_trials} trials "
        f"are; chance is {number(v.chance, 3)}. Jeffreys intervals over examples.",
        rows,
    )


def _marked(share: float, view: EasinessView) -> str:
    if np.isnan(share):
        return "none wrong"
    return number(share) + ("" if view.decided else "?")
