from __future__ import annotations

import pytest

from easiness.spec import DatasetRef, Probe, Recipe, Resolved, RunSpec, SplitRef, load_words, training_words
from easiness.spec.named_recipes import named_recipe

SPLIT = SplitRef(fingerprint="0" * 64, num_examples=2)


def ref(**options) -> DatasetRef:
    return DatasetRef(source="photos", train=SPLIT, classes=("ant", "bee"), **options)


def words(options) -> str:
    return " ".join(word for option in options for word in option)


def test_usual_data_take_no_options():
    assert words(load_words(ref())) == ""


def test_every_way_to_load_has_its_option():
    data = ref(
        limit=10,
        data_root="sets",
        labels="labels.csv",
        holdout=0.25,
        allow_outside=True,
        skip_unreadable=True,
        columns={"path": "filename", "label": "breed"},
    )
    rest = "--holdout 0.25 --allow-outside --columns path=filename,label=breed --skip-unreadable"
    assert words(load_words(data)) == f"--limit 10 --data-root sets --labels labels.csv {rest}"
    assert words(load_words(data, labels=False)) == f"--limit 10 --data-root sets {rest}"


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
    assert words(training_words(spec)) == f"--model {model} --epochs 7 {said}".strip()
