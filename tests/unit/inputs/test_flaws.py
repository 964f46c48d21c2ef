"""Blank, dark and overexposed pictures and silent sounds are told; ordinary ones and digits are not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import easiness as ez
from easiness.inputs.kind import FLAWS, OF_PICTURES, OF_SOUNDS
from easiness.studies.suspects import kept_conflicts
from recording import believing

RNG = np.random.default_rng(0)
SCENE = np.asarray(Image.fromarray(RNG.integers(0, 256, (6, 6, 3), np.uint8)).resize((48, 48)))
STROKES = np.eye(48)[..., None] > 0
TONE = 0.3 * np.sin(np.arange(8000) / 5)


@pytest.mark.parametrize(
    ("flaws", "value", "said"),
    [
        (OF_PICTURES, SCENE, ""),
        (OF_PICTURES, np.full((20, 30, 3), 140, np.uint8), "blank"),
        (OF_PICTURES, np.clip(90 + RNG.normal(0, 2, (40, 40, 1)), 0, 255).astype(np.uint8), "blank"),
        (OF_PICTURES, (SCENE * 0.12).astype(np.uint8), "dark"),
        (OF_PICTURES, np.clip(SCENE * 3.0 + 110, 0, 255).astype(np.uint8), "overexposed"),
        (OF_PICTURES, np.where(STROKES, 255, 0).astype(np.uint8), ""),  # on black, as digits
        (OF_PICTURES, np.where(STROKES, 0, 255).astype(np.uint8), ""),
        (OF_PICTURES, np.repeat(np.repeat(SCENE, 20, 0), 20, 1), ""),  # looked at in steps
        (OF_SOUNDS, TONE, ""),
        (OF_SOUNDS, 0.03 * TONE, ""),  # -41 dB
        (OF_SOUNDS, np.zeros(8000), "silent"),
        (OF_SOUNDS, RNG.normal(0, 3e-4, 8000), "silent"),
        (OF_SOUNDS, np.r_[0.02, np.zeros(7999)], "silent"),  # a click: root mean square 0.0002
    ],
)
def test_each_flaw(flaws, value, said):
    assert FLAWS[flaws.classify(np.array([flaws.look(value)]))[0]] == said


def test_what_many_have_is_their_kind():
    blank, plain = (0.5, 0.5, 0.0), (0.0, 1.0, 0.0)
    assert (OF_PICTURES.among(np.array([blank] * 5 + [plain] * 15)) > 0).sum() == 5
    assert not OF_PICTURES.among(np.array([blank] * 6 + [plain] * 94)).any()
    assert OF_PICTURES.among(np.array([blank] * 6 + [plain] * 194)).sum() == 6


def test_they_are_in_every_form_of_the_suspects(record):
    x = RNG.integers(0, 256, (12, 8, 8, 3), np.uint8)
    x[3], x[7] = 100, x[7] // 8
    labels = np.arange(12) % 3
    data = ez.load_dataset((x, labels))
    run = record(believing(labels, trials=2, epochs=1), labels, fingerprint=data.fingerprint)
    found = ez.suspects(run, data=data)
    assert found.conflicts.flaws == {("train", 3): "blank", ("train", 7): "dark"}
    assert "1 of the pictures is blank: 3." in found.conflicts.sentences()
    reasons = {row["id"]: row["reason"] for row in found.document()["suspects"]}
    assert [reasons[at].partition(";")[0] for at in (3, 7)] == ["blank", "dark"]
    listed = found.table()["id"].tolist()
    assert listed[: found.num_listed] == found.ranked["id"].tolist()[: found.num_listed]
    assert sorted(listed[found.num_listed :]) == sorted({3, 7} - {*listed[: found.num_listed]})
    conflicts = kept_conflicts(run, data)
    assert conflicts is not None
    assert found.conflicts is not None
    assert conflicts.flaws == found.conflicts.flaws
