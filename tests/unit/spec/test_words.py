"""Options and their names: public functions, which are flat, and commands say the same as the values."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, FrozenInstanceError, fields
from pathlib import Path

import pytest

import easiness as ez
from easiness.spec import (
    DatasetRef,
    Drawing,
    Execution,
    FeaturesRef,
    Featuring,
    Heads,
    Loading,
    Recipe,
    Recording,
    RunSpec,
    SplitRef,
    Training,
    Trials,
    command_line,
    command_parts,
    featuring_of,
    loading_of,
    options_of,
    training_of,
)
from easiness.spec.recipe import named_recipe
from recording import run_spec

KINDS: tuple[type, ...] = (Drawing, Execution, Loading, Recording, Training, Trials)


def test_load_dataset_has_the_options_of_loading():
    parameters = inspect.signature(ez.load_dataset).parameters
    for field in fields(Loading):
        assert parameters[field.name].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[field.name].default == field.default


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_frozen_and_each_option_is_declared_once(kind):
    value = kind()
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(kind)[0].name, None)
    others = {field.name for other in KINDS if other is not kind for field in fields(other)}
    assert not others & {field.name for field in fields(kind)}
    assert all(field.default is not MISSING for field in fields(kind))
    options = options_of(kind)
    assert {field.name for field in fields(kind)} - {"splits", "rate"} == set(options)
    assert all(option.flag.startswith("--") and option.help.endswith(".") for _, option in options.values())


@pytest.mark.parametrize(
    ("name", "text", "names", "wrong"),
    [
        (
            *("columns", "path=filename, label=breed=x", {"path": "filename", "label": "breed=x"}),
            ("path", "path=", "=filename", "path=a,", ""),
        ),
        ("inputs", "petal length, petal width", ("petal length", "petal width"), ("", "a,", ",a")),
    ],
)
def test_names_of_columns_are_read(name, text, names, wrong):
    read = options_of(Loading)[name][1].read
    assert read is not None
    assert read(text) == names
    for one in wrong:
        with pytest.raises(ValueError, match="as in "):
            read(one)


SPLIT = SplitRef(fingerprint="0" * 64, num_examples=2)


def ref(**options) -> DatasetRef:
    return DatasetRef(source="photos", train=SPLIT, classes=("ant", "bee"), **options)


def run(model: str, changes: dict[str, object], **given) -> RunSpec:
    recipe = Recipe.model_validate(changes)
    return run_spec(
        **{"data": ref(), "model": model, "recipe": recipe, "epochs": 7, "seed": 0, "trials": 1, **given}
    )


def test_a_line_has_what_differs_and_is_quoted_for_a_shell():
    assert command_line("measure", "my photos", Training(), Loading()) == "easiness measure 'my photos'"
    parts = command_parts("ablate", "digits", "--scores", "a b", Drawing((0, 0.3), ["beta:3,1", "random"]))
    assert parts == (
        "easiness ablate digits",
        "--scores 'a b'",
        "--rates 0,0.3",
        "--policies beta:3,1,random",
    )
    line = command_line("measure", "digits", Training("wrn_16_4", seed=3), "--out", "x", always=("model",))
    assert line == "easiness measure digits --model wrn_16_4 --seed 3 --out x"


def test_flags_and_words_are_typed_as_the_command_reads_them():
    recording, execution = Recording(keep_logits=True, keep_weights=False), Execution(cache=False, jobs=2)
    said = command_line("measure", "digits", recording, execution)
    assert said == "easiness measure digits --keep-logits --no-weights --jobs 2 --cache off"


def test_every_way_to_load_has_its_option_and_usual_data_take_none():
    assert loading_of(ref()) == Loading()
    data = ref(
        limit=10,
        data_root="sets",
        labels="labels.csv",
        holdout=0.25,
        allow_outside=True,
        skip_unreadable=True,
        columns={"path": "filename", "label": "breed"},
        text="question",
        sound="take",
        inputs=("length", "width"),
        label="species",
        encoding="latin-1",
    )
    assert command_line("measure", loading_of(data)).split()[2:] == [
        *["--limit", "10", "--holdout", "0.25", "--data-root", "sets", "--allow-outside"],
        *["--labels", "labels.csv", "--skip-unreadable", "--columns", "path=filename,label=breed"],
        *["--text", "question", "--sound", "take", "--inputs", "length,width", "--label", "species"],
        *["--encoding", "latin-1"],
    ]


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        ("mlp_3", named_recipe("short", "mlp_3"), "--recipe short"),
        ("vgg16", named_recipe("short", "vgg16"), "--recipe short"),
        ("mlp_3", {}, ""),
        ("mlp_3", {"alpha": 0.01}, ""),
        ("mlp_3", {**named_recipe("short", "mlp_3"), "crop": 32}, "--recipe short --image-size 32"),
        ("mlp_3", {"batch_size": 32}, "--batch-size 32"),
        (
            *("mlp_3", {**named_recipe("short", "mlp_3"), "flip": 0.0, "batch_size": 32}),
            "--recipe short --batch-size 32",
        ),
    ],
)
def test_how_a_run_was_trained(model, changes, said):
    """A recipe without a name is that of the run, where its folder is given."""
    line = command_line("ablate", training_of(run(model, changes)), always=("model", "epochs"))
    assert line == f"easiness ablate --model {model} --epochs 7 {said}".strip()
    of_run = said if "--recipe" in said and "flip" not in changes else "--recipe 'my run'"
    line = command_line("verify", training_of(run(model, changes), Path("my run")))
    assert line == f"easiness verify --model {model} --epochs 7 {of_run}"


def test_heads_are_fitted_again():
    heads = Heads(
        features=(FeaturesRef(name="a.npy", identity="0"), FeaturesRef(name="hf:b", identity="1")),
        shares=(0.2, 0.75),
        groups="2",
    )
    ridge, column = run("ridge", {}, heads=heads), run("linear", {}, heads=heads, data=ref(group="patient"))
    words = "--features a.npy --features hf:b --shares 0.2,0.75 --group"
    options = featuring_of(ridge), training_of(ridge, Path("run"))
    assert command_line("verify", *options) == f"easiness verify {words} COLUMN --model ridge"
    options = featuring_of(column), training_of(column, Path("run"))
    assert command_line("verify", *options) == f"easiness verify {words} patient --model linear --recipe run"
    assert featuring_of(run("mlp_3", {})) == Featuring()
