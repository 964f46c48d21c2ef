"""Facts of a run for pages and notebooks, and the command that measures it again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from easiness import show
from easiness.data import Dataset
from easiness.errors import BadInput
from easiness.inputs import kind_named
from easiness.lazy import pd
from easiness.models import is_given
from easiness.regular_file import in_words
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
    shares_text,
)
from easiness.store import Run
from easiness.studies.outcomes import scores_of_outcomes
from easiness.studies.scores import ScoresOptions, accuracy_by_split, draw_levels, easiness_levels


def data_name(run: Run) -> str | None:
    """The name of a run's data, the last part of its source; arrays have none."""
    source = run.spec.data.source
    return source and (PurePath(source).name or source)


def run_facts(run: Run, accuracy: Mapping[str, pd.DataFrame], epoch: int) -> dict[str, str]:
    """Facts about a run by name, in reading order; what is not known of a run is left out."""
    spec = run.spec
    facts = {"network": run.network, "trials": str(len(run.trials))}
    facts |= {"shares": shares_text(run.shares)} if run.shares else {"epochs": str(run.epochs)}
    training = spec.measured
    if training is not None:
        facts["data"] = in_words(spec.data.source or "arrays")
        if spec.data.limit is not None:
            facts["data"] += f", {show.count(spec.data.limit)} examples of it"
        if training.pretrained is not None:
            facts["starts from"] = f"published weights ({training.pretrained[:8]})"
        if training.trials != len(run.trials):
            facts["trials"] += f" of {training.trials} are finished"
    if run.shares:
        facts["seen by heads"] = "shares of the examples, each head asked about all"
    elif training is not None:
        facts["trained on"] = (
            "all examples"
            if training.train_share == 1
            else f"{show.chosen_percent(training.train_share)} of the examples, drawn by trial"
        )
    if spec.data.num_unreadable:
        facts["left out, since unreadable"] = spec.data.unreadable_text()
    if spec.data.num_other_files:
        facts[f"left out, since by name no {kind_named(spec.data.kind).nouns}"] = spec.data.other_files_text()
    if run.document.stopped is not None:
        facts["enough trials"] = run.document.stopped.sentence
    if spec.observe != ALL:
        facts["observations"] = observe_text(spec.observe)
    warning = run.unfinished(epoch)
    if warning is not None:
        facts["unfinished"] = warning
    texts = accuracy_texts(accuracy, epoch)
    facts |= {f"{split} accuracy {run.at(epoch)}": text for split, text in texts.items()}
    if training is not None:
        layout = ", channels-last" if training.resolved.channels_last else ""
        facts["precision"] = f"{training.resolved.precision}{layout}"
        if not run.shares:
            facts["recipe"] = describe_recipe(training.recipe)
        facts["seed"] = str(training.seed)
    facts |= _where(run)
    facts["fingerprint"] = spec.data.train.fingerprint[:8]
    facts["folder"] = in_words(run.path)
    return facts


def accuracy_texts(accuracy: Mapping[str, pd.DataFrame], epoch: int) -> dict[str, str]:
    """Mean accuracy over trials after ``epoch``, with its standard deviation, by split."""
    return {
        split.replace("_", "-"): show.plus_minus(by_epoch.mean(axis=1)[epoch], by_epoch.std(axis=1)[epoch])
        for split, by_epoch in accuracy.items()
    }


def _where(run: Run) -> dict[str, str]:
    ran = [trial.document.ran for trial in run.trials]
    facts = {}
    seconds = [one["seconds"] for one in ran if "seconds" in one]
    if seconds:
        whole, each = show.duration_text(sum(seconds)), show.duration_text(sum(seconds) / len(seconds))
        facts["time"] = f"{whole}, {each} a trial"
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
    text = f"{show.count(data.train.num_examples)} examples of {data.classes_text}"
    kind, shape = kind_named(data.kind), data.image_shape or data.shape
    if shape is not None:
        text += kind.looks(shape)
    if run.spec.measured is not None:
        text += kind.view(run.spec.measured.recipe)
    if data.held_out is not None:
        text += f"; {show.count(data.held_out.num_examples)} more are held out"
    return text


FOR_FEATURES = "Difficulty is measured for these features, not for networks in general."


def about_features(heads: Heads) -> list[str]:
    """A sentence or two on each of the features: whose they are, and what that network may have seen."""
    return [in_words(one.name) + (f": {one.about}" if one.about else ".") for one in heads.features]


def epoch_option(run: Run, epoch: int) -> list[str]:
    """The option with which a command reads the run after ``epoch``; empty where it does so anyway."""
    return [] if epoch == run.observed[-1] else ["--at", f"{run.row(epoch).value:g}"]


def measure_command(run: Run, data: Dataset | None) -> tuple[str, ...] | None:
    """The parts of the command that measures the run again, if one does.

    Its recipe has a name, where one fits but for the sizes of batches and photos; else it is that of the run.
    """
    spec = run.spec.measured
    if spec is None or spec.heads is not None:
        return None if spec is None else _again(run, spec)
    how: dict[str, Any] = {"recipe": run.path}
    sizes = {"batch_size": spec.recipe.batch_size} | ({"crop": spec.recipe.crop} if spec.recipe.crop else {})
    for name in () if data is None else RECIPES:
        assert data is not None
        usual = Recipe.model_validate({**named_recipe(name, spec.model), **data.recipe_defaults})
        if usual.model_copy(update=sizes) == spec.recipe:
            how = {"recipe": name}
            if usual.batch_size != spec.recipe.batch_size:
                how["batch_size"] = spec.recipe.batch_size
            if usual.crop != spec.recipe.crop:
                how["image_size"] = spec.recipe.crop
            break
    return _again(run, spec, "seed", precision=spec.resolved.precision, **how)


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


_LEFT_TO_THE_REPORT = ("precision", "recipe", "seed", "time", "ran on", "PyTorch", "fingerprint")


def run_html(run: Run) -> str:
    """A table, and a figure of a common epoch, as HTML that loads nothing; every text is escaped."""
    if run.is_outcomes:
        return scores_of_outcomes(ScoresOptions((run,)))._repr_html_()
    facts = {"network": run.network, "trials": str(len(run.trials)), "folder": in_words(run.path)}
    if run.observed:
        facts = run_facts(run, accuracy_by_split(run), run.observed[-1])
    rows = [["fact", "value"], *([*one] for one in facts.items() if one[0] not in _LEFT_TO_THE_REPORT)]
    section, figure = show.Section(run.network, describe_data(run), rows), ""
    if run.observed:
        with suppress(BadInput):  # nothing is right in any trial, so there is no easiness yet
            levels = easiness_levels(run.votes(), len(run.stratum_names))
            which = (
                f"{run.path.absolute()} {len(run.trials)} {run.epochs}"  # there may be several in a notebook
            )
            label = f"Examples by the number of trials, of {len(run.trials)}, that are right."
            figure = show.figure_html(draw_levels(levels), of=which, label=label)
    return show.sections_html([section], figure=figure)
