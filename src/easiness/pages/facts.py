"""Facts of a run for pages and notebooks, and the command that measures it again."""

from __future__ import annotations

import html
from pathlib import PurePath
from typing import Any

from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.models import is_given
from easiness.regular_file import in_words
from easiness.show import chosen_percent, count, duration, figure_html, plus_minus
from easiness.spec import (
    ALL,
    RECIPES,
    Heads,
    Recipe,
    Recording,
    RunSpec,
    Training,
    Trials,
    command_parts,
    describe_recipe,
    featuring_of,
    loading_of,
    named_recipe,
    observe_text,
    settings_of_others,
    shares_text,
)
from easiness.store import Run
from easiness.studies.scores import AccuracyCurves, accuracy_curves, draw_levels, easiness_levels


def data_name(run: Run) -> str | None:
    """The name of a run's data, the last part of its source; arrays have none."""
    source = run.spec.data.source
    return source and (PurePath(source).name or source)


def run_facts(run: Run, accuracy: AccuracyCurves, epoch: int) -> dict[str, str]:
    """Facts about a run by name, in reading order; what is not known of a run is left out."""
    spec = run.spec
    facts = {"network": run.network, "trials": str(len(run.trials))}
    facts |= {"shares": shares_text(run.shares)} if run.shares else {"epochs": str(run.epochs)}
    measured = spec.measured
    if measured is not None:
        facts["data"] = in_words(spec.data.source or "arrays")
        if spec.data.limit is not None:
            facts["data"] += f", {count(spec.data.limit)} examples of it"
        if measured.pretrained is not None:
            facts["starts from"] = f"published weights ({measured.pretrained[:8]})"
        if measured.trials != len(run.trials):
            facts["trials"] += f" of {measured.trials} are finished"
    if run.shares:
        facts["seen by heads"] = "shares of the examples, each head asked about all"
    elif measured is not None:
        facts["trained on"] = (
            "all examples"
            if measured.train_share == 1
            else f"{chosen_percent(measured.train_share)} of the examples, drawn by trial"
        )
    if spec.data.num_unreadable:
        facts["left out, since unreadable"] = spec.data.unreadable_text()
    if spec.data.num_other_files:
        facts[f"left out, since by name no {kind_named(spec.data.kind).nouns}"] = spec.data.other_files_text()
    if run.document.stopped is not None:
        facts["enough trials"] = run.document.stopped.sentence
    if spec.observe != ALL:
        facts["observations"] = observe_text(spec.observe)
    unfinished = run.warning(epoch)
    if unfinished is not None:
        facts["unfinished"] = unfinished
    row = accuracy.epochs.index(epoch)
    for split in accuracy.by_split:
        deviation = accuracy.deviation(split)
        error = None if deviation is None else float(deviation[row])
        name = f"{split.replace('_', '-')} accuracy {run.at(epoch)}"
        facts[name] = plus_minus(float(accuracy.mean(split)[row]), error)
    if measured is not None:
        layout = ", channels-last" if measured.resolved.channels_last else ""
        facts["precision"] = f"{measured.resolved.precision}{layout}"
        if not run.shares:
            facts["recipe"] = describe_recipe(measured.recipe)
        facts["seed"] = str(measured.seed)
    facts |= _where(run)
    facts["fingerprint"] = spec.data.train.fingerprint[:8]
    facts["folder"] = in_words(run.path)
    return facts


def _where(run: Run) -> dict[str, str]:
    ran = [trial.document.ran for trial in run.trials]
    facts = {}
    seconds = [one["seconds"] for one in ran if "seconds" in one]
    if seconds:
        facts["time"] = f"{duration(sum(seconds))}, {duration(sum(seconds) / len(seconds))} a trial"
    machine = " and ".join(
        sorted({f"{one['device']} ({one['machine']})" for one in ran if {"device", "machine"} <= one.keys()})
    )
    if machine:
        facts["ran on"] = machine
    for library, name in (("easiness", "easiness"), ("torch", "PyTorch")):
        if versions := ", ".join(sorted({str(one[library]) for one in ran if library in one})):
            facts[name] = versions
    return facts


def describe_data(run: Run) -> str:
    """The data of a run in a phrase: numbers of examples and classes, and what one is like."""
    data = run.spec.data
    text = f"{count(data.train.num_examples)} examples of {len(data.classes)} classes"
    kind, shape = kind_named(data.kind), data.image_shape or data.shape
    if shape is not None:
        text += kind.looks(shape)
    if run.spec.measured is not None:
        text += kind.seen(run.spec.measured.recipe)
    if data.held_out is not None:
        text += f"; {count(data.held_out.num_examples)} more are held out"
    return text


FOR_FEATURES = "Difficulty is measured for these features, not for networks in general."


def about_features(heads: Heads) -> list[str]:
    """A sentence or two on each of the features: whose they are, and what that network may have seen."""
    return [in_words(one.name) + (f": {one.about}" if one.about else ".") for one in heads.features]


def epoch_option(run: Run, epoch: int) -> list[str]:
    """The option with which a command reads the run after ``epoch``; empty where it does so anyway."""
    return [] if epoch == run.observed[-1] else ["--at", f"{run.row(epoch).value:g}"]


def measure_command(run: Run, data: Dataset | None) -> tuple[tuple[str, ...], str | None] | None:
    """The parts of the command that measures the run again, if one does, and its TOML file, if any."""
    spec = run.spec.measured
    if spec is None or is_given(spec.model):
        return None
    if spec.heads is not None:
        parts = _again(run, spec)
        return None if parts is None else (parts, None)
    recipe, batch_size, image_size = "recipe.toml", None, None
    by_name = None if data is None else _named(spec, data)
    if by_name is not None:
        recipe, usual = by_name
        batch_size = None if usual.batch_size == spec.recipe.batch_size else spec.recipe.batch_size
        image_size = None if usual.crop == spec.recipe.crop else spec.recipe.crop
    how = {"recipe": recipe, "batch_size": batch_size, "image_size": image_size}
    parts = _again(run, spec, "seed", precision=spec.resolved.precision, **how)
    if parts is None:
        return None
    used = spec.recipe.model_dump(exclude=settings_of_others(spec.data.kind))
    settings = (f"{name} = {_toml(value)}" for name, value in used.items())
    return parts, None if by_name else "\n".join(settings)


def longer_command(run: Run, **more: int) -> str | None:
    """The line that gives a run more ``trials`` or ``epochs``, if any does, by the recipe it has."""
    spec = run.spec.measured
    parts = None if spec is None else _again(run, spec.model_copy(update=more))
    return None if parts is None else " ".join(parts)


def _again(run: Run, spec: RunSpec, *always: str, **how: Any) -> tuple[str, ...] | None:
    """The command of a run in parts, which names its size and what is ``always`` named."""
    heads, source = spec.heads, spec.data.source
    if source is None or is_given(spec.model) or (heads and _ARRAY in {one.name for one in heads.features}):
        return None
    size: tuple[Any, ...] = (Trials(spec.trials), loading_of(spec.data))
    if heads is not None:
        training = Training(spec.model, heads.epochs or Training.epochs, spec.seed)
        always = ("seed", "trials") if heads.epochs is None else ("epochs", "seed", "trials")
        options = (featuring_of(spec), training, *size)
    else:
        pretrained = spec.pretrained is not None
        training = Training(
            spec.model, spec.epochs, spec.seed, train_share=spec.train_share, pretrained=pretrained, **how
        )
        always = ("model", "epochs", "trials", *always)
        recording = Recording(spec.observe, spec.probes[0].keep_logits == "all", spec.keep_weights)
        options = (training, *size, recording)
    return command_parts("measure", source, *options, "--out", run.path, always=always)


_ARRAY = "array"
"""The name of features that were given as an array."""


def _named(spec: RunSpec, data: Dataset) -> tuple[str, Recipe] | None:
    """The name of a run's recipe for these data, and that recipe; the sizes of batch and photo may differ."""
    for name in RECIPES:
        usual = Recipe.model_validate({**named_recipe(name, spec.model), **data.recipe_defaults})
        asked: dict[str, Any] = {"batch_size": spec.recipe.batch_size}
        if spec.recipe.crop:
            asked["crop"] = spec.recipe.crop
        if usual.model_copy(update=asked) == spec.recipe:
            return name, usual
    return None


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


_LEFT_TO_THE_REPORT = ("precision", "recipe", "seed", "time", "ran on", "PyTorch", "fingerprint")


def run_html(run: Run) -> str:
    """A table, and a figure of a common epoch, as HTML that loads nothing; every text is escaped."""
    if run.observed:
        epoch = run.observed[-1]
        facts = run_facts(run, accuracy_curves(run), epoch)
    else:
        trials = (
            f"{len(run.trials)} finished, observed after no common epoch" if run.trials else "none finished"
        )
        facts = {"network": run.model, "trials": trials, "folder": str(run.path)}
    facts = {"examples": describe_data(run), **facts}
    rows = "".join(
        f'<tr><th scope="row" style="text-align: left">{html.escape(name)}</th>'
        f'<td style="text-align: left">{html.escape(value)}</td></tr>'
        for name, value in facts.items()
        if name not in _LEFT_TO_THE_REPORT
    )
    # names and ids are not to be read as mathematics
    shown = f"<table><tbody>{rows}</tbody></table>{_figure(run)}"
    return f'<div class="tex2jax_ignore mathjax_ignore">{shown}</div>'


def _figure(run: Run) -> str:
    if not run.observed:
        return ""
    try:
        levels = easiness_levels(run.votes(), len(run.classes))
    except BadInput:  # nothing is right in any trial, so there is no easiness yet
        return ""
    which = f"{run.path.absolute()} {len(run.trials)} {run.epochs}"  # several may stand in one notebook
    label = f"Examples by the number of trials, of {len(run.trials)}, that are right."
    return figure_html(draw_levels(levels), of=which, label=label)
