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
    found = _first([*_training(run, asked), *_recording(run, asked, precision)])
    if found is None:
        return None
    name, there, here = found
    verb = "are" if name == "observations" else "is"
    return f"{name} {verb} {there} in the run, {here} here"


def remedy(asked: RunSpec, existing: RunSpec | RecordedSpec) -> str:
    """What to do where a run is not the one that is asked for."""
    run = existing.measured
    if (
        run is not None
        and run.data.num_unreadable
        and not asked.data.skip_unreadable
        and run.data.identity() != asked.data.identity()
    ):
        return "give --skip-unreadable, as the run was made"
    return "choose another --out"


def training_difference(one: RunSpec, other: RunSpec) -> str | None:
    """The first setting in which the training of two runs differs, in words; ``None`` where none does.

    Seeds, data, splits and what is kept may differ: the trials of both are draws of the same procedure.
    """
    found = _first([*_training(one, other), ("precision", one.resolved.precision, other.resolved.precision)])
    return None if found is None else "{} is {} in one and {} in the other".format(*found)


def _training(run: RunSpec, asked: RunSpec) -> list[tuple[str, Any, Any]]:
    ours, theirs = asked.recipe.model_dump(), run.recipe.model_dump()
    return [
        ("model", run.model, asked.model),
        ("file of pretrained weights", _short(run.pretrained), _short(asked.pretrained)),
        *((f"recipe setting {key}", theirs[key], ours[key]) for key in ours),
        ("recipe version", run.recipe_version, asked.recipe_version),
        ("train share", run.train_share, asked.train_share),
        ("drawing of examples", run.draw, asked.draw),
        ("same steps", run.same_steps, asked.same_steps),
        ("steps of so many examples", run.steps_of, asked.steps_of),
        ("dealing to folds", _short(run.dealt), _short(asked.dealt)),
        *_of_heads(run, asked),
    ]


def _of_heads(run: RunSpec, asked: RunSpec) -> list[tuple[str, Any, Any]]:
    """What differs of runs on features."""
    there, here = run.heads, asked.heads
    if there is None or here is None:
        words = ["trainings" if one is None else "heads on features" for one in (there, here)]
        return [("kind of trials", words[0], words[1])]
    settings: list[tuple[str, Any, Any]] = [
        ("shares", there.shares, here.shares),
        ("groups of examples", _short(there.groups), _short(here.groups)),
        ("epochs", there.epochs, here.epochs),
    ]
    ours, theirs = ([one.identity for one in heads.features] for heads in (here, there))
    if ours == theirs:
        return settings
    names = [tuple(one.name for one in heads.features) for heads in (there, here)]
    versions = [
        (f"version of the features {one.name}", _short(one.identity), _short(other.identity))
        for one, other in zip(there.features, here.features, strict=False)
    ]
    return [("features", names[0], names[1]), *versions, *settings]


def _recording(run: RunSpec, asked: RunSpec, precision: Precision) -> list[tuple[str, Any, Any]]:
    settings: list[tuple[str, Any, Any]] = [
        ("seed", run.seed, asked.seed),
        ("observations", run.observe, asked.observe),
        ("splits observed", [p.name for p in run.probes], [p.name for p in asked.probes]),
        ("logits kept", run.probes[0].keep_logits, asked.probes[0].keep_logits),
        ("weights kept", run.keep_weights, asked.keep_weights),
    ]
    if precision != "auto":
        settings.append(("precision", run.resolved.precision, precision))
    return settings


def _first(settings: list[tuple[str, Any, Any]]) -> tuple[str, Any, Any] | None:
    """The first of (name, value in the run, value here) that differs."""
    return next((one for one in settings if one[1] != one[2]), None)


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
