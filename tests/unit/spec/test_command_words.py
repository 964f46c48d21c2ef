from __future__ import annotations

import pytest

from easiness.spec import (
    DatasetRef,
    Drawing,
    Execution,
    Loading,
    Probe,
    Recipe,
    Recording,
    Resolved,
    RunSpec,
    SplitRef,
    Training,
    command_line,
    command_parts,
    loading_of,
    training_of,
)
from easiness.spec.named_recipes import named_recipe

SPLIT = SplitRef(fingerprint="0" * 64, num_examples=2)


def ref(**options) -> DatasetRef:
    return DatasetRef(source="photos", train=SPLIT, classes=("ant", "bee"), **options)


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


def test_usual_data_take_no_options():
    assert loading_of(ref()) == Loading()


def test_every_way_to_load_has_its_option():
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
    ],
)
def test_how_a_run_was_trained(model, changes, said):
    resolved = Resolved(precision="float32", channels_last=False, threads=1)
    spec = RunSpec(
        data=ref(), model=model, recipe=Recipe.model_validate(changes), epochs=7, seed=0, trials=1,
        resolved=resolved, probes=(Probe(name="train"),),
    )  # fmt: skip
    line = command_line("ablate", training_of(spec), always=("model", "epochs"))
    assert line == f"easiness ablate --model {model} --epochs 7 {said}".strip()
