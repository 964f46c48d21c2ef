"""Whether a run that exists is the one that is asked for, and if not, why."""

from __future__ import annotations

from typing import Any

from easiness.spec import DatasetRef, Precision, RecordedSpec, RunSpec


def difference(asked: RunSpec, precision: Precision, existing: RunSpec | RecordedSpec) -> str | None:
    """The first setting in which a run differs from what is asked, in words; ``None`` where it goes on."""
    run = existing.measured
    if run is None:
        return "it was recorded from a training loop of your own"
    if run.data.identity() != asked.data.identity():
        return _data_difference(run.data, asked.data)
    ours, theirs = asked.recipe.model_dump(), run.recipe.model_dump()
    pairs: list[tuple[str, Any, Any]] = [
        ("model", run.model, asked.model),
        ("file of pretrained weights", _short(run.pretrained), _short(asked.pretrained)),
        *((f"recipe setting {key}", theirs[key], ours[key]) for key in ours),
        ("recipe version", run.recipe_version, asked.recipe_version),
        ("seed", run.seed, asked.seed),
        ("train share", run.train_share, asked.train_share),
        ("drawing of examples", run.draw, asked.draw),
        ("same steps", run.same_steps, asked.same_steps),
        ("observations", run.observe, asked.observe),
        ("splits observed", [p.name for p in run.probes], [p.name for p in asked.probes]),
        ("logits kept", run.probes[0].keep_logits, asked.probes[0].keep_logits),
        ("weights kept", run.keep_weights, asked.keep_weights),
    ]
    if precision != "auto":
        pairs.append(("precision", run.resolved.precision, precision))
    for name, there, here in pairs:
        if there != here:
            verb = "are" if name == "observations" else "is"
            return f"{name} {verb} {there} in the run, {here} here"
    return None


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]


def _data_difference(run: DatasetRef, here: DatasetRef) -> str:
    if run.train.num_examples != here.train.num_examples:
        return f"the run has {run.train.num_examples} examples, the data here {here.train.num_examples}"
    if run.classes != here.classes:
        return "the classes of the data are others"
    if run.train.fingerprint != here.train.fingerprint:
        return "the data are others (the fingerprints of the training examples differ)"
    return "the held-out split of the data is another"
