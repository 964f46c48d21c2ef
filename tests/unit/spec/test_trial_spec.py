from __future__ import annotations

import hashlib
import json
from dataclasses import astuple
from typing import Any

import pytest
from pydantic import ValidationError

from easiness.errors import BadInput
from easiness.spec import (
    DatasetRef,
    Draw,
    FeaturesRef,
    Heads,
    Probe,
    Recipe,
    Resolved,
    RunSpec,
    SplitRef,
    TrialSpec,
    check_observe,
    content_hash,
    observe_text,
    observed_epochs,
    settings_of_others,
    trial_seeds,
)


def data_ref(**changes: Any) -> DatasetRef:
    settings: dict[str, Any] = {
        "source": "/data/pets",
        "train": SplitRef(fingerprint="aa", num_examples=10),
        "held_out": SplitRef(fingerprint="bb", num_examples=4),
        "classes": ("cat", "dog"),
        "image_shape": (3, 8, 8),
    }
    return DatasetRef(**{**settings, **changes})


def resolved(**changes: Any) -> Resolved:
    return Resolved(**{"precision": "float32", "channels_last": False, "threads": 2, **changes})


def trial(**changes: Any) -> TrialSpec:
    settings: dict[str, Any] = {
        "data": data_ref(),
        "model": "mlp_3",
        "recipe": Recipe(),
        "resolved": resolved(),
        "probes": (Probe(name="train"), Probe(name="held_out")),
        "epochs": 3,
        "seed": 0,
        "index": 1,
    }
    return TrialSpec(**{**settings, **changes})


def heads(**changes: Any) -> Heads:
    settings = {"features": (FeaturesRef(name="mine", identity="aa"),), "shares": (0.05, 0.2, 0.8)}
    return Heads.model_validate({**settings, **changes})


DRAW = Draw(effect="drop", rate=0.3, beta=(3.0, 1.0), ranking="aa")

OTHER: dict[str, list[Any]] = {
    "data": [
        data_ref(train=SplitRef(fingerprint="ac", num_examples=10)),
        data_ref(held_out=SplitRef(fingerprint="bc", num_examples=4)),
        data_ref(held_out=None),
        data_ref(classes=("cat", "wolf")),
        data_ref(classes=("dog", "cat")),
    ],
    "train_share": [0.5],
    "draw": [
        DRAW,
        *(
            DRAW.model_copy(update={name: value})
            for name, value in {
                "effect": "relabel",
                "rate": 0.4,
                "beta": (1.0, 3.0),
                "ranking": "bb",
                "balanced": True,
                "other_label": True,
            }.items()
        ),
    ],
    "same_steps": [True],
    "steps_of": [100],
    "dealt": ["0" * 64],
    "model": ["mlp_4"],
    "pretrained": ["ab" * 32, "cd" * 32],
    "recipe": [
        Recipe(**{name: value})  # type: ignore[arg-type]
        for name, value in {
            "batch_size": 64,
            "alpha": 0.002,
            "beta1": 0.8,
            "beta2": 0.999,
            "epsilon": 1e-7,
            "w_norm": 0.0,
            "period": 299.5,
            "label_smoothing": 0.1,
            "translation": 0.0,
            "flip": 0.0,
            "crop": 48,
            "reduce": 2,
            "gcn": False,
            "gcn_epsilon": 1e-5,
        }.items()
    ]
    + [
        Recipe(crop=48, **{name: value})  # type: ignore[arg-type]
        for name, value in {"crop_scale": 0.5, "crop_ratio": 1.0, "crop_share": 1.0}.items()
    ],
    "recipe_version": [0],
    "resolved": [resolved(precision="bfloat16"), resolved(channels_last=True)],
    "probes": [
        (Probe(name="train"),),
        (Probe(name="train", keep_logits="all"), Probe(name="held_out")),
        (Probe(name="train", observe="every:2"), Probe(name="held_out", observe="every:2")),
        (Probe(name="train", observe="train"), Probe(name="held_out")),
    ],
    "heads": [
        heads(),
        heads(features=(FeaturesRef(name="mine", identity="ab"),)),
        heads(features=(FeaturesRef(name="a", identity="aa"), FeaturesRef(name="b", identity="ab"))),
        heads(shares=(0.05, 0.2, 0.9)),
        heads(groups="cc"),
        heads(epochs=2),
        heads(version=2),
    ],
    "epochs": [4],
    "seed": [1],
    "index": [0],
}


def test_every_field_that_decides_what_is_recorded_is_in_the_hash():
    assert set(OTHER) == set(TrialSpec.model_fields)
    assert len(OTHER["recipe"]) == len(Recipe.model_fields.keys() - settings_of_others("image"))
    assert len(OTHER["draw"]) == 1 + len(Draw.model_fields)
    hashes = [trial(**{name: value}).hash for name, values in OTHER.items() for value in values]
    assert len({trial().hash, *hashes}) == 1 + len(hashes)


def test_settings_of_a_kind_count_for_that_kind_alone():
    changed = [Recipe(word_dropout=0.1), Recipe(max_words=9)]
    texts = data_ref(kind="text", image_shape=None)
    assert len({trial(recipe=recipe, data=texts).hash for recipe in [Recipe(), *changed]}) == 3
    assert {trial(recipe=recipe).hash for recipe in [Recipe(), *changed]} == {trial().hash}


def test_documents_name_settings_of_later_kinds_where_they_are_not_as_usual():
    assert "word_dropout" not in trial().model_dump_json()
    written = trial(recipe=Recipe(word_dropout=0.1)).model_dump_json()
    assert '"word_dropout":0.1' in written
    assert TrialSpec.model_validate_json(written).recipe == Recipe(word_dropout=0.1)


def test_what_features_are_called_is_not_in_the_hash():
    named = FeaturesRef(name="other", identity="aa", about="A network.")
    assert trial(heads=heads(features=(named,))).hash == trial(heads=heads()).hash


def test_where_it_lies_and_where_it_runs_is_not_in_the_hash():
    same = [
        trial(data=data_ref(source="/elsewhere")),
        trial(data=data_ref(source=None)),
        trial(data=data_ref(limit=10)),
        trial(data=data_ref(skip_unreadable=True)),
        trial(data=data_ref(data_root="/data", allow_outside=True)),
        trial(data=data_ref(columns={"path": "filename"})),
        trial(recipe=Recipe(crop_scale=0.5, crop_ratio=1.0, crop_share=1.0)),  # of photos
        trial(resolved=resolved(threads=7)),
        trial(resolved=resolved(reason="measured per step: 3 ms")),
    ]
    assert {spec.hash for spec in same} == {trial().hash}


def test_documents_lack_fields_that_are_not_in_use():
    written = json.loads(trial().model_dump_json())
    assert not written.keys() & set(TrialSpec.LATER)
    assert not written["data"].keys() & set(DatasetRef.LATER)
    named = trial(data=data_ref(columns={"path": "filename"}), steps_of=3)
    written = json.loads(named.model_dump_json())
    assert (written["data"]["columns"], written["steps_of"]) == ({"path": "filename"}, 3)
    assert named.data.load_options().model_dump()["columns"] == {"path": "filename"}


def test_files_that_were_left_out_are_counted_and_named_where_there_are_any():
    assert data_ref().unreadable_text() == data_ref().other_files_text() == ""
    assert data_ref(num_unreadable=3).unreadable_text() == "3"  # of a run from before they were named
    names = tuple("abcdefg")
    ref = data_ref(num_unreadable=7, unreadable=names, num_other_files=900, other_files=names)
    assert ref.unreadable_text() == "7 (a, b, c, d, e and 2 more)"
    assert ref.other_files_text() == "900 (a, b, c, d, e and 895 more)"
    written = json.loads(ref.model_dump_json())
    assert written["unreadable"] == written["other_files"] == list(names)
    assert written["num_other_files"] == 900
    assert trial(data=ref).hash == trial().hash


def test_known_hash():
    # A change here makes every run that exists another run, that cannot be continued.
    assert trial().hash == "62ccc2558c48a2d9b0f55f5f324c1f8f9fce8e8a7dd6e4e63a6fa2097ff50d35"


def test_content_hash_is_sha256_of_canonical_json():
    expected = hashlib.sha256(b'{"a":[1.5,null,true],"b":"x"}').hexdigest()
    assert content_hash({"b": "x", "a": [1.5, None, True]}) == expected
    with pytest.raises(ValueError, match="JSON"):
        content_hash({"a": float("nan")})


@pytest.mark.parametrize("changes", [{"epochs": 0}, {"seed": -1}, {"index": -1}, {"train_share": 0.0}])
def test_a_spec_refuses_numbers_out_of_range(changes):
    with pytest.raises(ValidationError, match=next(iter(changes))):
        trial(**changes)


def test_trials_of_a_run_differ_in_their_index_alone():
    run = RunSpec(
        data=data_ref(),
        model="mlp_3",
        recipe=Recipe(alpha=0.5),
        recipe_version=0,
        resolved=resolved(channels_last=True),
        train_share=0.5,
        probes=(Probe(name="train"),),
        seed=9,
        trials=2,
        epochs=7,
    )
    first, second = (run.trial(i).model_dump() for i in range(2))
    assert (first.pop("index"), second.pop("index")) == (0, 1)
    assert first == second
    kept = run.model_dump(exclude={"kind", "keep_weights", "trials"})
    assert first == kept


def test_known_values():
    # A change here retrains every trial to other weights: it would need a new recipe version.
    assert astuple(trial_seeds(0, 0)) == (
        1317536309490288386,
        7449029282396566744,
        6732180131098485628,
        5524574814476092572,
        7575695657427336472,
    )
    assert astuple(trial_seeds(7, 3)) == (
        6999439791021987821,
        7327967498983432124,
        3748672280719549926,
        8948521169490412876,
        1462221144091735755,
    )


def test_all_streams_of_all_trials_differ():
    values = [v for seed in range(5) for i in range(20) for v in astuple(trial_seeds(seed, i))]
    assert len(set(values)) == len(values) == 5 * 20 * 5


@pytest.mark.parametrize(
    ("observe", "epochs", "expected"),
    [
        ("all", 3, (1, 2, 3)),
        ("train", 3, (1, 2, 3)),
        ("last", 3, (3,)),
        ("every:2", 5, (2, 4, 5)),
        ("every:2", 4, (2, 4)),
        ("every:5", 4, (4,)),
        ("every:3", 1, (1,)),
    ],
)
def test_the_last_epoch_is_always_observed(observe, epochs, expected):
    assert observed_epochs(observe, epochs) == expected
    assert Probe(name="train", observe=observe).observed(epochs) == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("all", "all"),
        ("train", "train"),
        ("every:1", "all"),
        ("every:07", "every:7"),
        ("every:999999999", "every:999999999"),
    ],
)
def test_what_can_be_asked_for(text, same):
    assert check_observe(text) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "every",
        "every:",
        "every:0",
        "every:-1",
        "every:1.5",
        "every:²",
        "every:1234567890",
        "every:" + "9" * 5000,
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="--observe"):
        Probe(name="train", observe=text)
    with pytest.raises(BadInput) as refusal:
        check_observe(text)
    said = text if len(text) < 300 else f"{text[:80]}..."
    assert str(refusal.value) == (
        f"--observe {said}: unknown; choose all, every:K (K = 2, 3, ...), last or train"
    )


def test_in_words():
    assert observe_text("every:5") == "after epochs 5, 10, ... and the last, clean"
    assert observe_text("train") == "augmented: made during training, while the weights moved"
