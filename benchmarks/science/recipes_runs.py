"""The runs behind `recipes.py`: what each recipe finds, and a reference made by other trials.

The reference is the consistency of Jiang et al. (arXiv 2002.03206): how probable the label of an example is
to networks that have not seen it, on average over many of them. Here they are of two architectures and are
trained for more epochs, until their step size has come down to nothing. Where there are enough other examples
of the same kind they learn from a share of those alone, so that all of them tell of every example; else from
half of the examples each, and tell of the other half.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from easiness import load_dataset
from easiness.data.dataset import balanced_subset
from easiness.runs.carrying_out import carry_out
from easiness.runs.plan import make_plan
from easiness.spec import Execution, Recording, Training

SHORT = {"period": "epochs", "alpha": 0.003, "translation": 0.0}


@dataclass(frozen=True)
class Way:
    """A recipe, network and length to be judged, and how often it is trained."""

    recipe: dict[str, Any]
    model: str
    epochs: int
    trials: int = 1


@dataclass(frozen=True)
class Reference:
    """Trials of one architecture that make a part of the reference.

    They learn from a ``share`` of ``others``, so many examples that are not judged, or of those judged.
    """

    model: str
    epochs: int
    trials: int
    share: float = 0.5
    others: int | None = None


@dataclass(frozen=True)
class Subject:
    """Examples, the trials that make their reference, and the ways to be judged by it."""

    source: str
    limit: int | None
    references: tuple[Reference, ...]
    ways: dict[str, Way] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)  # of every recipe


CIFAR10 = (
    Reference("wrn_16_1", 20, 5, others=10_000),
    Reference("recipes_network:plain", 12, 2, share=0.25, others=40_000),
)
SUBJECTS = {
    "cifar10": Subject(
        "cifar10",
        10_000,
        CIFAR10,
        {"short": Way(SHORT, "wrn_16_1", 10, 4), "paper": Way({}, "wrn_16_1", 10, 2)},
    ),
    # a part of the examples above, so that the reference serves both
    "cifar10 half": Subject(
        "cifar10",
        5_000,
        CIFAR10,
        {
            "short": Way(SHORT, "wrn_16_1", 10),
            "paper": Way({}, "wrn_16_1", 10),
            "step size 0.01": Way({**SHORT, "alpha": 0.01}, "wrn_16_1", 10),
            "translation 2": Way({**SHORT, "translation": 0.0625}, "wrn_16_1", 10),
            "translation 4": Way({**SHORT, "translation": 0.125}, "wrn_16_1", 10),
            "no augmentation": Way({**SHORT, "flip": 0.0}, "wrn_16_1", 10),
            "label smoothing 0.1": Way({**SHORT, "label_smoothing": 0.1}, "wrn_16_1", 10),
            "batch size 64": Way({**SHORT, "batch_size": 64}, "wrn_16_1", 10),
            "batch size 256": Way({**SHORT, "batch_size": 256}, "wrn_16_1", 10),
            # at about the same core time
            "twice, half as long": Way(SHORT, "wrn_16_1", 5, 2),
            "width 2": Way(SHORT, "wrn_16_2", 4),
            "depth 10": Way(SHORT, "wrn_10_1", 20),
        },
    ),
    "imagenette224": Subject(
        "imagenette224",
        None,
        (Reference("wrn_10_1", 20, 4), Reference("densenet_bc_10_8", 20, 4)),
        {
            "short": Way({**SHORT, "crop_scale": 0.35}, "wrn_10_1", 10, 3),
            "paper": Way({}, "wrn_10_1", 10, 3),
        },
        {"crop": 64},
    ),
    "digits": Subject(
        "digits",
        None,
        (Reference("wrn_10_1", 20, 6), Reference("mlp_3", 20, 6)),
        {"short": Way(SHORT, "wrn_10_1", 10, 10), "paper": Way({}, "wrn_10_1", 10, 10)},
    ),
}


def judged(subject, source):
    """The examples to be judged, without a held-out split, and the whole data set that they are from."""
    full = replace(load_dataset(source), held_out=None)
    return (full if subject.limit is None else full.limit(subject.limit)), full


def reference_runs(name, source, folder):
    """The runs that make the reference of a subject, trained as far as they are missing."""
    subject = SUBJECTS[name]
    runs = {}
    for one in subject.references:
        plan = make_plan(
            seen_by(one, subject, source),
            Training(
                model=one.model,
                epochs=one.epochs,
                train_share=one.share,
                precision="float32",
                recipe={"period": one.epochs, "alpha": 0.003, **subject.changes},
            ),
            one.trials,
            recording=Recording(observe="last", keep_weights=False),
        )
        out = folder / one.model.rpartition(":")[2]
        run = carry_out(plan, out, Execution(executor="processes", jobs=2, compile="off"))
        runs[one.model] = run.first(one.trials)
    return runs


def seen_by(one, subject, source):
    """What a part of the reference learns from; those judged are held out where it learns from others."""
    data, full = judged(subject, source)
    if one.others is None:
        return data
    # at one seed a smaller subset is part of a larger one: these serve every subject of the source
    largest = max(other.limit for other in SUBJECTS.values() if other.source == subject.source)
    held = full.limit(largest)
    rest = full._take(np.flatnonzero(~np.isin(full.ids, held.ids)))
    rest = rest._take(balanced_subset(rest.labels, one.others, 0))
    return replace(rest, source=None, held_out=replace(held, split="test", source=None, limited_to=None))


def way_run(name, way_name, source, folder):
    """The run of one way of a subject, trained as far as it is missing."""
    subject = SUBJECTS[name]
    way = subject.ways[way_name]
    plan = make_plan(
        judged(subject, source)[0],
        Training(
            model=way.model, epochs=way.epochs, precision="float32", recipe={**way.recipe, **subject.changes}
        ),
        way.trials,
        recording=Recording(keep_weights=False),
    )
    run = carry_out(
        plan,
        folder / way_name.replace(" ", "-").replace("%", "percent"),
        Execution(executor="serial", compile="off"),
    )
    return run.first(way.trials)
